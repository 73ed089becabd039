"""Keycloak's client registration as any client meets it: statuses, words, and what stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fedhub.registration.keycloak.service_account import realm_address
from tests.peers.realms import HUB, NAME, Realm
from tests.peers.visit import Visit, refused
from tests.providers import CALLBACK

BODY = {"clientId": "fedhub-one", "name": "One", "redirectUris": [CALLBACK]}
FORBIDDEN = (403, "insufficient_scope", "Forbidden")
NO_TOKEN = (401, "invalid_token", "Failed decode token")
POLICY = "Policy 'Allowed Client Scopes' rejected request to client-registration service."
Ask = Callable[..., httpx.Response]


def token_of(realm: Realm, client_id: str, secret: str, **form: str) -> httpx.Response:
    page = f"{realm_address(realm.url, NAME)}/protocol/openid-connect/token"
    own = {"client_id": client_id, "client_secret": secret}
    asked = {"grant_type": "client_credentials", **own, **form}
    return httpx.post(page, data=asked, verify=False, trust_env=False, timeout=60)


@pytest.fixture
def ask_as(realm: Realm) -> Callable[..., Ask]:
    """Requests to the realm's registrations, or to its admin REST API, with a role or a token."""

    def somebody(role: str = "", token: str = "") -> Ask:
        if role:
            admin = realm.service_account(role)
            secret = admin.client_secret.get_secret_value()
            token = token_of(realm, admin.client_id, secret).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"} if token else {}

        def ask(method: str, path: str = "", **more: Any) -> httpx.Response:
            page = f"{realm.url}/admin/realms/{NAME}{path}"
            if not path.startswith("/"):
                page = f"{realm_address(realm.url, NAME)}/clients-registrations/default"
                page += f"/{path}" if path else ""
            return httpx.request(
                method, page, headers=headers, verify=False, trust_env=False, timeout=60, **more
            )

        return ask

    return somebody


@pytest.fixture
def ask(ask_as: Callable[..., Ask]) -> Ask:
    return ask_as("manage-clients")


def test_a_service_account_gets_a_token(realm: Realm) -> None:
    admin = realm.service_account("manage-clients")
    secret = admin.client_secret.get_secret_value()
    reply = token_of(realm, admin.client_id, secret)
    assert reply.headers["cache-control"] == "no-store"
    said = reply.json()
    assert set(said) == {
        *("access_token", "expires_in", "refresh_expires_in", "token_type"),
        *("not-before-policy", "scope"),
    }
    assert (said["expires_in"], said["refresh_expires_in"]) == (300, 0)
    wrong = "Invalid client or Invalid client credentials"
    reply = token_of(realm, admin.client_id, "wrong")
    assert refused(reply) == (401, "unauthorized_client", wrong)
    assert refused(token_of(realm, "nobody", "x")) == (401, "invalid_client", wrong)
    reply = token_of(realm, HUB.client_id, HUB.client_secret)
    words = "Client not enabled to retrieve service account"
    assert refused(reply) == (401, "unauthorized_client", words)


@pytest.mark.parametrize("client_id", ["registrar-manage-clients", "hub1"])
def test_nobody_signs_in_with_a_password(realm: Realm, client_id: str) -> None:
    secret = realm.service_account("manage-clients").client_secret.get_secret_value()
    form = {"grant_type": "password", "username": "ada", "password": "any"}
    words = "Client not allowed for direct access grants"
    assert refused(token_of(realm, client_id, secret, **form)) == (
        400,
        "unauthorized_client",
        words,
    )


def test_a_new_client_has_what_every_client_has(ask: Ask) -> None:
    reply = ask("POST", json=BODY)
    assert reply.status_code == 201
    assert reply.headers["content-type"] == "application/json;charset=UTF-8"
    assert reply.headers["location"].endswith("/clients-registrations/default/fedhub-one")
    said = reply.json()
    assert {name: said[name] for name in BODY} == BODY
    assert said["secret"]
    assert said["registrationAccessToken"]
    assert said["webOrigins"] == ["http://127.0.0.1:8000"]
    assert (said["publicClient"], said["standardFlowEnabled"]) == (False, True)
    assert (said["directAccessGrantsEnabled"], said["serviceAccountsEnabled"]) == (False, False)
    default = {"web-origins", "acr", "roles", "profile", "basic", "email"}
    optional = {"address", "phone", "offline_access", "organization", "microprofile-jwt"}
    assert set(said["defaultClientScopes"]) == default
    assert set(said["optionalClientScopes"]) == optional
    shown = ask("GET", "fedhub-one").json()
    assert {n: v for n, v in said.items() if n != "registrationAccessToken"} == shown


def test_the_admins_list_has_it_too(ask: Ask) -> None:
    ask("POST", json=BODY)
    shown = ask("GET", "fedhub-one").json()
    (listed,) = ask("GET", "/clients?clientId=fedhub-one").json()
    assert listed.pop("access") == {"view": True, "configure": True, "manage": True}
    del shown["defaultRoles"]
    assert listed == shown
    everybody = {one["clientId"] for one in ask("GET", "/clients").json()}
    assert everybody >= {"account", "realm-management", "fedhub-one", "registrar-manage-clients"}
    assert ask("GET", "/clients?clientId=nobody").json() == []


def test_the_realms_scopes_are_told(ask: Ask) -> None:
    for kind, name in (("default", "profile"), ("optional", "phone")):
        scopes = ask("GET", f"/default-{kind}-client-scopes").json()
        found = {one["name"]: one["protocol"] for one in scopes}
        assert found[name] == "openid-connect"
    assert "saml" in {
        one["protocol"] for one in ask("GET", "/default-default-client-scopes").json()
    }


@pytest.mark.parametrize(
    ("sent", "then"),
    [
        ({"name": "Two"}, {"name": "Two"}),
        ({"name": None}, {}),
        ({"name": ""}, {"name": ""}),
        ({"attributes": {"b": "2"}}, {"attributes": {"a": "1", "b": "2"}}),
        ({"attributes": {"a": None}}, {"attributes": {}}),
        ({"attributes": {"a": ""}}, {"attributes": {}}),
        ({"redirectUris": []}, {"redirectUris": []}),
        (
            {"optionalClientScopes": ["phone"]},
            {"optionalClientScopes": ["phone"], "defaultClientScopes": []},
        ),
        (
            {"defaultClientScopes": ["basic"], "optionalClientScopes": ["phone"]},
            {"defaultClientScopes": ["basic"], "optionalClientScopes": ["phone"]},
        ),
    ],
)
def test_what_is_not_sent_stays(ask: Ask, sent: dict[str, Any], then: dict[str, Any]) -> None:
    ask("POST", json=BODY | {"attributes": {"a": "1"}})
    before = ask("GET", "fedhub-one").json()
    reply = ask("PUT", "fedhub-one", json={"clientId": "fedhub-one", **sent})
    assert reply.status_code == 200
    after = ask("GET", "fedhub-one").json()
    assert reply.json() == after
    kept = {n: v for n, v in before["attributes"].items() if n != "a"}
    if "attributes" in then:
        then = then | {"attributes": kept | then["attributes"]}
    assert after == before | then


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            {"redirectUris": [f"{CALLBACK}#x"]},
            (400, "invalid_redirect_uri", "A redirect URI must not contain an URL fragment"),
        ),
        (
            {"redirectUris": ["javascript:alert(1)"]},
            (400, "invalid_redirect_uri", "A redirect URI uses an illegal scheme"),
        ),
        (
            {"baseUrl": "javascript:1"},
            (400, "invalid_client_metadata", "Base URL uses an illegal scheme"),
        ),
        ({"redirectUris": "x"}, (400, "unknown_error", "Cannot parse the JSON")),
        (
            {"optionalClientScopes": ["openid"]},
            (
                403,
                "insufficient_scope",
                f"{POLICY} Details: Not permitted to use specified clientScope",
            ),
        ),
        (
            {"description": "x" * 256},
            (500, "unknown_error", "For more on this error consult the server log."),
        ),
    ],
)
def test_what_is_refused_is_told_why(
    ask: Ask, method: str, sent: dict[str, Any], said: tuple[int, str, str]
) -> None:
    if method == "PUT":
        ask("POST", json=BODY)
    before = ask("GET", "fedhub-one").json()
    path = "fedhub-one" if method == "PUT" else ""
    assert refused(ask(method, path, json=BODY | sent)) == said
    assert ask("GET", "fedhub-one").json() == before


def test_fields_that_keycloak_does_not_know_are_refused(ask: Ask) -> None:
    reply = ask("POST", json=BODY | {"comment": "x"})
    assert reply.status_code == 400
    words = 'Invalid json representation for ClientRepresentation. Unrecognized field "comment"'
    assert reply.json()["error"].startswith(words)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", (400, "invalid_request", "Cannot parse the JSON")),
        ("[1]", (400, "unknown_error", "Cannot parse the JSON")),
        ("", (500, "unknown_error", "For more on this error consult the server log.")),
    ],
)
def test_what_is_no_client_is_refused(ask: Ask, text: str, said: tuple[int, str, str]) -> None:
    reply = ask("POST", content=text)
    assert refused(reply) == said


@pytest.mark.parametrize("client_id", ["fedhub-two", None])
def test_an_id_is_not_changed(ask: Ask, client_id: str | None) -> None:
    ask("POST", json=BODY)
    sent = {"name": "Two"} | ({"clientId": client_id} if client_id else {})
    reply = ask("PUT", "fedhub-one", json=sent)
    assert refused(reply) == (400, "invalid_client_metadata", "Client Identifier modified")


@pytest.mark.parametrize("client_id", ["fedhub-one", "hub1", "account", "registrar-manage-clients"])
def test_an_id_is_given_once(ask: Ask, client_id: str) -> None:
    ask("POST", json=BODY)
    reply = ask("POST", json=BODY | {"clientId": client_id})
    assert refused(reply) == (400, "invalid_client_metadata", "Client Identifier in use")


def test_a_client_that_is_not_there(ask: Ask) -> None:
    for method in ("GET", "PUT", "DELETE"):
        body = {"json": {"clientId": "nobody"}} if method == "PUT" else {}
        reply = ask(method, "nobody", **body)
        assert refused(reply) == (404, "invalid_request", "Client not found")


def test_a_delete_has_no_body_and_a_second_one_finds_nothing(ask: Ask) -> None:
    ask("POST", json=BODY)
    reply = ask("DELETE", "fedhub-one")
    assert (reply.status_code, reply.content) == (204, b"")
    assert ask("DELETE", "fedhub-one").status_code == 404


def test_who_has_no_token_is_told_so(ask: Ask, ask_as: Callable[..., Ask]) -> None:
    ask("POST", json=BODY)
    nobody, liar = ask_as(), ask_as(token="nonsense")
    maybe = "Maybe missing token or bad token type."
    said = {
        "GET": "view client. Not valid token or client credentials provided.",
        "PUT": f"update client. {maybe}",
        "DELETE": f"update client. {maybe}",
    }
    for method, words in said.items():
        reply = nobody(method, "fedhub-one", **({"json": BODY} if method == "PUT" else {}))
        assert refused(reply) == (401, "invalid_token", f"Not authorized to {words}")
        reply = liar(method, "fedhub-one", **({"json": BODY} if method == "PUT" else {}))
        assert refused(reply) == NO_TOKEN
    untrusted = "Policy 'Trusted Hosts' rejected request to client-registration service."
    said_to_all = (403, "insufficient_scope", f"{untrusted} Details: Host not trusted.")
    assert refused(nobody("POST", json=BODY)) == said_to_all
    assert refused(liar("POST", json=BODY)) == NO_TOKEN
    for somebody in (nobody, liar):
        reply = somebody("GET", "/clients")
        assert (reply.status_code, reply.json()) == (401, {"error": "HTTP 401 Unauthorized"})


def test_a_persons_token_may_do_nothing_here(visit: Visit, ask_as: Callable[..., Ask]) -> None:
    person = ask_as(token=visit.log_in()["access_token"])
    assert refused(person("POST", json=BODY)) == FORBIDDEN
    assert refused(person("GET", "hub1")) == FORBIDDEN
    reply = person("GET", "/clients")
    assert (reply.status_code, reply.json()) == (403, {"error": "HTTP 403 Forbidden"})


def test_query_clients_sees_nothing(ask_as: Callable[..., Ask]) -> None:
    assert ask_as("query-clients")("GET", "/clients").json() == []
