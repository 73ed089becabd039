"""What a Keycloak realm tells of itself, and how it says that there is no such page."""

from __future__ import annotations

import pytest

from tests.peers.visit import Visit

ENDPOINTS = {
    "authorization_endpoint": "auth",
    "token_endpoint": "token",
    "introspection_endpoint": "token/introspect",
    "userinfo_endpoint": "userinfo",
    "end_session_endpoint": "logout",
    "jwks_uri": "certs",
    "revocation_endpoint": "revoke",
}
SAME = {
    "prompt_values_supported": ["none", "login", "consent"],
    "code_challenge_methods_supported": ["plain", "S256"],
    "backchannel_logout_supported": True,
    "backchannel_logout_session_supported": True,
    "authorization_response_iss_parameter_supported": True,
}
AMONG = {
    "grant_types_supported": {"authorization_code", "refresh_token"},
    "response_types_supported": {"code"},
    "response_modes_supported": {"query"},
    "subject_types_supported": {"public"},
    "id_token_signing_alg_values_supported": {"RS256"},
    "token_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post"},
}
"""What the embedded one can, of all that the real one can."""
SCOPES = {
    *("openid", "email", "acr", "organization", "address", "basic", "profile", "web-origins"),
    *("phone", "roles", "offline_access", "service_account", "microprofile-jwt"),
}
CLAIMS = {
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "name", "given_name", "family_name"),
    *("preferred_username", "email", "acr", "azp", "nonce"),
}


def test_discovery_names_the_realms_addresses_and_what_it_can(visit: Visit) -> None:
    reply = visit.browser.get(f"{visit.issuer}/.well-known/openid-configuration")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-cache, must-revalidate, no-transform, no-store"
    said = reply.json()
    assert said["issuer"] == visit.issuer
    assert {name: said[name] for name in ENDPOINTS} == {
        name: visit.at(page) for name, page in ENDPOINTS.items()
    }
    assert {name: said[name] for name in SAME} == SAME
    assert {name: values & set(said[name]) for name, values in AMONG.items()} == AMONG
    assert set(said["scopes_supported"]) == SCOPES
    assert set(said["claims_supported"]) == CLAIMS


def test_a_realm_that_is_not_there(visit: Visit) -> None:
    address = f"{visit.realm.url}/realms/nowhere/.well-known/openid-configuration"
    reply = visit.browser.get(address)
    assert (reply.status_code, reply.json()) == (404, {"error": "Realm does not exist"})


@pytest.mark.parametrize(
    ("method", "page", "status", "words"),
    [
        ("GET", "nowhere", 404, "HTTP 404 Not Found"),
        ("GET", "token", 405, "HTTP 405 Method Not Allowed"),
        ("PUT", "token", 405, "HTTP 405 Method Not Allowed"),
    ],
)
def test_pages_and_methods_that_are_not_there(
    visit: Visit, method: str, page: str, status: int, words: str
) -> None:
    reply = visit.browser.request(method, visit.at(page))
    assert (reply.status_code, reply.json()) == (status, {"error": words})
