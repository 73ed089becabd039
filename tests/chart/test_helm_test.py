"""What `helm test` runs finds a hub that works well, and each thing that is wrong with one.

The script and its facts are those of the rendered chart; the hub is the real one, behind the real
proxy, with `fedhub_authenticators.configure` as in a pod.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from fedhub.preview.processes import free_port
from tests.chart.conftest import KEYS, Render, Rendered, helm, merged
from tests.previews import ROOT

CONFIG = """
import json
from fedhub_authenticators import credentials, configure
given = json.loads(open({given!r}).read())
credentials.FOLDER = given["credentials"]
c.JupyterHub.ip = "127.0.0.1"
c.JupyterHub.port = given["proxy"]
c.JupyterHub.base_url = given["path"]  # as z2jh has it
c.JupyterHub.hub_port = given["hub"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{{given['api']}}"
c.ConfigurableHTTPProxy.command = given["command"]
c.ConfigurableHTTPProxy.pid_file = given["folder"] + "/proxy.pid"
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cookie_secret = "ab" * 32
c.CryptKeeper.keys = ["cd" * 32]
for section, traits in given["config"].items():
    c[section].update(traits)
configure(c, given["settings"])
"""

ONE = {
    "domain": "hub.example.org",
    "login": {"staff": {"authenticator": "github", "config": {"allow_all": True}}},
}
SEVERAL = merged(
    ONE,
    {
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
        "services": {
            "grafana": {
                "oauth_redirect_uri": "https://grafana.example.org/cb",
                "api_token": "made-up-for-this-test",
            }
        },
    },
)
IDS = {"staff": "id-of-staff", "campus": "cilogon:/client_id/1234"}


@dataclass
class Hub:
    """A hub that runs, and where."""

    hub: str
    proxy: str


@contextmanager
def running(
    folder: Path,
    settings: dict[str, Any],
    ids: dict[str, str],
    path: str = "/",
    config: dict[str, Any] | None = None,
) -> Iterator[Hub]:
    """Run JupyterHub and its proxy with `global.fedhub`, until the block ends."""
    secrets = folder / "hubs-credentials"
    secrets.mkdir(parents=True)
    for name, client_id in ids.items():
        (secrets / f"{name}.client_id").write_text(client_id)
        (secrets / f"{name}.client_secret").write_text("made-up")
    hub, proxy, api = (free_port() for _ in range(3))
    given = {
        "settings": settings,
        "credentials": str(secrets),
        "config": config or {},
        "hub": hub,
        "proxy": proxy,
        "api": api,
        "path": path,
        "folder": str(folder),
        "command": [str(ROOT / "node_modules" / ".bin" / "configurable-http-proxy")],
    }
    (folder / "given.json").write_text(json.dumps(given))
    (folder / "config.py").write_text(CONFIG.format(given=str(folder / "given.json")))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "--config", str(folder / "config.py")],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, "CONFIGPROXY_AUTH_TOKEN": "made-up"},
        )
        try:
            yield Hub(f"http://127.0.0.1:{hub}", f"http://127.0.0.1:{proxy}")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def rendered(chart: Path, settings: dict[str, Any], path: str = "/", **more: Any) -> Rendered:
    values: dict[str, Any] = {
        "global": {"fedhub": settings},
        "jupyterhub": {"hub": {"config": KEYS, "baseUrl": path}},
    }
    values = merged(values, more)
    done = helm("template", "myhub", str(chart), "--values", "-", values=values)
    return Rendered(done.stdout, done.stderr if done.returncode else "")


def ask(
    folder: Path, found: Rendered, ids: dict[str, str], hub: Hub, wait: int = 90
) -> tuple[int, list[str]]:
    """Run the rendered script as the pod does; return its exit code and its lines."""
    for name, text in found.of("ConfigMap", "fedhub-test")["data"].items():
        (folder / name).write_text(text)
    mounted = folder / "client-ids" / "0"
    mounted.mkdir(parents=True, exist_ok=True)
    for name, client_id in ids.items():
        (mounted / f"{name}.client_id").write_text(client_id)
    done = subprocess.run(
        [
            *(sys.executable, "-I", str(folder / "hub_test.py")),
            *(str(folder / "facts.json"), str(folder / "client-ids")),
            *("--hub", hub.hub, "--proxy", hub.proxy, "--wait", str(wait)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Two providers and a service, below a path."""
    with running(tmp_path_factory.mktemp("several"), SEVERAL, IDS, "/jupyter/") as hub:
        yield hub


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One provider, at the root, not registered yet."""
    with running(tmp_path_factory.mktemp("one"), ONE, {}) as hub:
        yield hub


def failed(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith("ok: ")]


def test_all_is_well_with_several_providers_and_a_service_below_a_path(
    several: Hub, on_stand_in: Path, tmp_path: Path
) -> None:
    code, lines = ask(tmp_path, rendered(on_stand_in, SEVERAL, "/jupyter/"), IDS, several)
    assert failed(lines) == []
    assert code == 0
    assert [line.removeprefix("ok: ") for line in lines] == [
        "hub",
        "hub, through the proxy",
        "login campus",
        "login staff",
        "service grafana",
    ]


def test_all_is_well_with_one_provider(on_stand_in: Path, tmp_path: Path) -> None:
    with running(tmp_path / "hub", ONE, IDS) as hub:
        code, lines = ask(tmp_path, rendered(on_stand_in, ONE), IDS, hub)
    assert (code, failed(lines)) == (0, [])
    assert "ok: login staff" in lines


def test_a_hub_of_plain_z2jh_values_is_asked_for_what_it_has(
    on_stand_in: Path, tmp_path: Path
) -> None:
    config = {
        "JupyterHub": {"authenticator_class": "github"},
        "GitHubOAuthenticator": {
            "client_id": "a",
            "client_secret": "b",
            "oauth_callback_url": "https://other.example.org/hub/oauth_callback",
        },
    }
    plain = {"domain": "hub.example.org"}
    found = rendered(on_stand_in, plain, jupyterhub={"hub": {"config": config}})
    with running(tmp_path / "hub", plain, {}, config=config) as hub:
        code, lines = ask(tmp_path, found, {}, hub)
    (line,) = failed(lines)
    assert code == 1
    assert "redirect_uri is https://other.example.org/hub/oauth_callback, which is not on" in line


@pytest.mark.parametrize(
    ("change", "ids", "said"),
    [
        ({}, {"staff": "other"}, "login staff: client_id is id-of-staff, where the credentials"),
        (
            {"domain": "new.example.org"},
            {},
            "redirect_uri is https://hub.example.org/jupyter/hub/staff/oauth_callback, where the "
            "values say https://new.example.org/jupyter/hub/staff/oauth_callback",
        ),
        (
            {"login": {"more": {"authenticator": "github"}}},
            {},
            "login more: /jupyter/hub/more/oauth_login answers 404",
        ),
    ],
    ids=["client id", "callback", "provider"],
)
def test_what_differs_from_the_values_is_found(
    several: Hub,
    on_stand_in: Path,
    tmp_path: Path,
    change: dict[str, Any],
    ids: dict[str, str],
    said: str,
) -> None:
    found = rendered(on_stand_in, merged(SEVERAL, change), "/jupyter/")
    code, lines = ask(tmp_path, found, IDS | ids, several)
    assert code == 1
    assert said in "\n".join(failed(lines))
    assert "ok: hub" in lines  # the other checks were made


def test_a_hub_that_is_not_registered_yet(one: Hub, on_stand_in: Path, tmp_path: Path) -> None:
    code, lines = ask(tmp_path, rendered(on_stand_in, ONE), {}, one)
    assert code == 1
    (line,) = failed(lines)
    assert "login staff: the hub is not registered there yet" in line
    assert "https://hub.example.org/hub/oauth_callback" in line


def test_a_service_below_another_path_is_not_there(
    several: Hub, on_stand_in: Path, tmp_path: Path
) -> None:
    code, lines = ask(tmp_path, rendered(on_stand_in, SEVERAL, "/other/"), IDS, several, wait=0)
    assert code == 1
    assert any("service grafana: its authorize address answers 404" in one for one in lines)


def test_a_hub_that_is_down(on_stand_in: Path, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    found = rendered(on_stand_in, SEVERAL)
    code, lines = ask(tmp_path, found, IDS, Hub(nowhere, nowhere), wait=0)
    assert code == 1
    assert len(failed(lines)) == len(lines) == 5
    assert all("does not answer" in line and "kubectl get pods" in line for line in lines)


# --- the pod ----------------------------------------------------------------------------------


def test_the_pod_gets_client_ids_and_no_secret(render: Render) -> None:
    settings = merged(SEVERAL, {"login": {"campus": {"credentials": {"existingSecret": "own"}}}})
    hub = {"hub": {"existingSecret": "own"}}
    found = render({"global": {"fedhub": settings}, "jupyterhub": hub})
    pod = found.of("Pod", "fedhub-test")
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    sources = [one["secret"] for one in volumes["client-ids"]["projected"]["sources"]]
    assert [one["name"] for one in sources] == [
        "fedhub-credentials-values",
        "fedhub-credentials-external",
        "fedhub-credentials",
        "own",
    ]
    assert all(one["optional"] is True for one in sources)
    items = [item for one in sources for item in one["items"]]
    assert {item["key"] for item in items} == {
        "campus.client_id",
        "staff.client_id",
        "client_id",
    }
    paths = [item["path"] for item in items]
    assert len(paths) == len(set(paths))
    assert "made-up" not in yaml.safe_dump(found.of("ConfigMap", "fedhub-test"))


def test_the_pods_labels_are_what_z2jhs_policies_ask_for(render: Render, on_z2jh: Path) -> None:
    found = rendered(on_z2jh, ONE)
    labels = found.of("Pod", "fedhub-test")["metadata"]["labels"]
    for policy in ("hub", "proxy"):
        rules = found.of("NetworkPolicy", policy)["spec"]["ingress"]
        wanted = [
            source["podSelector"]["matchLabels"]
            for rule in rules
            if {"port": "http"} in rule["ports"]
            for source in rule.get("from", [])
        ]
        assert any(one.items() <= labels.items() for one in wanted)


@pytest.mark.parametrize(
    ("https", "address"),
    [
        ({"enabled": False}, "http://proxy-public:80"),
        ({"enabled": True, "type": "offload"}, "http://proxy-public:80"),
        ({"enabled": True, "type": "secret"}, "https://proxy-public:443"),
        (
            {"enabled": True, "type": "letsencrypt", "hosts": ["hub.example.org"]}
            | {"letsencrypt": {"contactEmail": "a@example.org"}},
            "http://proxy-http:8000",
        ),
    ],
)
def test_the_proxy_is_asked_where_it_answers(
    on_z2jh: Path, https: dict[str, Any], address: str
) -> None:
    settings = merged(ONE, {"ingress": {"enabled": False}})
    found = rendered(on_z2jh, settings, jupyterhub={"proxy": {"https": https}})
    facts = json.loads(found.of("ConfigMap", "fedhub-test")["data"]["facts.json"])
    assert facts["proxy"] == address
    host, _, port = address.partition("://")[2].partition(":")
    ports = [one["port"] for one in found.of("Service", host)["spec"]["ports"]]
    assert int(port) in ports


def test_of_several_secrets_the_last_one_counts(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "charts" / "fedhub" / "files" / "hub_test.py"))
    for number in range(11):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "staff.client_id").write_text(f"from-{number}")
    assert script["client_id_of"]("staff", {}, tmp_path) == "from-10"
