"""`fedhub register update`: the smallest change, and a domain that moves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.registration.office import SECRETS, Office


def callback(host: str) -> str:
    return f"https://{host}.example.org/hub/oauth_callback"


@pytest.fixture
def registered(office: Office) -> str:
    office.hub(secrets=SECRETS)
    client_id: str = office.did("create", "campus")["client_id"]
    return client_id


def client(office: Office) -> dict[str, Any]:
    (found,) = office.registered().values()
    return found


def test_nothing_is_sent_where_nothing_differs(office: Office, registered: str) -> None:
    assert office.did("update", "campus")["did"] == "unchanged"
    assert office.provider.requests("client-update") == 0


def test_what_others_set_stays(office: Office, registered: str) -> None:
    before = client(office)
    theirs = {
        "cfg": {"tokens": {"identity": {"type": "identity"}}},
        "contacts": ["ada@example.edu"],
        "client_name": "The campus hub",
        "rt_lifetime": 600000,
        "of_their_own": {"x": [1]},
    }
    kept = {n: v for n, v in before.items() if n not in ("client_id_issued_at", "client_id")}
    kept = {n: v for n, v in kept.items() if not n.startswith("registration_")}
    assert office.endpoint.put(registered, kept | theirs).status_code == 200
    office.hub(domain="new.example.org")
    office.did("update", "campus")
    after = client(office)
    assert after["redirect_uris"] == [callback("new")]
    assert {name: after[name] for name in theirs} == theirs


def test_a_name_that_follows_from_the_domain_follows_it(office: Office, registered: str) -> None:
    office.hub(domain="new.example.org")
    office.did("update", "campus")
    assert client(office)["client_name"] == "new.example.org"


def test_a_domain_moves_without_a_broken_login(office: Office, registered: str) -> None:
    office.hub(domain="new.example.org")
    done = office.did("update", "campus", "--overlap")
    assert client(office)["redirect_uris"] == [callback("new"), callback("campus")]
    assert "--finish" in done["todo"][0]
    # Whatever comes in between, the old one stays.
    assert office.did("update", "campus")["did"] == "unchanged"
    assert office.run("sync", "--all", "--apply", "--yes").code == 0
    assert client(office)["redirect_uris"] == [callback("new"), callback("campus")]
    assert office.did("update", "campus", "--finish")["did"] == "updated"
    assert client(office)["redirect_uris"] == [callback("new")]
    assert office.did("update", "campus", "--finish")["did"] == "unchanged"


def test_a_domain_that_moves_twice_keeps_both(office: Office, registered: str) -> None:
    for host in ("second", "third"):
        office.hub(domain=f"{host}.example.org")
        office.did("update", "campus", "--overlap")
    assert client(office)["redirect_uris"] == [
        callback(host) for host in ("third", "second", "campus")
    ]


def test_an_overlap_without_a_move_is_none(office: Office, registered: str) -> None:
    assert office.did("update", "campus", "--overlap")["did"] == "unchanged"
    office.hub(domain="new.example.org")
    office.did("update", "campus")
    assert client(office)["redirect_uris"] == [callback("new")]


def test_a_dry_run_says_what_and_does_nothing(office: Office, registered: str) -> None:
    office.hub(domain="new.example.org")
    said = office.run("update", "campus", "--dry-run")
    assert f"+ redirect_uris: {callback('new')}" in said.err
    assert f"- redirect_uris: {callback('campus')}" in said.err
    assert client(office)["redirect_uris"] == [callback("campus")]


def test_another_hubs_client_is_not_touched(office: Office, registered: str) -> None:
    """Two hubs with one client would each undo what the other registered."""
    office.hub("lab", secrets=office.decrypt("enc-campus.secret.values.yaml"))
    said = office.run("update", "lab")
    assert said.code == 1
    assert "is ops's, for the hub campus" in said.err
    assert client(office)["redirect_uris"] == [callback("campus")]


def test_a_client_made_by_hand_is_not_touched(office: Office) -> None:
    made = office.endpoint.registered()
    credentials = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
    office.hub(secrets=f"credentials: {{cilogon: {credentials}}}")
    for command in ("update", "create", "rotate"):
        said = office.run(command, "campus")
        assert said.code == 1
        assert "`fedhub register import campus`" in said.err
    assert client(office)["client_name"] == "hub one"


def test_a_hub_that_is_not_registered(office: Office) -> None:
    office.hub()
    said = office.run("update", "campus")
    assert said.code == 1
    assert "`fedhub register create campus`" in said.err


def test_opposites(office: Office) -> None:
    said = office.run("update", "campus", "--overlap", "--finish")
    assert said.code == 2
