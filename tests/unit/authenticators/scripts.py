"""A hub that scripts with a provider's token come to.

Hides: the parameters of RFC 8693 and RFC 7523, and failures of tests that ran before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from fedhub_authenticators.exchange_page import ExchangePage
from fedhub_authenticators.failures import Failures
from jupyterhub import orm

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import configured, running
from tests.unit.authenticators.token_provider import TokenProvider, token_provider

PATH = "/hub/api/fedhub/token_exchange"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
EVIL_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Hub:
    """A hub that scripts may come to."""

    def __init__(self, app: Any, provider: TokenProvider, script: httpx.AsyncClient) -> None:
        self.app = app
        self.provider = provider
        self.script = script

    @property
    def authenticator(self) -> Any:
        return self.app.authenticator

    async def exchange(self, token: str | None, **change: str | None) -> httpx.Response:
        """Do as RFC 8693 has it; a parameter that is None is left out."""
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            **change,
        }
        sent = {name: value for name, value in form.items() if value is not None}
        return await self.script.post(PATH, data=sent)

    async def assert_(self, assertion: str) -> httpx.Response:
        """Do as RFC 7523 has it."""
        return await self.script.post(PATH, data={"grant_type": BEARER, "assertion": assertion})

    async def as_script(self, token: str, path: str = "user") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.script.get(f"/hub/api/{path}", headers=headers)

    def users(self) -> list[str]:
        return [user.name for user in self.app.db.query(orm.User)]


@asynccontextmanager
async def hub(**traits: Any) -> AsyncIterator[Hub]:
    async with token_provider() as provider:
        settings = provider.settings(**{"token_exchange": True, **traits})
        async with running(configured(settings)) as (app, visitor):
            with patch.object(ExchangePage, "failures", Failures(most=1000)):
                yield Hub(app, provider, visitor)


def at_a_hub(test: Callable[[Hub], Awaitable[None]], **traits: Any) -> None:
    async def go() -> None:
        async with hub(**traits) as running_hub:
            await test(running_hub)

    run_async(go())


def refused(reply: httpx.Response, error: str = "invalid_request", status: int = 400) -> str:
    """Check that a reply is an error of RFC 6749 section 5.2; return what it says."""
    assert (reply.status_code, reply.json()["error"]) == (status, error), reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Type"].startswith("application/json")
    assert "set-cookie" not in reply.headers
    words: str = reply.json()["error_description"]
    assert all(0x20 <= ord(sign) <= 0x7E and sign not in '"\\' for sign in words)
    return words
