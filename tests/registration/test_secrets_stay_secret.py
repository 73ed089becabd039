"""Secrets in no argument, environment of a child, output, log or plaintext file."""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.registration.office import ADMIN, SECRETS, Office, pair

_watching: list[list[Any]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        _, command, _, environment = arguments
        for children in _watching:
            children.append((command, dict(environment or os.environ)))


sys.addaudithook(_audit)


@pytest.fixture
def children() -> Iterator[list[Any]]:
    """The arguments and environments of all programs that are started."""
    started: list[Any] = []
    _watching.append(started)
    yield started
    _watching.remove(started)


@pytest.fixture
def everything(office: Office) -> str:
    """Every command, well and badly; returns all that was printed."""
    office.hub(secrets=SECRETS)
    printed = []

    def run(*arguments: str) -> None:
        said = office.run(*arguments)
        printed.append(said.out + said.err)

    run("create", "campus")
    run("show", "campus", "--format", "json")
    run("list", "--format", "json")
    run("update", "campus")
    run("rotate", "campus")
    run("rotate", "campus", "--unseen", "--now")
    run("sync", "--all", "--apply", "--yes", "--format", "json")
    office.provider.inject("server-error", times=None)
    for command in ("create", "show", "update", "rotate"):
        run(command, "campus")
    office.provider.clear_faults()
    office.hub(domain="new.example.org")
    run("sync", "--all")
    return "".join(printed)


def secrets(office: Office) -> list[str]:
    stored = office.stored()
    assert stored
    return [stored[1], ADMIN.client_secret, "c00kie-c00kie", "AGE-SECRET-KEY"]


def test_they_are_nowhere(
    office: Office, children: list[Any], caplog: pytest.LogCaptureFixture, request: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    printed = request.getfixturevalue("everything")
    assert children
    seen = [printed, caplog.text, repr(children)]
    for secret in secrets(office):
        assert not [text for text in seen if secret in text], "a secret was seen"
    for file in office.values.iterdir():
        content = file.read_text()
        assert not [secret for secret in secrets(office) if secret in content], file.name


def test_what_is_unfinished_is_encrypted_and_private(office: Office) -> None:
    office.hub()
    office.did("create", "campus")
    before = office.stored()
    office.did("rotate", "campus")
    after = office.stored()
    assert before and after
    text = office.journal().read_text()
    assert before[1] not in text
    assert after[1] not in text
    assert after[0] not in text
    for file in (office.journal(), office.values / "enc-campus.secret.values.yaml"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def sourced(office: Office, **source: Any) -> None:
    """Have the administrator's credentials come from somewhere."""
    administrator = {
        "cilogon_host": "cilogon.org",
        "address": f"{office.provider.url}/oauth2/oidc-cm",
        "credentials": source,
    }
    office.settings(administrators=[administrator])


def test_an_administrator_from_a_command(office: Office, children: list[Any]) -> None:
    (office.values / "secret-store").write_text(pair(ADMIN))
    sourced(office, command=["cat", str(office.values / "secret-store")])
    office.hub()
    office.did("create", "campus")
    assert ADMIN.client_secret not in repr(children)


def test_an_administrator_from_the_environment(
    office: Office, monkeypatch: pytest.MonkeyPatch, children: list[Any]
) -> None:
    office.hub(secrets=SECRETS)
    sourced(office, environment="CILOGON_ADMIN")
    monkeypatch.setenv("CILOGON_ADMIN", pair(ADMIN))
    office.did("create", "campus")
    assert ADMIN.client_secret not in repr(children)
    assert "CILOGON_ADMIN" not in os.environ


def test_a_variable_is_hidden_before_a_hub_is_opened_to_be_deleted(
    office: Office, monkeypatch: pytest.MonkeyPatch, children: list[Any]
) -> None:
    office.hub(secrets=SECRETS)
    sourced(office, environment="CILOGON_ADMIN")
    monkeypatch.setenv("CILOGON_ADMIN", pair(ADMIN))
    office.did("delete", "campus", "--force", "--yes")
    assert children
    assert ADMIN.client_secret not in repr(children)


@pytest.mark.parametrize(
    "text",
    [
        "{client_id: a-secret",
        "a-secret",
        "[a-secret]",
        "{client_id: a, client_secret: }",
        "",
        "- *x",
        "!!bool a-secret",
        '{client_id: "\\ud800", client_secret: a-secret}',
        '{client_id: "a\\nb", client_secret: a-secret}',
        "!!timestamp a-secret",
        "{client_id: !!int '', client_secret: a-secret}",
    ],
)
def test_a_source_that_gives_something_else(
    office: Office, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("OTHER_ADMIN", text)
    sourced(office, environment="OTHER_ADMIN")
    office.hub()
    said = office.run("create", "campus")
    assert said.code == 1
    assert "does not give client_id and client_secret" in said.err
    assert "a-secret" not in said.err


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"file": "plain.yaml"}, "plaintext"),
        ({"file": "none.yaml"}, "No such file"),
        ({"command": ["false"]}, "failed (exit code 1)"),
        ({"command": ["no-such-command"]}, "does not run"),
        ({"environment": "NOT_SET"}, "is not set"),
    ],
)
def test_a_source_that_gives_nothing(office: Office, source: Any, words: str) -> None:
    (office.values / "plain.yaml").write_text(pair(ADMIN))
    sourced(office, **source)
    office.hub()
    said = office.run("create", "campus")
    assert said.code == 1
    assert words in said.err
    assert ADMIN.client_secret not in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("owner: a b\nadministrators: []\n", ":1:1: owner: must be letters, digits"),
        ("administrators: []\n", "owner: is missing"),
        ("owner: ops\nadministrators: [{cilogon_host: c, credentials: {}}]\n", "name one of file"),
        ("owner: ops\nadministrator: []\n", ":2:1: unknown key administrator; did you mean admin"),
        (
            "owner: ops\nadministrators: [{cilogon_host: a.org, credentials: {file: x}}]\n",
            "names no administrator for cilogon, which is at cilogon.org",
        ),
        (
            "owner: ops\nadministrators: [{realm: a, cilogon_host: c, credentials: {file: x}}]\n",
            "iam_url and realm go together",
        ),
        (
            "owner: ops\nadministrators: [{cilogon_host: cilogon.org, address: 'https://[', "
            "credentials: {file: enc-admin.yaml}}]\n",
            "https://[ is no address",
        ),
    ],
)
def test_wrong_settings(office: Office, text: str, words: str) -> None:
    (office.values / "registration.yaml").write_text(text)
    office.hub()
    said = office.run("create", "campus")
    assert said.code in (1, 2)
    assert words in said.err, said.err


def test_no_settings(office: Office) -> None:
    (office.values / "registration.yaml").unlink()
    office.hub()
    said = office.run("create", "campus")
    assert said.code == 1
    assert "values/registration.yaml is missing" in said.err


def test_a_hub_that_is_not_there_is_said_before_settings_are_asked_for(office: Office) -> None:
    (office.values / "registration.yaml").unlink()
    for command in ("create", "show"):
        said = office.run(command, "campsu")
        assert said.code == 2
        assert "there is no hub campsu" in said.err


def test_no_folder_at_all(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(office.values)
    for command in (["list"], ["sync", "--all"], ["show", "campus"]):
        said = office.run(*command)
        assert said.code == 2
        assert "no folder values here" in said.err
