"""What the chart hands to the hub makes the same logins there as in a preview.

The pod's side is z2jh's own configuration file, as the chart rendered it, with the file that
fedhub's image adds.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fedhub.hub import load_hub
from tests.chart.conftest import KEYS, SCENARIOS, Rendered, helm
from tests.previews import EXAMPLES, ROOT

PLACE = "/usr/local/etc/jupyterhub"
IMAGE = ROOT / "images" / "hub" / "jupyterhub_config.d"

SECRETS = {"client_id_file", "client_secret_file", "api_token", "cookie_secret", "keys"}
"""What a preview makes up, or leaves to the identity provider that it brings."""

OF_Z2JH = {"jupyterhub-idle-culler"}
"""Services and roles of z2jh's defaults, which a preview has where the values say so."""

WRAPPED = [name for name in EXAMPLES if name != "z2jh-custos"]
"""The examples that are for the chart; the other one is a plain z2jh file."""


class Hubs:
    """Asks `hub_process.py`."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("hub_process.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(folder / "answer")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, *question: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stderr
        self._process.stdin.write(json.dumps(question, default=str) + "\n")
        self._process.stdin.flush()
        for line in self._process.stderr:
            if line.startswith("{"):
                answer = json.loads(line)
                assert "error" not in answer, answer["error"]
                found: dict[str, Any] = answer["found"]
                return found
        raise AssertionError("it has ended")

    def end(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def hubs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hubs]:
    found = Hubs(tmp_path_factory.mktemp("hubs"))
    yield found
    found.end()


def as_pod(hubs: Hubs, rendered: Rendered, folder: Path) -> dict[str, Any]:
    """Put the rendered files where the pod has them, and load them."""
    files = rendered.of("ConfigMap", "hub")["data"]
    for part in ("config", "secret", "existing-secret", "jupyterhub_config.d"):
        (folder / part).mkdir(parents=True)
    for name, text in files.items():
        (folder / "config" / name).write_text(text)
    for name, content in rendered.of("Secret", "hub")["data"].items():
        (folder / "secret" / name).write_bytes(base64.b64decode(content))
    for name in ("id", "secret"):  # of the scenario with a Secret of its own
        (folder / "existing-secret" / name).write_text(name)
    for file in IMAGE.glob("*.py"):
        shutil.copy(file, folder / "jupyterhub_config.d")
    for name in ("jupyterhub_config.py", "z2jh.py"):
        # pycurl needs a compiler, which no test has; which client asks does not matter here.
        text = (
            files[name]
            .replace(PLACE, str(folder))
            .replace(
                "tornado.curl_httpclient.CurlAsyncHTTPClient",
                "tornado.simple_httpclient.SimpleAsyncHTTPClient",
            )
        )
        (folder / name).write_text(text)
    environment = {
        "FEDHUB_CREDENTIALS_DIR": str(folder / "existing-secret"),
        "PROXY_API_SERVICE_PORT": "8001",
        "HUB_SERVICE_PORT": "8081",
        "HUB_SERVICE_HOST": "hub",
        "POD_NAMESPACE": "hubs",
    }
    return hubs.ask("pod", str(folder), environment)


def logins(found: dict[str, Any]) -> dict[str, Any]:
    """All that decides about logins, without what a preview makes up."""
    hub = found["JupyterHub"]
    sections = {key: value for key, value in found.items() if key.endswith("Authenticator")}
    lists = {
        # Helm sorts the keys of maps, which these come from.
        key: sorted(
            (one for one in hub.get(key, []) if one["name"] not in OF_Z2JH),
            key=lambda one: one["name"],
        )
        for key in ("services", "load_roles")
    }
    kept = {"authenticator_class": hub["authenticator_class"], **lists, **sections}
    cleaned: dict[str, Any] = _without(kept)
    return cleaned


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(below) for key, below in value.items() if key not in SECRETS}
    return [_without(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "file",
    [*SCENARIOS, *(ROOT / "values" / f"{name}.values.yaml" for name in WRAPPED)],
    ids=lambda file: file.name,
)
def test_the_pod_and_a_preview_log_in_alike(
    hubs: Hubs, on_z2jh: Path, file: Path, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets.values.yaml"
    services = load_hub(str(file)).get("global", "fedhub", "services", default={})
    tokens = {name: {"api_token": f"made-up-for-{name}"} for name in services}
    made_up = {
        "jupyterhub": {"hub": {"config": KEYS}},
        "global": {"fedhub": {"services": tokens}},
    }
    secrets.write_text(yaml.safe_dump(made_up))
    given = ("--values", str(file), "--values", str(secrets))
    done = helm("template", "myhub", str(on_z2jh), *given)
    in_pod = as_pod(hubs, Rendered(done.stdout, done.stderr if done.returncode else ""), tmp_path)
    # `fedhub run` has the operator's files alone; the chart's defaults must not matter to logins.
    in_preview = hubs.ask("preview", load_hub(str(file), extra=[secrets]).z2jh)
    assert logins(in_preview) == logins(in_pod)
