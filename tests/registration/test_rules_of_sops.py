"""Rules of sops that would leave a secret readable, or let others read it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pyrage
import pytest

from fedhub.registration.cilogon.client import ClientManagement
from tests.registration.office import SECRETS, SOPS, Office

PARTLY = [
    "encrypted_regex: ^credentials$",
    "encrypted_regex: cookie",
    "unencrypted_regex: client",
    "encrypted_suffix: _hidden",
    "unencrypted_suffix: _secret",
]
CREDENTIALS = "credentials: {cilogon: {client_id: cilogon:/client_id/1, client_secret: s3cret}}\n"


def rule(office: Office, line: str) -> str:
    """Add a line to the rules; returns the rules before."""
    file = office.work / ".sops.yaml"
    before = file.read_text()
    file.write_text(f"{before}    {line}\n")
    return before


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The secrets that the provider told."""
    secrets: list[str] = []
    ask = ClientManagement.create

    def asked(self: ClientManagement, *given: Any) -> Any:
        made = ask(self, *given)
        secrets.append(made.client_secret.get_secret_value())
        return made

    monkeypatch.setattr(ClientManagement, "create", asked)
    return secrets


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that sops wrote into files."""
    contents: list[bytes] = []
    run = subprocess.run

    def ran(command: list[str], *given: Any, **more: Any) -> Any:
        done = run(command, *given, **more)
        contents.extend(Path(part).read_bytes() for part in command if part.endswith(".draft"))
        return done

    monkeypatch.setattr(subprocess, "run", ran)
    return contents


@pytest.mark.parametrize("line", PARTLY)
@pytest.mark.parametrize("secrets", [None, SECRETS])
def test_a_rule_that_leaves_credentials_readable(
    office: Office, told: list[str], written: list[bytes], line: str, secrets: str | None
) -> None:
    rule(office, line)
    office.hub(secrets=secrets)
    said = office.run("create", "campus")
    assert said.code == 1
    assert "sops would leave " in said.err
    assert not any(secret.encode() in content for content in written for secret in told)


@pytest.mark.parametrize("line", PARTLY[1:])
def test_a_file_that_was_encrypted_by_such_a_rule(
    office: Office, told: list[str], written: list[bytes], line: str
) -> None:
    before = rule(office, line)
    office.hub(secrets=SECRETS)
    (office.work / ".sops.yaml").write_text(before)
    said = office.run("create", "campus")
    assert said.code == 1
    assert "sops would leave credentials.cilogon.client_" in said.err
    assert told
    assert not any(secret.encode() in content for content in written for secret in told)
    office.run("create", "campus")
    assert len(office.registered()) == 1  # the attempt before was taken back


def test_a_file_for_other_people_than_the_rules(office: Office) -> None:
    office.hub(secrets=SECRETS)
    other = pyrage.x25519.Identity.generate().to_public()
    file = office.values / "enc-campus.secret.values.yaml"
    subprocess.run([SOPS, "rotate", "--in-place", "--add-age", str(other), str(file)], check=True)
    said = office.run("create", "campus")
    assert said.code == 1
    assert "is encrypted for other people than" in said.err
    assert office.registered() == {}
    assert not office.journal().exists()
