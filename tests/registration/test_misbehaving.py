"""A provider that fails, lies or is slow: one message, exit code 1, nothing lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fedhub.idp.server import IdentityProvider
from fedhub.registration import calls
from fedhub.registration.journal import Journal
from tests.certificates import self_signed
from tests.registration.office import ADMIN, SECRETS, Office

ACTED = ("answer-lost", "html", "malformed-json")
FAULTS = (*ACTED, "server-error", "connection-reset")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "PAUSE", 0.0)


def break_once(office: Office, fault: str, where: str, times: int | None = 1) -> None:
    office.provider.inject(fault, endpoint=where, times=times)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_create_whose_answer_is_lost(office: Office, fault: str) -> None:
    office.hub(secrets=SECRETS)
    break_once(office, fault, "client-create")
    said = office.run("create", "campus")
    assert said.code == 1
    assert said.err.count("\n") <= 2, said.err  # the client that was found and deleted, the error
    assert "run the command again" in said.err
    assert office.registered() == {}
    assert office.did("create", "campus")["did"] == "created"
    assert len(office.registered()) == 1
    assert office.works()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("where", ["client-show", "client-delete"])
def test_what_may_be_asked_again_is(office: Office, fault: str, where: str) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    break_once(office, fault, where)
    office.did("delete", "campus", "--force", "--yes")
    assert office.registered() == {}
    assert office.stored() is None


def test_a_deletion_that_fails_is_gone_on_with(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    break_once(office, "server-error", "client-delete", times=None)
    said = office.run("delete", "campus", "--force", "--yes")
    assert said.code == 1
    assert office.works()  # its credentials stay as long as the client may
    office.provider.clear_faults()
    office.did("delete", "campus", "--force", "--yes")
    assert office.registered() == {}
    assert not office.journal().exists()


@pytest.mark.parametrize("fault", FAULTS)
def test_an_update_whose_answer_is_lost(office: Office, fault: str) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    office.hub(domain="new.example.org")
    break_once(office, fault, "client-update")
    said = office.run("update", "campus")
    assert said.code == (0 if fault in ACTED else 1)
    assert office.run("update", "campus").code == 0
    (client,) = office.registered().values()
    assert client["redirect_uris"] == ["https://new.example.org/hub/oauth_callback"]
    assert office.works()


def test_a_full_quota(office: Office) -> None:
    office.hub(secrets=SECRETS)

    office.provider.add_admin_client(replace(ADMIN, max_clients=1))
    for _ in range(2):
        office.endpoint.registered()
    said = office.run("create", "campus")
    assert said.code == 1
    assert "quota" in said.err
    assert not office.journal().exists()
    assert len(office.registered()) == 2


def test_a_provider_that_is_not_there(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.provider.stop()
    said = office.run("create", "campus")
    assert said.code == 1
    assert "ConnectError" in said.err
    assert said.err.count("\n") == 1
    assert not office.journal().exists()


def test_a_certificate_that_is_not_trusted(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.hub(secrets=SECRETS)
    context, certificate = self_signed(tmp_path)
    with IdentityProvider(ssl_context=context) as elsewhere:
        elsewhere.add_admin_client(ADMIN)
        settings = (office.values / "registration.yaml").read_text()
        (office.values / "registration.yaml").write_text(
            settings.replace(office.provider.url, elsewhere.url)
        )
        said = office.run("create", "campus")
        assert said.code == 1
        assert "its certificate is not trusted" in said.err
        assert "SSL_CERT_FILE" in said.err
        assert not office.journal().exists()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        office.did("create", "campus")


def test_a_lost_create_that_acts_later(office: Office) -> None:
    """A request may still be on its way when it was given up, and act after a look in vain."""
    office.hub(secrets=SECRETS)
    break_once(office, "connection-reset", "client-create")
    assert office.run("create", "campus").code == 1
    assert office.journal().exists()
    (attempt,) = Journal("campus", office.values)["cilogon"].attempts
    office.endpoint.registered(comment=str(attempt.tag))  # now it acts
    assert office.did("create", "campus")["did"] == "created"
    (client,) = office.registered().values()
    assert client["comment"] != str(attempt.tag)
    assert office.works()
    assert not office.journal().exists()


ESCAPES = "cilogon:/client_id/\x1b[2J\x1b]0;owned\x07"


def test_nothing_that_is_quoted_moves_a_cursor(office: Office) -> None:
    """What somebody wrote into a file, such as a colleague's id, or a provider said."""
    credentials = json.dumps({"client_id": ESCAPES, "client_secret": "none"})
    office.hub(secrets=f"credentials: {{cilogon: {credentials}}}")
    for command in (["create"], ["show"], ["update"], ["delete", "--force", "--yes"]):
        said = office.run(command[0], "campus", *command[1:])
        assert "cilogon:/client_id/" in said.out + said.err
        assert "\x1b" not in said.out + said.err
