"""Logs people in for tests: at an authenticator alone, or at a hub with all its pages.

Hides: oauthenticator's mocked provider, JupyterHub's start without proxy and port, cookies.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from fedhub_authenticators import configure
from fedhub_authenticators.login import nonce_for
from fedhub_authenticators.providers import find_class
from jupyterhub.app import JupyterHub
from jupyterhub.crypto import CryptKeeper
from jwt.algorithms import RSAAlgorithm
from oauthenticator.tests.mocks import MockAsyncHTTPClient, setup_oauth_mock
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from traitlets.config import Config

from tests.asynchronous import run_async

DOMAIN = "hub.example.org"
ENTITY = "https://idp.uni.example.edu/idp/shibboleth"

ENDPOINTS = {
    "CILogonOAuthenticator": ("cilogon.org", "/oauth2/token", "/oauth2/userinfo"),
    "GitHubOAuthenticator": (
        ["github.com", "api.github.com"],
        "/login/oauth/access_token",
        "/user",
    ),
    "GoogleOAuthenticator": ("www.googleapis.com", "/oauth2/v4/token", "/oauth2/v1/userinfo"),
    "GenericOAuthenticator": ("oidc.example.org", "/token", "/userinfo"),
    "KeycloakOAuthenticator": (
        "iam.example.org",
        "/auth/realms/r1/protocol/openid-connect/token",
        "/auth/realms/r1/protocol/openid-connect/userinfo",
    ),
}
ISSUER = "https://issuer.example.org"
SOMEBODY = "somebody"
"""The `sub` of people of whom a test says none."""

NONCE = nonce_for("123")
"""The nonce of the login that oauthenticator's mock pretends to have begun."""

PRIVATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_KEY = {
    **json.loads(RSAAlgorithm.to_jwk(PRIVATE_KEY.public_key())),
    "kid": "key-1",
    "use": "sig",
    "alg": "RS256",
}

GENERIC = {
    "authorize_url": "https://oidc.example.org/authorize",
    "token_url": "https://oidc.example.org/token",
    "userdata_url": "https://oidc.example.org/userinfo",
}


def configured(settings: Mapping[str, Any], c: Config | None = None) -> Config:
    """What a hub's configuration is after configure()."""
    c = Config() if c is None else c
    configure(c, settings)
    return c


def one(authenticator: str, config: Mapping[str, Any], **entry: Any) -> dict[str, Any]:
    """Settings with one provider."""
    login = {"main": {"authenticator": authenticator, "config": dict(config), **entry}}
    return {"domain": DOMAIN, "login": login}


def authenticator_of(c: Config) -> Any:
    """The hub's authenticator."""
    return c.JupyterHub.authenticator_class(config=c)


def stock(authenticator: str, config: Mapping[str, Any]) -> Any:
    """oauthenticator's own class with the same settings, for tests of what it lacks."""
    found = find_class(authenticator)(config=configured(one(authenticator, config)))
    found.enable_auth_state = True
    found.expects_id_token = lambda: False  # the mock of a provider asks
    return found


def mock_provider(
    authenticator: Any, nonce: str = NONCE, client_id: str = ""
) -> MockAsyncHTTPClient:
    """Have oauthenticator's mock answer for a provider; call it with an event loop running.

    Adds what the mock lacks of OpenID Connect: ID tokens that are signed, and a `sub`.

    Args:
        authenticator: whose provider to be.
        nonce: of the login that it is for; the default is that of `handler_for_user`.
        client_id: the client that ID tokens are for; default: the authenticator's.
    """
    client = MockAsyncHTTPClient(force_instance=True)
    host, token, user = ENDPOINTS[type(authenticator).__name__]
    setup_oauth_mock(client, host, token, user)
    speak_openid(authenticator, client, nonce, client_id)
    return client


def speak_openid(authenticator: Any, client: Any, nonce: str = NONCE, client_id: str = "") -> None:
    """Have a mock set up for OAuth speak OpenID Connect, where the authenticator expects it."""
    authenticator.http_client = client
    if not authenticator.expects_id_token():
        return
    authenticator.client_id = authenticator.client_id or "the-hub"
    authenticator.issuer, authenticator.jwks_url = ISSUER, f"{ISSUER}/jwks"
    for name, pages in client.hosts.items():
        client.hosts[name] = [
            (path, _with_openid(page, client_id or authenticator.client_id, nonce, client))
            for path, page in pages
        ]
    client.add_host("issuer.example.org", [("/jwks", lambda _: {"keys": [PUBLIC_KEY]})])


def _with_openid(page: Any, client_id: str, nonce: str, client: Any) -> Any:
    """Return a page of the mock that says who somebody is as OpenID Connect has it."""

    def answer(request: Any) -> Any:
        found = page(request)
        if not isinstance(found, dict):
            return found
        if "access_token" in found:
            user = client.access_tokens[found["access_token"]]
            claims = {"sub": subject_of(user), "aud": client_id, "nonce": nonce}
            return {"id_token": id_token(claims), **found}
        return found if "id" in found else {"sub": SOMEBODY, **found}

    return answer


def subject_of(user: Mapping[str, Any]) -> str:
    """Who the mock's ID token is about."""
    return str(user.get("sub", user.get("id", SOMEBODY)))


def id_token(claims: Mapping[str, Any], key: Any = PRIVATE_KEY, **header: Any) -> str:
    """An ID token of the mock's issuer, good for a minute unless the claims say otherwise."""
    now = int(time.time())
    return jwt.encode(
        {"iss": ISSUER, "iat": now, "exp": now + 60, **claims},
        key,
        header.pop("alg", "RS256"),
        headers={name: value for name, value in {"kid": "key-1", **header}.items() if value},
    )


def decide(authenticator: Any, user: Mapping[str, Any]) -> dict[str, Any] | None:
    """Run a login at a provider up to the hub's decision."""

    async def login() -> Any:
        handler = mock_provider(authenticator).handler_for_user(dict(user))
        return await authenticator.get_authenticated_user(handler, None)

    return run_async(login())


class User:
    """A hub's user who logged in before."""

    def __init__(self, name: str, auth_state: Mapping[str, Any] | None) -> None:
        self.name = name
        self.auth_state = auth_state

    async def get_auth_state(self) -> Any:
        return self.auth_state

    async def save_auth_state(self, auth_state: Any) -> None:
        self.auth_state = auth_state


class Visitor(httpx.AsyncClient):
    """Somebody with a browser's cookies; goes where the test says."""

    async def begin(self, address: str) -> dict[str, str]:
        """Press a button; return the query that the provider gets."""
        reply = await self.get(address)
        assert reply.status_code == 302, reply.text
        query = parse_qs(urlsplit(reply.headers["location"]).query)
        return {name: values[0] for name, values in query.items()}

    async def log_in(self, authenticator: Any, user: Mapping[str, Any], path: str = "") -> Any:
        """Log somebody in at a provider; return the answer of its callback."""
        begun = await self.begin(f"/hub{path}/oauth_login")
        provider = mock_provider(authenticator, begun.get("nonce", ""))
        code = provider.handler_for_user(dict(user)).get_argument("code")
        query = {"code": code, "state": begun["state"]}
        return await self.get(f"/hub{path}/oauth_callback", params=query)


@asynccontextmanager
async def running(c: Config) -> AsyncIterator[tuple[JupyterHub, Visitor]]:
    """A real hub, with no proxy and no notebook servers, and a visitor of its pages."""
    os.environ["JUPYTERHUB_CRYPT_KEY"] = "0" * 64
    CryptKeeper.clear_instance()
    c.JupyterHub.setdefault("db_url", "sqlite://")
    c.JupyterHub.cookie_secret = bytes(32)
    c.JupyterHub.log_level = "ERROR"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.auth_token = "0" * 32
    app = JupyterHub(config=c)
    await app.initialize([])
    socket, port = bind_unused_port()
    server = HTTPServer(app.tornado_application)
    server.add_socket(socket)
    try:
        async with Visitor(base_url=f"http://127.0.0.1:{port}", trust_env=False) as visitor:
            visitor.headers["Sec-Fetch-Mode"] = "navigate"
            yield app, visitor
    finally:
        server.stop()
        app.db.close()
        app.session_factory.kw["bind"].dispose()
        CryptKeeper.clear_instance()
        del os.environ["JUPYTERHUB_CRYPT_KEY"]
