"""`fedhub service test --live`: at a hub that runs, without a person and with one."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.oidc_hub import (
    ASKS,
    GRAFANA,
    INSIDER,
    OTHER,
    OUTSIDER,
    Application,
    Person,
    answer_of,
    write_values,
)
from tests.previews import FEDHUB, RunningHub, running_hub

ALL_WELL = {
    ("page", "OAuth 2"): "ok",
    ("secret", "OAuth 2"): "ok",
    ("issuer", "OpenID Connect"): "ok",
    ("secret", "OpenID Connect"): "ok",
    ("callback", "OpenID Connect"): "ok",
    ("pkce", "OpenID Connect"): "ok",
    ("login", "grafana"): "ok",
}
SECRETS = (GRAFANA.secret, ASKS.secret, OTHER.secret)


def of(
    tmp_path: Path, hub: RunningHub, application: Application = GRAFANA, **change: str
) -> list[str]:
    """Return the command, for values in which something else may stand than the hub has."""
    path = write_values(tmp_path)
    text = path.read_text()
    for before, after in change.items():
        wanted = {"secret": application.secret, "callback": application.callback}[before]
        assert wanted in text
        text = text.replace(wanted, after)
    path.write_text(text)
    return [FEDHUB, "service", "test", str(path), application.name, "--hub-url", hub.url]


def looked(command: list[str]) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    done = subprocess.run(
        [*command, "--format", "json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    said = json.loads(done.stdout)
    assert said["ok"] == (done.returncode == 0)
    return done.returncode, {(one["check"], one["subject"]): one for one in said["checks"]}


def states(found: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {key: one["state"] for key, one in found.items()}


# --- without a person ------------------------------------------------------------------------


def test_all_is_well(hub: RunningHub, tmp_path: Path) -> None:
    code, found = looked(of(tmp_path, hub))
    assert (code, states(found)) == (0, ALL_WELL)
    assert found["issuer", "OpenID Connect"]["detail"] == f"{hub.url}hub/oidc, 1 keys"
    assert found["pkce", "OpenID Connect"]["detail"] == "S256 alone; it may be left out"


def test_whether_pkce_has_to_be_sent(hub: RunningHub, tmp_path: Path) -> None:
    pkce = ("pkce", "OpenID Connect")
    command = of(tmp_path, hub)
    strict = tmp_path / "strict"
    strict.mkdir()
    command[3] = str(write_values(strict, require_pkce=True))
    code, found = looked(command)
    assert (code, found[pkce]["state"]) == (1, "failed"), "the hub is not as these values are"
    assert "the values say otherwise" in found[pkce]["detail"]
    with running_hub(Path(command[3])) as running:
        command[-1] = running.url
        code, found = looked(command)
    assert (code, states(found)) == (0, ALL_WELL)
    assert found[pkce]["detail"] == "S256 alone; it has to be sent"


def test_what_jupyterhub_alone_can_not_be_asked_is_skipped(hub: RunningHub, tmp_path: Path) -> None:
    code, found = looked(of(tmp_path, hub, OTHER, callback="https://elsewhere.example.org/"))
    assert code == 1, "which a persona's login finds out"
    assert states(found) == {
        ("page", "OAuth 2"): "ok",
        ("secret", "OAuth 2"): "ok",
        ("callback", "OAuth 2"): "skipped",
        ("login", "other"): "failed",
    }


@pytest.mark.parametrize(
    ("application", "change", "failed"),
    [
        (GRAFANA, {"secret": "wrong" * 12}, {("secret", "OAuth 2"), ("secret", "OpenID Connect")}),
        (OTHER, {"secret": "wrong" * 12}, {("secret", "OAuth 2")}),
        (
            GRAFANA,
            {"callback": "http://127.0.0.1:9/elsewhere"},
            # which the hub refuses at once, so that nothing can be told of PKCE either
            {("callback", "OpenID Connect"), ("pkce", "OpenID Connect")},
        ),
    ],
    ids=["secret", "secret-oauth", "callback"],
)
def test_a_hub_that_is_not_as_its_values_say(
    hub: RunningHub,
    tmp_path: Path,
    application: Application,
    change: dict[str, str],
    failed: set[tuple[str, str]],
) -> None:
    code, found = looked(of(tmp_path, hub, application, **change))
    bad = {key: one for key, one in found.items() if one["state"] == "failed"}
    assert (code, set(bad)) == (1, failed)
    assert all(one["fix"] for one in bad.values())


def test_a_service_that_the_hub_does_not_have(hub: RunningHub, tmp_path: Path) -> None:
    command = of(tmp_path, hub)
    values = Path(command[3])
    values.write_text(values.read_text().replace("      grafana:", "      new-one:"))
    command[4] = "new-one"
    code, found = looked(command)
    assert code == 1
    assert "the hub has no service-new-one" in found["secret", "OAuth 2"]["detail"]
    assert found["callback", "OpenID Connect"]["state"] == "failed"


def test_a_hub_that_is_no_issuer_yet(hub: RunningHub, tmp_path: Path) -> None:
    command = of(tmp_path, hub)
    with running_hub(_without_issuer(tmp_path / "before")) as before:
        command[-1] = before.url
        code, found = looked(command)
    assert (code, found["issuer", "OpenID Connect"]["state"]) == (1, "failed")
    assert "enabled" in found["issuer", "OpenID Connect"]["fix"]


def _without_issuer(folder: Path) -> Path:
    folder.mkdir()
    path = write_values(folder)
    path.write_text(path.read_text().replace("oidc: {enabled: true", "oidc: {enabled: false"))
    return path


def test_nothing_is_there(hub: RunningHub, tmp_path: Path) -> None:
    command = of(tmp_path, hub)
    command[-1] = "http://127.0.0.1:9"
    code, found = looked(command)
    assert (code, states(found)) == (1, {("hub", "127.0.0.1"): "failed"})


@pytest.mark.parametrize("address", ["http://hub.example.org", "http://127.0.0.1.example.org"])
def test_the_secret_never_travels_unencrypted(
    hub: RunningHub, tmp_path: Path, address: str
) -> None:
    command = [*of(tmp_path, hub)[:-1], address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "would travel unencrypted" in done.stderr


# --- with a preview's personas ----------------------------------------------------------------


def test_at_a_preview_every_persona_is_played(hub: RunningHub, tmp_path: Path) -> None:
    command = of(tmp_path, hub)
    done = subprocess.run([*command, "--format", "json"], capture_output=True, check=True)
    said = json.loads(done.stdout)
    assert said["checks"][-1]["detail"] == "1 of 4 personas get in"
    assert {one["persona"]: one["fate"] for one in said["personas"]} == {
        "campus-group-guests": "is refused",
        INSIDER: "gets in",
        OUTSIDER: "is refused",
        "campus-outsider": "is not let into the hub",
    }
    (insider,) = (one for one in said["personas"] if one["persona"] == INSIDER)
    assert (insider["user"], insider["groups"]) == ("gil-instructors", ["instructors"])
    assert insider["claims"]["aud"] == GRAFANA.client_id
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert re.search(rf"^{INSIDER} +gets in +gil-instructors ", text, re.MULTILINE)
    assert '"preferred_username": "gil-instructors"' in text
    assert '"exp"' not in text
    assert not any(secret in text + done.stdout.decode() for secret in SECRETS)


def test_a_previews_cookies_are_those_of_its_own_address(hub: RunningHub, tmp_path: Path) -> None:
    command = of(tmp_path, hub, OTHER)
    command[-1] = hub.url.replace("127.0.0.1", "localhost")
    code, found = looked(command)
    assert (code, found["login", "other"]["state"]) == (1, "failed")
    assert f"--hub-url {hub.url.rstrip('/')}" in found["login", "other"]["fix"]


def test_several_providers_have_each_its_own_personas(tmp_path: Path) -> None:
    path = write_values(tmp_path)
    values = yaml.safe_load(path.read_text())
    login = values["global"]["fedhub"]["login"]
    login["lab"] = {"authenticator": "github", "prefix": "lab-", "config": {"allow_all": True}}
    login["campus"]["prefix"] = ""
    path.write_text(yaml.safe_dump(values))
    with running_hub(path) as hub:
        command = [FEDHUB, "service", "test", str(path), "grafana", "--hub-url", hub.url]
        done = subprocess.run(
            [*command, "--format", "json"], capture_output=True, text=True, check=False
        )
    found = {one["persona"]: one["fate"] for one in json.loads(done.stdout)["personas"]}
    assert found[INSIDER] == "gets in"
    assert set(found) == set(hub.personas)
    assert found["github-member"] == "is refused"


def test_a_preview_that_asks_nobody_can_not_tell(tmp_path: Path) -> None:
    with running_hub(write_values(tmp_path), "--as", INSIDER) as hub:
        code, found = looked(of(tmp_path, hub))
    assert (code, found["login", "grafana"]["state"]) == (1, "failed")
    assert "without --as" in found["login", "grafana"]["fix"]


def test_a_preview_of_a_hub_without_personas_leaves_it_to_a_person(tmp_path: Path) -> None:
    path = write_values(tmp_path)
    values = yaml.safe_load(path.read_text())
    del values["global"]["fedhub"]["login"]
    values["jupyterhub"]["hub"]["config"] = {"JupyterHub": {"authenticator_class": "dummy"}}
    path.write_text(yaml.safe_dump(values))
    with running_hub(path) as hub:
        command = [FEDHUB, "service", "test", str(path), "grafana", "--hub-url", hub.url]
        code, found = looked(command)
    assert code == 0
    assert ("login", "grafana") not in found


# --- with a person ---------------------------------------------------------------------------


@contextmanager
def on_a_terminal(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a command whose input and talk are on a terminal, and its output is a pipe."""
    ours, theirs = os.openpty()
    try:
        with subprocess.Popen(
            command,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            env=os.environ | {"BROWSER": "true"},  # a program that opens nothing
        ) as process:
            os.close(theirs)
            try:
                yield process, ours
            finally:
                process.kill()
    finally:
        os.close(ours)


def asked(terminal: int, until: str) -> str:
    """Return what a terminal shows, once it shows that."""
    shown = b""
    while until.encode() not in shown:
        shown += os.read(terminal, 10_000)
    return shown.decode()


def logged_in(command: list[str], browser: Callable[[str], str]) -> tuple[int, dict[str, Any]]:
    """Run the command, do in a browser what it asks for; return what it says of that."""
    with on_a_terminal([*command, "--open", "--format", "json"]) as (process, terminal):
        talk = asked(terminal, "Enter for none")
        (address,) = re.findall(r"^(http\S+)\r?$", talk, re.MULTILINE)
        os.write(terminal, browser(address).encode() + b"\n")
        out, _ = process.communicate()
    assert not any(secret in talk + out for secret in SECRETS)
    last = json.loads(out)["checks"][-1]
    assert last["check"] == "login"
    return process.returncode, last


def person(hub: RunningHub, persona: str) -> Callable[[str], str]:
    """Return what somebody does: log in, and copy the address where the browser ends."""

    def browse(address: str) -> str:
        with Person(hub, persona) as visitor:
            reply = visitor.go(address)
        return reply.headers.get("location") or str(reply.url)

    return browse


@pytest.mark.parametrize("application", [GRAFANA, OTHER], ids=["oidc", "oauth"])
def test_somebody_logs_in(hub: RunningHub, tmp_path: Path, application: Application) -> None:
    code, login = logged_in(of(tmp_path, hub, application), person(hub, INSIDER))
    assert (code, login["state"]) == (0, "ok"), login
    said, _, claims = login["detail"].partition("; the ID token has ")
    assert said == "gil-instructors gets in, in instructors"
    names = {"iss", "aud", "iat", "exp", "nonce", "sub", "preferred_username", "name", "groups"}
    assert set(claims.split(", ")) == (names if application is GRAFANA else {""})


def test_somebody_who_may_not_use_it(hub: RunningHub, tmp_path: Path) -> None:
    code, login = logged_in(of(tmp_path, hub), person(hub, OUTSIDER))
    assert (code, login["state"]) == (1, "failed")
    assert login["detail"] == f"the browser did not get to {GRAFANA.callback}"
    assert "403" in login["fix"]


def taken_first(hub: RunningHub, application: Application, at: str) -> Callable[[str], str]:
    """A browser's person, whose code somebody redeems who did not begin the login."""

    def browse(address: str) -> str:
        ends = person(hub, INSIDER)(address)
        code = answer_of(httpx.Response(302, headers={"location": ends}))["code"]
        assert application.redeem(hub, code, at=at).status_code == 400
        return ends

    return browse


def test_the_application_was_first(hub: RunningHub, tmp_path: Path) -> None:
    code, login = logged_in(of(tmp_path, hub, GRAFANA), taken_first(hub, GRAFANA, "oidc/token"))
    assert code == 1
    assert "'invalid_grant'" in login["detail"]
    assert "was first" in login["fix"]


def test_by_oauth_who_did_not_begin_the_login_uses_nothing_up(
    hub: RunningHub, tmp_path: Path
) -> None:
    browse = taken_first(hub, OTHER, "api/oauth2/token")
    assert logged_in(of(tmp_path, hub, OTHER), browse)[0] == 0


def test_nobody_has_to(hub: RunningHub, tmp_path: Path) -> None:
    code, login = logged_in(of(tmp_path, hub), lambda _: "")
    assert (code, login["state"]) == (0, "skipped")
