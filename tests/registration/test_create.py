"""`fedhub register create`, and what it leaves."""

from __future__ import annotations

import errno
import os
import re
import stat

import pytest

from tests.registration.office import SECRETS, Office

CALLBACK = "https://campus.example.org/hub/oauth_callback"


def test_a_hub_is_registered_as_its_values_ask(office: Office) -> None:
    office.hub()
    done = office.did("create", "campus")
    (client,) = office.registered().values()
    assert done["did"] == "created"
    assert client["client_id"] == done["client_id"]
    assert client["redirect_uris"] == [CALLBACK]
    assert set(client["scope"]) == {"openid", "email", "profile", "org.cilogon.userinfo"}
    assert "refresh_token" in client["grant_types"]
    assert client["contacts"] == ["ops@example.edu"]
    assert client["client_name"] == "campus.example.org"
    assert office.works()
    file = office.values / "enc-campus.secret.values.yaml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not office.journal().exists()
    assert office.litter() == []


def test_a_second_run_changes_nothing(office: Office) -> None:
    office.hub()
    office.did("create", "campus")
    before = (office.values / "enc-campus.secret.values.yaml").read_bytes()
    office.provider.reset_counters()
    assert office.did("create", "campus")["did"] == "unchanged"
    assert (office.values / "enc-campus.secret.values.yaml").read_bytes() == before
    assert office.provider.requests("client-create") == 0
    assert office.provider.requests("client-update") == 0


def test_other_keys_and_comments_stay(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    after = office.decrypt("enc-campus.secret.values.yaml")
    assert "# Keys of the hub." in after
    assert "# stays the same" in after
    assert "c00kie-c00kie" in after
    assert office.works()


def test_a_dry_run_does_nothing(office: Office) -> None:
    office.hub()
    said = office.run("create", "campus", "--dry-run")
    assert said.code == 0
    assert CALLBACK in said.err
    assert office.registered() == {}
    assert office.stored() is None


def test_a_script_can_tell_a_dry_run(office: Office) -> None:
    office.hub()
    assert office.did("create", "campus", "--dry-run")["dry_run"] is True
    assert office.did("create", "campus")["dry_run"] is False


def test_what_was_not_given_is_not_shown_as_empty(office: Office) -> None:
    office.hub()
    settings = office.values / "registration.yaml"
    settings.write_text(re.sub(r"(?m)^contact: .*\n", "", settings.read_text()))
    client_id = office.did("create", "campus")["client_id"]
    assert office.registered()[client_id]["contacts"] == [""]  # as CILogon has it
    assert "contacts" not in office.run("show", "campus").out


@pytest.mark.parametrize("name", ["campus.yaml", "common.values.yaml", "enc-campus.values.yaml"])
def test_a_file_by_which_sync_finds_no_hub_is_refused(office: Office, name: str) -> None:
    """Its client would count as left over, or as that of the hub of the same name."""
    office.hub()
    (office.values / "campus.values.yaml").rename(office.values / name)
    said = office.run("create", f"values/{name}")
    assert said.code == 2
    assert f"values/{name} is not called like a hub" in said.err
    assert office.registered() == {}


@pytest.mark.parametrize("domain", ['"["', '"a b"', "https://a.org", "[a.org]", '"\\e[2J"'])
def test_a_domain_that_is_none(office: Office, domain: str) -> None:
    office.hub(domain=domain)
    said = office.run("create", "campus")
    assert said.code == 1
    assert said.err.startswith("values/campus.values.yaml:4:5: global.fedhub.domain: ")
    assert office.run("sync", "--all", "--apply").code == 1
    assert office.registered() == {}


@pytest.mark.parametrize("address", ['"http://["', "x", "5", "[]"])
def test_a_callback_url_that_is_none(office: Office, address: str) -> None:
    office.hub()
    values = office.values / "campus.values.yaml"
    values.write_text(f"{values.read_text()}          oauth_callback_url: {address}\n")
    said = office.run("create", "campus", "--dry-run")
    assert (said.code == 0) == (address == "[]")
    assert said.code == 0 or "the callback URL of cilogon can't be told" in said.err


def test_things_that_are_called_like_drafts_stay(office: Office) -> None:
    office.hub()
    (office.values / ".a.12345678.draft").mkdir()
    (office.values / ".b.12345678.draft").symlink_to("nowhere")
    os.mkfifo(office.values / ".c.12345678.draft")
    assert office.did("create", "campus")["did"] == "created"


def test_a_full_disk(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.hub(secrets=SECRETS)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        said = office.run("create", "campus")
    assert said.code == 1
    assert "No space left on device" in said.err
    assert office.litter() == []
    assert office.registered() == {}


def test_an_encrypted_file_elsewhere_stays_there(office: Office) -> None:
    office.hub(secrets=SECRETS)
    name = "enc-campus.secret.values.yaml"
    elsewhere = office.work / name
    (office.values / name).rename(elsewhere)
    (office.values / name).symlink_to(elsewhere)
    office.did("create", "campus")
    assert (office.values / name).is_symlink()
    assert office.works()
