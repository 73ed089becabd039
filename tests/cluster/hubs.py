"""A hub on the tests' cluster, by the commands that an operator has: helm and kubectl."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.chart.conftest import KEYS, merged
from tests.previews import ROOT
from tests.unit.hub.helm import HELM

COMMAND = ROOT / "ci/cluster"
DRIVER = os.environ.get("FEDHUB_CLUSTER_DRIVER") or "native"
KUBERNETES = os.environ.get("FEDHUB_KUBERNETES") or "newest"
"""`newest` or `oldest`, as ci/cluster has it."""
RELEASE = "myhub"

Values = dict[str, Any]


def images(hub: str) -> Values:
    """z2jh's values for the tests' images, and without what one small node can't have."""
    return {
        "hub": {"image": {"name": hub, "tag": "test"}},
        "proxy": {
            "chp": {"image": {"name": "localhost/fedhub-base/proxy", "tag": "test"}},
            "service": {"type": "NodePort"},
        },
        "singleuser": {
            "image": {"name": "localhost/fedhub-base/singleuser", "tag": "test"},
            "cloudMetadata": {"blockWithIptables": False},
            "memory": {"guarantee": None},
            "storage": {"type": "none"},
        },
        "prePuller": {"hook": {"enabled": False}, "continuous": {"enabled": False}},
        "scheduling": {"userScheduler": {"enabled": False}, "userPlaceholder": {"enabled": False}},
    }


PLAIN = images("localhost/fedhub-base/hub")
"""Values of a plain z2jh release."""

OURS: Values = {"jupyterhub": images("localhost/fedhub/hub")}
"""Values of our chart, without a login."""

CAMPUS: Values = merged(
    OURS,
    {
        "global": {
            "fedhub": {
                "domain": "hub.example.org",
                "tls": {"enabled": False},
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
        }
    },
)
"""The same, with a login by a provider that the cluster can't reach."""

DUMMY: Values = {
    "hub": {
        "config": {
            "DummyAuthenticator": {"password": "sesame"},
            "Authenticator": {"allow_all": True},
        }
    }
}
"""Values of z2jh: a login that needs nothing outside."""

WITHOUT_PROVIDER: Values = merged(
    OURS,
    {
        "global": {"fedhub": {"domain": "hub.example.org", "tls": {"enabled": False}}},
        "jupyterhub": DUMMY,
    },
)
"""Values of our chart, with that login."""

WITH_KEYS: Values = {"jupyterhub": {"hub": {"config": KEYS}}}
CREDENTIALS: Values = {"credentials": {"campus": {"client_id": "one", "client_secret": "two"}}}


def cluster(folder: Path, *command: str, refused: bool = False, checkout: Path = ROOT) -> str:
    """Run ci/cluster with its state in a folder; all it said stands in the failure.

    Returns: what it said, or where it must refuse, why.
    """
    done = subprocess.run(
        [checkout / "ci/cluster", "--driver", DRIVER, "--kubernetes", KUBERNETES, *command],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"FEDHUB_CLUSTER": str(folder)},
    )
    said = f"ci/cluster {' '.join(command)}:\n{done.stdout}{done.stderr}"
    assert (done.returncode != 0) is refused, said
    return done.stderr if refused else done.stdout


def until(found: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Wait until something is there, and return it."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"after {seconds} s: {what}"
        time.sleep(0.2)
    return value


@dataclass(frozen=True)
class Cluster:
    """A cluster with the images loaded.

    Attributes:
        folder: its state.
        chart: ours, with z2jh's in it.
        z2jh: z2jh's own.
    """

    folder: Path
    chart: Path
    z2jh: Path

    def kubectl(self, *command: str) -> str:
        return cluster(self.folder, "kubectl", *command)

    @cached_property
    def node(self) -> dict[str, Any]:
        """The only node, as Kubernetes has it."""
        (node,) = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        return dict(node)

    @property
    def address(self) -> str:
        """The node's, where this machine reaches its ports."""
        addresses = self.node["status"]["addresses"]
        (found,) = (one["address"] for one in addresses if one["type"] == "InternalIP")
        return str(found)


@dataclass(frozen=True)
class Hub:
    """A namespace of the cluster, and the release in it."""

    cluster: Cluster
    namespace: str

    def kubectl(self, *command: str) -> str:
        return self.cluster.kubectl("-n", self.namespace, *command)

    def get(self, *what: str) -> Any:
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def apply(self, *objects: Values) -> None:
        """Have these objects in the namespace."""
        file = self.cluster.folder.parent / f"{self.namespace}-objects.yaml"
        file.write_text(yaml.safe_dump_all(objects))
        self.kubectl("apply", "--server-side", "-f", str(file))

    def helm(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [HELM, *command, "--namespace", self.namespace],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"KUBECONFIG": str(self.cluster.folder / "admin.kubeconfig")},
        )

    def upgrade(self, *values: Values, chart: Path | None = None) -> None:
        """Install the release, or upgrade it, and wait until it is ready."""
        files = []
        for number, content in enumerate(values):
            file = self.cluster.folder.parent / f"{self.namespace}-{number}.yaml"
            file.write_text(yaml.safe_dump(content))
            files += ["--values", str(file)]
        done = self.helm(
            *("upgrade", "--install", RELEASE, str(chart or self.cluster.chart)),
            *(*files, "--wait", "--timeout", "150s"),
        )
        assert done.returncode == 0, done.stderr + self.kubectl("get", "pods,events")

    def pods(self, *components: str) -> dict[str, str]:
        """z2jh's pods that are to stay: what they are, by their UIDs."""
        return {
            pod["metadata"]["uid"]: pod["metadata"]["labels"]["component"]
            for pod in self.get("pods", "-l", f"component in ({','.join(components)})")["items"]
            if "deletionTimestamp" not in pod["metadata"]
        }

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a shell script of a page, with kubectl at hand and the namespace the context's."""
        place = self.cluster.folder.parent / self.namespace
        place.mkdir(exist_ok=True)
        config = place / "kubeconfig"
        if not config.exists():
            config.write_bytes((self.cluster.folder / "admin.kubeconfig").read_bytes())
            kubectl = place / "kubectl"
            kubectl.write_text(f'#!/bin/sh\nexec "{self.cluster.folder}/program" kubectl "$@"\n')
            kubectl.chmod(0o700)
            self._run(place, f"kubectl config set-context --current --namespace={self.namespace}")
        return self._run(place, script)

    def _run(self, place: Path, script: str) -> subprocess.CompletedProcess[str]:
        path = f"{place}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"KUBECONFIG": str(place / "kubeconfig"), "PATH": path},
        )

    def browser(self) -> httpx.Client:
        """A client that keeps cookies; it follows no redirect."""
        (port,) = self.get("service", "proxy-public")["spec"]["ports"]
        return httpx.Client(
            base_url=f"http://{self.cluster.address}:{port['nodePort']}", timeout=30
        )


def log_in(browser: httpx.Client, name: str) -> None:
    """Log in where the hub asks for no more than a name."""

    def page() -> list[str]:
        return re.findall(r'name="_xsrf" value="([^"]+)"', browser.get("/hub/login").text)

    # A Service leads to a pod that is ready only a moment later.
    (xsrf,) = until(page, "there is no login page", seconds=20)
    browser.post("/hub/login", data={"username": name, "password": "sesame", "_xsrf": xsrf})
    assert browser.get("/hub/home").status_code == httpx.codes.OK


def account(browser: httpx.Client, name: str) -> Values:
    """What the hub knows of somebody who is logged in."""
    answer = browser.get(f"/hub/api/users/{name}", headers=_same_site(browser))
    assert answer.status_code == httpx.codes.OK, answer.text
    found: Values = answer.json()
    return found


def start_server(browser: httpx.Client, name: str) -> None:
    """Start somebody's server, and wait until it is there."""
    browser.post(f"/hub/api/users/{name}/server", headers=_same_site(browser))
    until(lambda: has_a_server(browser, name), f"{name} has no server")


def has_a_server(browser: httpx.Client, name: str) -> bool:
    """Whether the hub says that it runs, and the proxy leads to it."""
    servers = list(account(browser, name)["servers"].values())
    reached = browser.get(f"/user/{name}/api").status_code == httpx.codes.OK
    return reached and [server["ready"] for server in servers] == [True]


def _same_site(browser: httpx.Client) -> dict[str, str]:
    """What a page of the hub adds to its requests."""
    return {"X-XSRFToken": browser.cookies.get("_xsrf", path="/hub/") or ""}


def left(hub: Hub) -> list[str]:
    """What is in the namespace, but for pods that are about to end."""
    kinds = "secrets,configmaps,persistentvolumeclaims,deployments,services,jobs,cronjobs,pods"
    return sorted(
        f"{one['kind']}/{one['metadata']['name']}"
        for one in hub.get(kinds)["items"]
        if "deletionTimestamp" not in one["metadata"]
    )
