"""What docs/tokens.md shows works as it stands there: in a real server, and in a script's shell."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.previews import ROOT, RunningHub, Visitor, running_hub

VALUES = """
global:
  fedhub:
    domain: hub.example.org
    login:
      campus:
        authenticator: keycloak
        config:
          iam_url: https://iam.example.org
          realm: campus
          allow_all: true
          tokens_for_servers: true
          token_exchange: true
singleuser:
  extraEnv:
    JUPYTER_CONFIG_DIR: FOLDER
hub:
  extraConfig:
    their-own: |
      c.KubeSpawner.auth_state_hook = (
          lambda spawner, state: spawner.environment.update(THEIRS=state["provider"])
      )
"""

AT_START = """
import pathlib
SNIPPET
found = {"token": token, "environment": dict(os.environ)}
pathlib.Path("OUT").write_text(json.dumps(found))
"""
"""What the notebook server runs when it reads its configuration."""


def snippet(language: str, containing: str) -> str:
    """Return a piece of code of the page."""
    page = (ROOT / "docs/tokens.md").read_text(encoding="utf-8")
    pieces = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    (found,) = [piece for piece in pieces if containing in piece]
    return str(found)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out") / "found.json"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, out: Path) -> Iterator[RunningHub]:
    config = tmp_path_factory.mktemp("config")
    code = AT_START.replace("SNIPPET", snippet("python", "FEDHUB_TOKEN_URL"))
    (config / "jupyter_server_config.py").write_text(code.replace("OUT", str(out)))
    values = tmp_path_factory.mktemp("values") / "tokens.values.yaml"
    values.write_text(VALUES.replace("FOLDER", str(config)))
    with running_hub(values) as running:
        yield running


@pytest.fixture(scope="module")
def found(hub: RunningHub, out: Path) -> Iterator[dict[str, Any]]:
    """What somebody's server found when it started; it runs on."""
    with Visitor() as visitor:
        visitor.log_in(hub, _member(hub))
        visitor.follow(f"{hub.url}hub/spawn")
        xsrf = visitor.cookies.get("_xsrf", path="/hub/") or ""
        progress = f"{hub.url}hub/api/users/{_name(hub)}/server/progress"
        # It ends when the server is ready, or failed.
        said = visitor.get(progress, params={"_xsrf": xsrf}, timeout=60).text
        assert '"ready": true' in said, f"{said}\n{hub.log()}"
        yield json.loads(out.read_text())


def _member(hub: RunningHub) -> str:
    allowed = [name for name, one in hub.personas.items() if one["expected"]["allowed"]]
    return sorted(allowed)[0]


def _name(hub: RunningHub) -> str:
    return str(hub.personas[_member(hub)]["expected"]["username"])


def test_a_server_gets_a_token_of_its_owners(hub: RunningHub, found: dict[str, Any]) -> None:
    userinfo = f"{hub.data['identity_provider']}/realms/campus/protocol/openid-connect/userinfo"
    bearer = {"Authorization": f"Bearer {found['token']}"}
    reply = httpx.get(userinfo, headers=bearer, trust_env=False)
    assert reply.json()["preferred_username"] == _name(hub)


def test_its_environment_holds_the_address_alone(found: dict[str, Any]) -> None:
    environment = found["environment"]
    assert environment["FEDHUB_TOKEN_URL"].endswith("/hub/api/fedhub/token")
    assert environment["THEIRS"] == "campus"  # the operator's own hook
    assert not any(found["token"] in value for value in environment.values())


def test_the_terminals_line_works(found: dict[str, Any]) -> None:
    answer = _run(snippet("bash", "FEDHUB_TOKEN_URL"), **found["environment"])
    assert set(answer) == {"access_token", "token_type", "expires_at", "scope"}
    assert answer["expires_at"] > time.time()


def test_a_script_exchanges_a_token_and_uses_its_owners_server(
    hub: RunningHub, found: dict[str, Any]
) -> None:
    script = snippet("bash", "token_exchange")
    answer = _run(script, HUB=hub.url.rstrip("/"), PROVIDER_TOKEN=found["token"])
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    with httpx.Client(headers=bearer, base_url=hub.url, trust_env=False) as client:
        assert client.get("hub/api/user").json()["name"] == _name(hub)
        status = client.get(f"user/{_name(hub)}/api/status")
        assert status.status_code == httpx.codes.OK
        assert client.get("hub/api/users").status_code == httpx.codes.FORBIDDEN


def test_a_script_with_anything_else_stays_out(hub: RunningHub) -> None:
    script = snippet("bash", "token_exchange")
    answer = _run(script, HUB=hub.url.rstrip("/"), PROVIDER_TOKEN="made-up")
    assert answer["error"] == "invalid_request"


def _run(script: str, **environment: str) -> dict[str, Any]:
    """Run a line of the page in a shell; return the JSON that it prints."""
    done = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": "/usr/bin:/bin", "no_proxy": "*", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
