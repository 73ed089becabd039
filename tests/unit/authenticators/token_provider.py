"""A login provider over real HTTP, for tests of what becomes of its tokens.

Hides: JSON Web Tokens and their keys, discovery, refresh tokens that are good for one use,
introspection.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import jwt
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from tests.unit.authenticators.logins import DOMAIN, PRIVATE_KEY, PUBLIC_KEY

CLIENT_ID = "the-hub"
ADA = {"sub": "ada-1", "name": "ada"}


class TokenProvider:
    """An issuer, what it has issued, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []
        self.fails: dict[str, int] = {}
        """The status that a page answers instead of what it should."""
        self.lifetime: int | None = 300
        self.says: dict[str, Any] = {}
        """What its token endpoint says otherwise."""
        self.introspects = True
        self._numbers = itertools.count(1)
        self._people: dict[str, Mapping[str, Any]] = {}
        self._refresh: dict[str, Mapping[str, Any]] = {}
        self._about: dict[str, dict[str, Any]] = {}

    def config(self, **traits: Any) -> dict[str, Any]:
        """The traits of a hub that people log in to with this provider."""
        return {
            "authorize_url": f"{self.url}/authorize",
            "token_url": f"{self.url}/token",
            "userdata_url": f"{self.url}/userinfo",
            "issuer": self.url,
            "client_id": CLIENT_ID,
            "client_secret": "of-the-hub",
            "username_claim": "name",
            "allow_all": True,
            **traits,
        }

    def settings(self, **traits: Any) -> dict[str, Any]:
        """The settings of a hub with this provider alone."""
        entry = {"authenticator": "generic-oauth", "config": self.config(**traits)}
        return {"domain": DOMAIN, "login": {"main": entry}}

    def refresh_token(self, user: Mapping[str, Any] = ADA) -> str:
        token = f"refresh-{next(self._numbers)}"
        self._refresh[token] = user
        return token

    def opaque(self, user: Mapping[str, Any] = ADA, **about: Any) -> str:
        """An access token that says nothing; `about` is what introspection says otherwise."""
        token = f"access-{next(self._numbers)}"
        self._people[token] = user
        told = {"active": True, "client_id": CLIENT_ID, "sub": user["sub"], "scope": "openid"}
        self._about[token] = told | about
        return token

    def jwt(
        self,
        user: Mapping[str, Any] = ADA,
        *,
        key: Any = PRIVATE_KEY,
        alg: str = "RS256",
        header: Mapping[str, Any] | None = None,
        known: bool = True,
        **claims: Any,
    ) -> str:
        """An access token as a JSON Web Token; a claim that is None is left out."""
        now = int(time.time())
        content = {
            "iss": self.url,
            "sub": user["sub"],
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "jti": str(next(self._numbers)),
            **claims,
        }
        said = {name: value for name, value in content.items() if value is not None}
        token = jwt.encode(said, key, alg, headers={"kid": "key-1", **(header or {})})
        if known:
            self._people[token] = user
        return token

    def revoke(self, token: str) -> None:
        self._people.pop(token, None)
        self._about.pop(token, None)

    async def answer(self, page: RequestHandler) -> None:
        """Answer a request."""
        name = page.request.path.removeprefix("/")
        self.asked.append(name)
        await asyncio.sleep(0)  # whoever else wants something asks now
        if status := self.fails.get(name):
            page.set_status(status)
            page.write({"error": "server_error"})
            return
        page.write(getattr(self, f"_{name.replace('.', '_').replace('-', '_')}")(page))

    def _jwks(self, _: Any) -> dict[str, Any]:
        return {"keys": [PUBLIC_KEY]}

    def _discovery(self, _: Any) -> dict[str, Any]:
        about = {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}
        where = {"introspection_endpoint": f"{self.url}/introspect"} if self.introspects else {}
        return about | where

    def _userinfo(self, page: RequestHandler) -> Any:
        user = self._people.get(page.request.headers.get("Authorization", "").split(" ")[-1])
        if user is None:
            page.set_status(401)
            return {"error": "invalid_token"}
        return dict(user)

    def _token(self, page: RequestHandler) -> Any:
        user = self._refresh.pop(page.get_body_argument("refresh_token"), None)
        if user is None:
            page.set_status(400)
            return {"error": "invalid_grant"}
        found = {
            "access_token": self.opaque(user),
            "refresh_token": self.refresh_token(user),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            **self.says,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _introspect(self, page: RequestHandler) -> Any:
        client = (page.get_body_argument("client_id", ""), page.get_body_argument("client_secret"))
        assert client == (CLIENT_ID, "of-the-hub")
        return self._about.get(page.get_body_argument("token"), {"active": False})


@asynccontextmanager
async def token_provider() -> AsyncIterator[TokenProvider]:
    """A provider that answers until the block ends."""
    socket, port = bind_unused_port()
    provider = TokenProvider(port)

    class Page(RequestHandler):
        async def get(self) -> None:
            if self.request.path.startswith("/.well-known/"):
                self.request.path = "/discovery"
            await provider.answer(self)

        post = get

    server = HTTPServer(Application([(r"/.*", Page)]))
    server.add_socket(socket)
    try:
        yield provider
    finally:
        server.stop()
