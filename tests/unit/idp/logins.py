"""Logging in at a face and out again, straight at the application."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.providers import CALLBACK, CLIENT_IDS, SECRET, authorize_url, callback_query

REALM = "/realms/hubtest/protocol/openid-connect"


@dataclass(frozen=True)
class Pages:
    """Where a face has what."""

    issuer: str
    authorize: str
    token: str
    userinfo: str
    introspect: str
    logout: str


PAGES = {
    "cilogon": Pages(
        "",
        "/authorize",
        "/oauth2/token",
        "/oauth2/userinfo",
        "/oauth2/introspect",
        "/logout/",
    ),
    "keycloak": Pages(
        "/realms/hubtest",
        f"{REALM}/auth",
        f"{REALM}/token",
        f"{REALM}/userinfo",
        f"{REALM}/token/introspect",
        f"{REALM}/logout",
    ),
    "oidc": Pages(
        "/oidc/oidc",
        "/oidc/oidc/authorize",
        "/oidc/oidc/token",
        "/oidc/oidc/userinfo",
        "/oidc/oidc/introspect",
        "/oidc/oidc/logout",
    ),
    "github": Pages(
        "", "/login/oauth/authorize", "/login/oauth/access_token", "/api/v3/user", "", "/logout"
    ),
}


def own(face: str, client_id: str = "") -> dict[str, str]:
    return {"client_id": client_id or CLIENT_IDS[face], "client_secret": SECRET}


def redeem(web: FlaskClient, face: str, reply: TestResponse, client_id: str = "") -> dict[str, Any]:
    """The tokens for the code that a reply brings."""
    form = {"grant_type": "authorization_code", "code": callback_query(reply)["code"]}
    form |= own(face, client_id) | {"redirect_uri": CALLBACK}
    headers = {"Accept": "application/json"}
    issued = web.post(PAGES[face].token, data=form, headers=headers).json
    assert isinstance(issued, dict)
    return issued


def log_in(web: FlaskClient, face: str, persona: str = "", **more: str) -> dict[str, Any]:
    """Sign in with this browser; returns the tokens."""
    address = authorize_url(PAGES[face].authorize, face, **more)
    reply = web.post(address, data={"persona": persona or f"ada-{face}"})
    return redeem(web, face, reply, more.get("client_id", ""))


def is_signed_in(web: FlaskClient, face: str) -> bool:
    """Whether this browser goes on without the page."""
    return web.get(authorize_url(PAGES[face].authorize, face)).status_code == 302


def userinfo(web: FlaskClient, face: str, tokens: dict[str, Any]) -> TestResponse:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return web.get(PAGES[face].userinfo, headers=headers)


def refresh(web: FlaskClient, face: str, tokens: dict[str, Any]) -> TestResponse:
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    return web.post(PAGES[face].token, data=form | own(face))


def claims_of(token: str) -> dict[str, Any]:
    """What a signed token says, unverified."""
    return _part(token, 1)


def header_of(token: str) -> dict[str, Any]:
    return _part(token, 0)


def _part(token: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[number] + "=="))
    return found
