"""`fedhub register create`, and what it leaves."""

from __future__ import annotations

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


@pytest.mark.parametrize("name", ["campus.yaml", "common.values.yaml", "enc-campus.values.yaml"])
def test_a_file_by_which_sync_finds_no_hub_is_refused(office: Office, name: str) -> None:
    """Its client would count as left over, or as that of the hub of the same name."""
    office.hub()
    (office.values / "campus.values.yaml").rename(office.values / name)
    said = office.run("create", f"values/{name}")
    assert said.code == 2
    assert f"values/{name} is not called like a hub" in said.err
    assert office.registered() == {}
