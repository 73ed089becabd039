"""The chart on a real Kubernetes: what stays the same, and what takes effect without a restart."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.chart.conftest import ARCHIVE, with_dependency
from tests.cluster.conftest import cluster
from tests.unit.hub.helm import HELM

IMAGES = os.environ.get("FEDHUB_CLUSTER_IMAGES", "")
NODE = "10.213.0.2"

Z2JH: dict[str, Any] = {
    "hub": {"pdb": {"enabled": False}},
    "proxy": {
        "chp": {"image": {"name": "localhost/fedhub-base/proxy", "tag": "test"}},
        "service": {"type": "NodePort"},
    },
    "singleuser": {
        "image": {"name": "localhost/fedhub-base/singleuser", "tag": "test"},
        "cloudMetadata": {"blockWithIptables": False},
        "storage": {"type": "none"},
    },
    "prePuller": {"hook": {"enabled": False}, "continuous": {"enabled": False}},
    "scheduling": {"userScheduler": {"enabled": False}, "userPlaceholder": {"enabled": False}},
}
OURS: dict[str, Any] = {
    "global": {
        "fedhub": {
            "domain": "hub.example.org",
            "login": {
                "campus": {
                    "authenticator": "cilogon",
                    "config": {
                        "idps": {
                            "https://idp.uni.example.edu/idp/shibboleth": {
                                "username_derivation": {"username_claim": "eppn"},
                                "allow_all": True,
                            }
                        }
                    },
                }
            },
        }
    },
    "jupyterhub": Z2JH
    | {"hub": Z2JH["hub"] | {"image": {"name": "localhost/fedhub/hub", "tag": "test"}}},
}


class Cluster:
    """A cluster with the images loaded."""

    def __init__(self, folder: Path, chart: Path) -> None:
        self.folder = folder
        self.chart = chart

    def kubectl(self, *command: str) -> str:
        return cluster(self.folder, "kubectl", *command)

    def get(self, *command: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", *command, "-o", "json"))
        return found

    def upgrade(self, namespace: str, *values: dict[str, Any]) -> None:
        """Install the release `hub`, or upgrade it, and wait until it is ready."""
        files = []
        for number, content in enumerate(values):
            files += ["--values", str(self.folder.parent / f"{namespace}-{number}.yaml")]
            Path(files[-1]).write_text(yaml.safe_dump(content))
        done = subprocess.run(
            [
                *(HELM, "upgrade", "--install", "hub", self.chart, "--namespace", namespace),
                *(*files, "--wait", "--timeout", "90s"),
            ],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"KUBECONFIG": str(self.folder / "admin.kubeconfig")},
        )
        assert done.returncode == 0, done.stderr

    def kept(self, namespace: str) -> dict[str, str]:
        """Fingerprints of what z2jh made up, by key."""
        data = self.get("secret", "hub", "-n", namespace)["data"]
        return {
            key: hashlib.sha256(value.encode()).hexdigest()
            for key, value in data.items()
            if key != "values.yaml"
        }

    def pods(self, namespace: str) -> set[str]:
        return {
            pod["metadata"]["uid"]
            for pod in self.get("pods", "-n", namespace)["items"]
            if "deletionTimestamp" not in pod["metadata"]
        }

    def login(self, namespace: str) -> httpx.Response:
        (port,) = self.get("service", "proxy-public", "-n", namespace)["spec"]["ports"]
        return httpx.get(f"http://{NODE}:{port['nodePort']}/hub/oauth_login")


@pytest.fixture(scope="module")
def running(able: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not Path(IMAGES).is_file():
        pytest.skip(
            "no images: ci/cluster-images ARCHIVE.tar, and name it in $FEDHUB_CLUSTER_IMAGES"
        )
    if not ARCHIVE.exists():
        pytest.skip("z2jh chart 4.4.0 not at hand")
    place = tmp_path_factory.mktemp("cluster")
    folder = place / "cluster"
    cluster(folder, "up")
    try:
        cluster(folder, "load", IMAGES)
        yield Cluster(folder, with_dependency(place, ARCHIVE))
    finally:
        cluster(folder, "down")


def test_made_up_secrets_stay_and_new_credentials_restart_nothing(running: Cluster) -> None:
    running.kubectl("create", "namespace", "keys")
    running.upgrade("keys", OURS)
    kept = running.kept("keys")
    assert kept.keys() >= {
        "hub.config.JupyterHub.cookie_secret",
        "hub.config.CryptKeeper.keys",
        "hub.config.ConfigurableHTTPProxy.auth_token",
    }

    # z2jh puts a checksum of the token on the proxy that it made up apart from the one it keeps, so
    # the first upgrade after an installation replaces the pods once.
    running.upgrade("keys", OURS)
    pods = running.pods("keys")
    running.upgrade(
        "keys", OURS, {"credentials": {"campus": {"client_id": "one", "client_secret": "two"}}}
    )

    assert running.kept("keys") == kept
    assert running.pods("keys") == pods


def test_credentials_that_come_later_open_the_login_without_a_restart(running: Cluster) -> None:
    running.kubectl("create", "namespace", "later")
    running.upgrade("later", OURS)
    pods = running.pods("later")
    assert running.login("later").status_code == 503

    running.kubectl(
        *("create", "secret", "generic", "fedhub-credentials", "-n", "later"),
        *("--from-literal=campus.client_id=one", "--from-literal=campus.client_secret=two"),
    )
    end = time.monotonic() + 180  # the kubelet looks about once a minute
    while (answer := running.login("later")).status_code == 503 and time.monotonic() < end:
        time.sleep(0.5)

    assert answer.status_code == 302
    assert answer.headers["location"].startswith("https://cilogon.org/authorize?")
    assert running.pods("later") == pods
