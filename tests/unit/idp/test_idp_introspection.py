"""What an access token is worth, for a client that may ask (RFC 7662)."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from fedhub.idp.server import IdentityProvider
from tests.providers import CLIENT_IDS, SECRET, Clock, hub_at
from tests.unit.idp.logins import PAGES, claims_of, header_of, log_in, own

FACES = pytest.mark.parametrize("face", ["cilogon", "keycloak", "oidc"])
ISSUER = "http://127.0.0.1:9/realms/hubtest"


def ask(web: FlaskClient, face: str, token: str, client_id: str = "") -> dict[str, Any]:
    reply = web.post(PAGES[face].introspect, data={"token": token} | own(face, client_id))
    assert reply.status_code == 200, reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    said = reply.json
    assert isinstance(said, dict)
    return said


@FACES
def test_a_live_token_is_told_of(web: FlaskClient, face: str) -> None:
    said = ask(web, face, log_in(web, face)["access_token"])
    assert said["active"] is True
    assert (said["sub"], said["client_id"]) == ("ada-sub", CLIENT_IDS[face])
    assert said["token_type"] == "Bearer"
    assert "openid" in said["scope"].split()
    assert isinstance(said["exp"], int)


@FACES
@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_of_any_other_it_says_only_that_it_is_worth_nothing(
    web: FlaskClient, face: str, token: str
) -> None:
    assert ask(web, face, token) == {"active": False}


@FACES
def test_an_expired_or_withdrawn_token_is_worth_nothing(
    web: FlaskClient, face: str, clock: Clock
) -> None:
    expired, withdrawn = (log_in(web, face)["access_token"] for _ in range(2))
    revoke = (
        PAGES[face].introspect.replace("token/introspect", "revoke").replace("introspect", "revoke")
    )
    assert web.post(revoke, data={"token": withdrawn} | own(face)).status_code == 200
    assert ask(web, face, withdrawn) == {"active": False}
    assert ask(web, face, expired)["active"] is True
    clock.offset = 4000
    assert ask(web, face, expired) == {"active": False}


@FACES
def test_who_asks_must_be_a_client(web: FlaskClient, face: str) -> None:
    token = log_in(web, face)["access_token"]
    for wrong in ({}, own(face) | {"client_secret": "wrong"}, own(face, "nobody")):
        assert web.post(PAGES[face].introspect, data={"token": token} | wrong).is_json
        status = web.post(PAGES[face].introspect, data={"token": token} | wrong).status_code
        assert status in (400, 401)
    basic = base64.b64encode(f"{CLIENT_IDS[face]}:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    reply = web.post(PAGES[face].introspect, data={"token": token}, headers=headers)
    assert reply.json is not None
    assert reply.json["active"] is True


@pytest.mark.parametrize(("face", "active"), [("keycloak", True), ("oidc", False)])
def test_another_clients_token_is_told_of_by_keycloak_only(
    web: FlaskClient, provider: IdentityProvider, face: str, active: bool
) -> None:
    provider.add_client(replace(hub_at(face), client_id="hub2"))  # type: ignore[arg-type]  # a face's name
    said = ask(web, face, log_in(web, face)["access_token"], "hub2")
    assert said["active"] is active
    assert said.get("client_id", CLIENT_IDS[face]) == CLIENT_IDS[face]


@pytest.mark.parametrize(("there", "here"), [("oidc", "keycloak"), ("keycloak", "oidc")])
def test_a_token_of_another_issuer_is_worth_nothing(
    web: FlaskClient, there: str, here: str
) -> None:
    assert ask(web, here, log_in(web, there)["access_token"]) == {"active": False}


def test_keycloaks_access_token_is_signed_and_says_the_same(web: FlaskClient) -> None:
    token = log_in(web, "keycloak")["access_token"]
    said = claims_of(token)
    assert header_of(token)["alg"] == "RS256"
    assert (said["iss"], said["typ"], said["sub"]) == (ISSUER, "Bearer", "ada-sub")
    assert (said["azp"], said["aud"]) == (CLIENT_IDS["keycloak"], "account")
    assert {"exp", "iat", "jti", "sid", "scope"} <= set(said)
    told = ask(web, "keycloak", token)
    assert {name: told[name] for name in said} == said
    assert told["username"] == "ada"
