"""What an access token is worth, for a client that may ask (RFC 7662).

Keycloak's, which differs, is tested in `tests/peers`; that of before Keycloak 17 here.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from fedhub.idp.server import IdentityProvider
from tests.providers import (
    CALLBACK,
    CLIENT_IDS,
    SECRET,
    Clock,
    authorize_url,
    callback_query,
    hub_at,
)
from tests.unit.idp.logins import PAGES, claims_of, log_in, own

FACES = pytest.mark.parametrize("face", ["cilogon", "oidc"])
REALM = "/auth/realms/hubtest/protocol/openid-connect"


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


def test_another_clients_token_is_not_told_of(web: FlaskClient, provider: IdentityProvider) -> None:
    provider.add_client(replace(hub_at("oidc"), client_id="hub2"))
    assert ask(web, "oidc", log_in(web, "oidc")["access_token"], "hub2") == {"active": False}


def test_keycloak_once_told_every_client_of_every_token(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.add_client(replace(hub_at("keycloak"), client_id="hub2"))
    code = callback_query(
        web.post(authorize_url(f"{REALM}/auth", "keycloak"), data={"persona": "ada-keycloak"})
    )["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    tokens = web.post(f"{REALM}/token", data=form | own("keycloak")).json
    assert tokens is not None
    asked = {"token": tokens["access_token"]} | own("keycloak", "hub2")
    told = web.post(f"{REALM}/token/introspect", data=asked).json
    assert told is not None
    said = claims_of(tokens["access_token"])
    assert {name: told[name] for name in said} == said
    assert (told["active"], told["client_id"]) == (True, CLIENT_IDS["keycloak"])


@pytest.mark.parametrize(("there", "here"), [("cilogon", "oidc"), ("keycloak", "oidc")])
def test_a_token_of_another_issuer_is_worth_nothing(
    web: FlaskClient, there: str, here: str
) -> None:
    assert ask(web, here, log_in(web, there)["access_token"]) == {"active": False}
