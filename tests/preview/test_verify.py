"""`fedhub verify` at a real JupyterHub, and at one that is not as its values say."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.previews import FEDHUB, RunningHub, running_hub

VALUES = """\
global:
  fedhub:
    domain: localhost
    login:
      campus:
        authenticator: cilogon
        config:
          oauth_callback_url: http://127.0.0.1:{port}/hub/oauth_callback
          idps:
            https://idp.example.edu/shibboleth:
              username_derivation: {{username_claim: eppn}}
              allow_all: true
          admin_users: [olga@example.edu]
    services:
      grafana:
        oauth_redirect_uri: https://grafana.example.org/login/generic_oauth
"""
GOOD = {
    ("dns", "127.0.0.1"): "ok",
    ("certificate", "127.0.0.1"): "skipped",
    ("login", "campus"): "ok",
    ("issuer", "campus"): "ok",
    ("registration", "campus"): "skipped",
    ("service", "grafana"): "ok",
    ("admins", "campus"): "ok",
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningHub, Path, int]]:
    work = tmp_path_factory.mktemp("verify")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (work / "values").mkdir()
    (work / "values/campus.values.yaml").write_text(VALUES.format(port=port))
    with running_hub("campus", "--port", str(port), cwd=work) as running:
        yield running, work, port


def verify(work: Path, *arguments: str) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    done = subprocess.run(
        [FEDHUB, "verify", "campus", "--format", "json", *arguments],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    said = json.loads(done.stdout)
    return done.returncode, {(one["check"], one["subject"]): one for one in said["checks"]}


def states(found: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {key: one["state"] for key, one in found.items() if key[0] != "hub"}


def test_all_is_well(hub: tuple[RunningHub, Path, int]) -> None:
    _, work, port = hub
    code, found = verify(work, "--address", f"http://127.0.0.1:{port}")
    assert states(found) == GOOD
    assert found["hub", f"127.0.0.1:{port}"]["detail"].startswith("JupyterHub 5.")
    assert "1 keys" in found["issuer", "campus"]["detail"]
    assert code == 0


def test_a_hub_that_is_not_as_its_values_say(hub: tuple[RunningHub, Path, int]) -> None:
    _, work, port = hub
    values = work / "values/campus.values.yaml"
    before = values.read_text()
    credentials = "credentials: {campus: {client_id: cilogon:/client_id/other, client_secret: x}}\n"
    try:
        values.write_text(before + credentials)
        code, found = verify(work, "--address", f"http://127.0.0.1:{port}")
    finally:
        values.write_text(before)
    assert code == 1
    assert "the values have cilogon:/client_id/other" in found["login", "campus"]["detail"]


def test_nothing_is_there(hub: tuple[RunningHub, Path, int]) -> None:
    _, work, _ = hub
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        code, found = verify(work, "--address", address)
    assert code == 1
    bad = {check for (check, _), one in found.items() if one["state"] == "failed"}
    assert bad == {"hub", "service"}
    assert all(one["fix"] for one in found.values() if one["state"] == "failed")


def test_a_hub_that_is_not_reached_can_be_asked_no_other_way(
    hub: tuple[RunningHub, Path, int],
) -> None:
    _, work, port = hub
    folder = work / "away"
    (folder / "values").mkdir(parents=True)
    (folder / "values/campus.values.yaml").write_text(VALUES.format(port=1))
    _, found = verify(folder, "--address", f"http://127.0.0.1:{port}")
    login = found["login", "campus"]
    assert (login["state"], login["fix"]) == ("failed", "see that it runs and is reached from here")


def test_it_goes_on_looking(hub: tuple[RunningHub, Path, int]) -> None:
    _, work, port = hub
    address = ("--address", f"http://127.0.0.1:{port}")
    watching = subprocess.Popen(
        [FEDHUB, "verify", "campus", "--watch", "--interval", "1", "--format", "json", *address],
        cwd=work,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout
    try:
        looks = [json.loads(watching.stdout.readline()) for _ in range(2)]
    finally:
        watching.terminate()
        watching.communicate()
    assert [one["ok"] for one in looks] == [True, True]


def test_a_hub_without_an_address(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("hub: {}\n")
    done = subprocess.run(
        [FEDHUB, "verify", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "do not say where it is" in done.stderr


def test_what_is_no_address_is_a_wrong_use(hub: tuple[RunningHub, Path, int]) -> None:
    _, work, _ = hub
    done = subprocess.run(
        [FEDHUB, "verify", "campus", "--address", "hub.example.org"],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("'hub.example.org' is no address of a hub; ")


def test_of_all_hubs_each_has_a_line(hub: tuple[RunningHub, Path, int]) -> None:
    _, work, port = hub
    folder = work / "fleet"
    (folder / "values").mkdir(parents=True, exist_ok=True)
    (folder / "values/campus.values.yaml").write_text(VALUES.format(port=port))
    (folder / "values/gone.values.yaml").write_text(VALUES.format(port=1))
    done = subprocess.run(
        [FEDHUB, "verify", "--all"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    lines = {line.split()[1]: line for line in done.stdout.splitlines()}
    # At `localhost` itself, where these look, there is no hub; at one's callback URL there is.
    assert lines["campus"].startswith("failed   campus  4 of 8 fine; failed: certificate localhost")
    assert "login campus" not in lines["campus"]
    assert "login campus" in lines["gone"]
    assert done.stderr == "2 hubs: 2 failed\n"
