"""Our client for a realm's clients: what it registers at both servers, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from fedhub.idp.client import Client
from fedhub.registration.admin import AdminCredentials
from fedhub.registration.clients import Credentials
from fedhub.registration.errors import (
    CredentialsError,
    RegistrationError,
    UnknownClientError,
    WrongSecretError,
)
from fedhub.registration.keycloak.client import KeycloakClients
from fedhub.registration.keycloak.service_account import realm_address
from fedhub.registration.search import find
from fedhub.registration.tag import Tag
from fedhub.registration.wanted import Wanted
from tests.peers.realms import HUB, NAME, Realm
from tests.peers.visit import Visit, is_page
from tests.providers import CALLBACK

MANAGES = "manage-clients"
WANTED = Wanted(
    name="Campus hub",
    redirect_uris=(CALLBACK,),
    scopes=("openid", "email", "profile"),
    refresh_tokens=True,
    contact="ops@example.edu",
    home_url="https://hub.example.org/",
)
TAG = Tag("ops", "campus", "login", "0123456789abcdef" * 2)
OTHER_TAG = replace(TAG, registration="f" * 32)
NEW_CALLBACK = "https://new.example.org/hub/oauth_callback"
Open = Callable[..., KeycloakClients]


@pytest.fixture
def open_as(realm: Realm) -> Iterator[Open]:
    """Our client, with some administrator's credentials."""
    with ExitStack() as stack:

        def go(admin: AdminCredentials, **more: Any) -> KeycloakClients:
            settings = {"url": realm.url, "realm": NAME, "wait": lambda _: None} | more
            return stack.enter_context(KeycloakClients(admin, **settings))

        yield go


@pytest.fixture
def clients(realm: Realm, open_as: Open) -> KeycloakClients:
    return open_as(realm.service_account(MANAGES))


class Raw:
    """The registrations as they are at the server, with nothing of ours in between."""

    def __init__(self, realm: Realm) -> None:
        admin = realm.service_account(MANAGES)
        self._address = realm_address(realm.url, NAME)
        self._http = httpx.Client(verify=False, trust_env=False, timeout=60)
        form = {"grant_type": "client_credentials", "client_id": admin.client_id}
        form |= {"client_secret": admin.client_secret.get_secret_value()}
        page = f"{self._address}/protocol/openid-connect/token"
        token = self._http.post(page, data=form).raise_for_status().json()["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, client_id: str = "", **more: Any) -> httpx.Response:
        page = f"{self._address}/clients-registrations/default"
        return self._http.request(method, f"{page}/{client_id}" if client_id else page, **more)

    def shown(self, client_id: str) -> dict[str, Any]:
        said: dict[str, Any] = self("GET", client_id).raise_for_status().json()
        return said


@pytest.fixture
def raw(realm: Realm) -> Raw:
    return Raw(realm)


def hub_with(made: Credentials, callback: str = CALLBACK) -> Client:
    """The hub that has these credentials."""
    secret = made.client_secret.get_secret_value()
    return replace(HUB, client_id=made.client_id, client_secret=secret, redirect_uris=(callback,))


def test_what_is_created_logs_people_in_and_out(realm: Realm, clients: KeycloakClients) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    with Visit(realm, hub_with(made)) as visit:
        tokens = visit.log_in()
        assert "refresh_token" in visit.refresh(tokens).json()
        out = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": CALLBACK}
        assert visit.log_out(**out).headers["location"] == CALLBACK


def test_what_is_created_is_shown_listed_and_found(clients: KeycloakClients) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    other = clients.create(replace(WANTED, name="Other").attributes(), OTHER_TAG)
    assert made.client_id == "fedhub-campus-01234567"
    shown = clients.show(made.client_id)
    assert shown.tag == TAG
    assert {name: shown.attributes[name] for name in WANTED.attributes() if name in KEPT} == {
        "client_name": "Campus hub",
        "client_uri": "https://hub.example.org/",
        "redirect_uris": [CALLBACK],
        "contacts": ["ops@example.edu"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }
    assert {"openid", "email", "profile"} <= set(shown.attributes["scope"])
    assert not clients.differences(shown, WANTED.attributes())
    listed = {one.client_id: one.name for one in clients.list()}
    assert listed.items() >= {made.client_id: "Campus hub", other.client_id: "Other"}.items()
    assert not {"account", "admin-cli", "realm-management", "registrar-manage-clients"} & set(
        listed
    )
    assert [one.client_id for one in find(clients, TAG)] == [made.client_id]


KEPT = ("client_name", "client_uri", "redirect_uris", "contacts", "grant_types", "response_types")


def test_no_secret_is_among_the_attributes(raw: Raw, clients: KeycloakClients) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    secret = made.client_secret.get_secret_value()
    assert raw.shown(made.client_id)["secret"] == secret
    assert secret not in repr((made, clients.show(made.client_id)))


def test_a_client_may_ask_for_the_realms_default_scopes_and_what_is_wanted_beside_them(
    realm: Realm, clients: KeycloakClients
) -> None:
    wanted = replace(WANTED, scopes=("openid", "email", "phone"))
    made = clients.create(wanted.attributes(), TAG)
    default = {"web-origins", "acr", "roles", "profile", "basic", "email"}
    assert set(clients.show(made.client_id).attributes["scope"]) == {"openid", "phone", *default}
    with Visit(realm, hub_with(made)) as visit:
        assert set(visit.log_in(scope="openid phone")["scope"].split()) == {
            *("openid", "email", "profile", "phone")
        }
        refused = visit.begin(scope="openid address").headers["location"]
        assert "error=invalid_scope" in refused
        assert "Invalid+scopes%3A+openid+address" in refused


def test_scopes_that_the_realm_does_not_offer_are_named(clients: KeycloakClients) -> None:
    wanted = replace(WANTED, scopes=("openid", "nothing", "email", "never"))
    with pytest.raises(RegistrationError, match="offers no client scope nothing, never"):
        clients.create(wanted.attributes(), TAG)
    assert not find(clients, TAG)
    made = clients.create(WANTED.attributes(), TAG)
    with pytest.raises(RegistrationError, match="offers no client scope never"):
        clients.update(made.client_id, {"scope": ["openid", "email", "never"]})


def test_without_refresh_tokens_none_is_given(realm: Realm, clients: KeycloakClients) -> None:
    made = clients.create(replace(WANTED, refresh_tokens=False).attributes(), TAG)
    assert clients.show(made.client_id).attributes["grant_types"] == ["authorization_code"]
    with Visit(realm, hub_with(made)) as visit:
        assert "refresh_token" not in visit.log_in()


OTHERS = {
    "webOrigins": ["https://else.example.org"],
    "consentRequired": False,
    "adminUrl": "https://hub.example.org/admin",
    "attributes": {"theirs": "1", "pkce.code.challenge.method": "S256"},
    "protocolMappers": [
        {
            "name": "their name",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-full-name-mapper",
            "config": {"id.token.claim": "true"},
        }
    ],
}
"""What somebody else has set."""


def test_an_update_changes_what_is_asked_for_and_nothing_else(
    raw: Raw, clients: KeycloakClients
) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    others = {"clientId": made.client_id, **OTHERS}
    assert raw("PUT", made.client_id, json=others).status_code == 200
    before = raw.shown(made.client_id)
    assert before["attributes"]["theirs"] == "1"
    assert before["protocolMappers"][0]["name"] == "their name"
    changes = {"redirect_uris": [CALLBACK, NEW_CALLBACK], "client_name": "New name"}
    new = clients.update(made.client_id, changes)
    assert not clients.differences(new, changes)
    after = raw.shown(made.client_id)
    assert set(after.pop("redirectUris")) == {CALLBACK, NEW_CALLBACK}
    assert after.pop("name") == "New name"
    del before["redirectUris"], before["name"]
    assert after == before


def test_scopes_and_grants_that_others_have_added_stay(raw: Raw, clients: KeycloakClients) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    mine = raw.shown(made.client_id)
    theirs = {
        "clientId": made.client_id,
        "serviceAccountsEnabled": True,
        "defaultClientScopes": mine["defaultClientScopes"],
        "optionalClientScopes": ["address"],
    }
    assert raw("PUT", made.client_id, json=theirs).status_code == 200
    assert not clients.differences(clients.show(made.client_id), WANTED.attributes())
    wanted = replace(WANTED, scopes=("openid", "phone"), refresh_tokens=False)
    new = clients.update(made.client_id, wanted.attributes())
    assert {"address", "phone", "basic", "email"} <= set(new.attributes["scope"])
    assert new.attributes["grant_types"] == ["authorization_code", "client_credentials"]


def test_what_is_wanted_no_more_is_taken_away(raw: Raw, clients: KeycloakClients) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    gone = {"client_uri": None, "contacts": None, "comment": None}
    shown = clients.update(made.client_id, gone).attributes
    assert not set(gone) & set(shown)
    assert clients.show(made.client_id).tag is None
    assert "contacts" not in raw.shown(made.client_id)["attributes"]


def test_the_order_of_callbacks_is_no_difference(clients: KeycloakClients) -> None:
    both = replace(WANTED, redirect_uris=(CALLBACK, NEW_CALLBACK))
    shown = clients.show(clients.create(both.attributes(), TAG).client_id)
    turned = replace(WANTED, redirect_uris=(NEW_CALLBACK, CALLBACK)).attributes()
    assert not clients.differences(shown, turned)
    assert clients.differences(shown, {**turned, "rt_lifetime": 1}) == {}


@pytest.mark.parametrize("text", [f"{TAG} ", f"x{TAG}", str(TAG)[:-1], f"see {TAG}", ""])
def test_a_description_is_a_mark_only_as_a_whole(clients: KeycloakClients, text: str) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    clients.update(made.client_id, {"comment": text})
    assert clients.show(made.client_id).tag is None
    assert not find(clients, TAG)


def test_a_client_is_claimed_with_its_own_secret_only(raw: Raw, clients: KeycloakClients) -> None:
    by_hand = {"clientId": "fedhub-by-hand", "name": "Theirs", "redirectUris": [CALLBACK]}
    secret = raw("POST", json=by_hand).json()["secret"]
    before = raw.shown("fedhub-by-hand")
    with pytest.raises(WrongSecretError):
        clients.claim("fedhub-by-hand", SecretStr("another"), TAG)
    assert clients.show("fedhub-by-hand").tag is None
    clients.claim("fedhub-by-hand", SecretStr(secret), TAG)
    assert clients.show("fedhub-by-hand").tag == TAG
    assert raw.shown("fedhub-by-hand") == {**before, "description": str(TAG)}


def test_a_deleted_client_logs_nobody_in(realm: Realm, clients: KeycloakClients) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    with Visit(realm, hub_with(made)) as visit:
        tokens = visit.log_in()
        for _ in range(2):  # the second time there is none, which is fine
            clients.delete(made.client_id)
        assert is_page(visit.begin(), 400, "Client not found.")
        assert visit.userinfo(tokens["access_token"]).status_code == 401
    for act in (clients.show, lambda one: clients.update(one, {"client_name": "x"})):
        with pytest.raises(UnknownClientError):
            act(made.client_id)


def test_the_same_mark_makes_no_second_client(clients: KeycloakClients) -> None:
    clients.create(WANTED.attributes(), TAG)
    with pytest.raises(RegistrationError, match="Client Identifier in use"):
        clients.create(WANTED.attributes(), TAG)
    assert len(find(clients, TAG)) == 1


def test_a_callback_that_keycloak_refuses_is_told(clients: KeycloakClients) -> None:
    wanted = replace(WANTED, redirect_uris=(f"{CALLBACK}#there",))
    with pytest.raises(RegistrationError, match="must not contain an URL fragment"):
        clients.create(wanted.attributes(), TAG)


def test_a_mark_too_long_for_keycloak_is_not_sent(clients: KeycloakClients) -> None:
    with pytest.raises(RegistrationError, match="255"):
        clients.create(WANTED.attributes(), replace(TAG, owner="o" * 255))


def test_an_id_with_a_slash_is_one_client(raw: Raw, clients: KeycloakClients) -> None:
    raw("POST", json={"clientId": "fedhub-a b/ü?", "redirectUris": [CALLBACK]})
    assert clients.show("fedhub-a b/ü?").attributes["redirect_uris"] == [CALLBACK]
    clients.delete("fedhub-a b/ü?")


@pytest.mark.parametrize(
    ("roles", "may"),
    [
        ((), set()),
        (("create-client",), {"create without scopes"}),
        (("view-clients",), {"show", "list"}),
        (("query-clients",), {"list"}),
        (("create-client", "view-clients"), {"create", "show", "list"}),
        ((MANAGES,), {"create", "show", "list", "update", "delete"}),
    ],
)
def test_manage_clients_is_the_one_role_that_does_it_all(
    realm: Realm, open_as: Open, clients: KeycloakClients, roles: tuple[str, ...], may: set[str]
) -> None:
    there = clients.create(WANTED.attributes(), TAG).client_id
    theirs = open_as(realm.service_account(*roles))
    acts: dict[str, Callable[[], object]] = {
        "create": lambda: theirs.create(WANTED.attributes(), OTHER_TAG),
        "show": lambda: theirs.show(there),
        "list": theirs.list,
        "update": lambda: theirs.update(there, {"client_name": "Other"}),
        "delete": lambda: theirs.delete(there),
    }
    for name, act in acts.items():
        if name in may:
            act()
            continue
        with pytest.raises(CredentialsError) as refused:
            act()
        assert "manage-clients" in str(refused.value), name


def test_wrong_credentials_are_told_from_a_client_that_has_no_account(
    realm: Realm, open_as: Open
) -> None:
    admin = realm.service_account(MANAGES)
    for wrong in (replace(admin, client_secret=SecretStr("x")), replace(admin, client_id="nobody")):
        with pytest.raises(CredentialsError, match="id and secret"):
            open_as(wrong).list()
    hub = AdminCredentials(HUB.client_id, SecretStr(HUB.client_secret))
    with pytest.raises(CredentialsError, match="Service accounts roles"):
        open_as(hub).list()


def test_a_realm_that_is_not_there_is_told(realm: Realm, open_as: Open) -> None:
    with pytest.raises(RegistrationError, match="the realm's name"):
        open_as(realm.service_account(MANAGES), realm="nowhere").list()


def test_a_token_is_renewed_in_time(realm: Realm, open_as: Open) -> None:
    now = [0.0]
    ours = open_as(realm.service_account(MANAGES), clock=lambda: now[0])
    made = ours.create(WANTED.attributes(), TAG)
    now[0] += 3600
    assert ours.show(made.client_id).tag == TAG
