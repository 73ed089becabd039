"""A hub that gives tokens to servers, and people with servers.

Hides: logins of people without a browser, what a spawn does up to the start.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from jupyterhub import orm, roles
from jupyterhub.user import User
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import configured, running
from tests.unit.authenticators.token_provider import ADA, TokenProvider, token_provider

BOB = {"sub": "bob-1", "name": "bob"}
PATH = "/hub/api/fedhub/token"


class Hub:
    """A hub that gives tokens to servers, and people with servers."""

    def __init__(self, app: Any, provider: TokenProvider, visitor: httpx.AsyncClient) -> None:
        self.app = app
        self.provider = provider
        self.visitor = visitor

    async def logged_in(
        self, person: Mapping[str, Any] = ADA, *, left: int | None = 10, **state: Any
    ) -> User:
        """Return somebody whose access token has some seconds left."""
        row = orm.User(name=person["name"])
        self.app.db.add(row)
        roles.assign_default_roles(self.app.db, entity=row)
        self.app.db.commit()
        user = self.app.users[row]
        token = self.provider.opaque(person)
        response = {"access_token": token, "token_type": "Bearer"}
        if left is not None:
            response |= {"expires_at": int(time.time()) + left, "expires_in": 300}
        kept = {
            "access_token": token,
            "refresh_token": self.provider.refresh_token(person),
            "token_response": response,
            "scope": ["openid", "email"],
            "oauth_user": dict(person),
            "provider": "main",
        }
        await user.save_auth_state(kept | state)
        user._auth_refreshed = time.monotonic()
        return user

    async def start_server(self, user: User) -> tuple[str, dict[str, str]]:
        """Do what a spawn does up to the start: return the server's API token and environment."""
        spawner = user.get_spawner("")
        scopes = await spawner.server_token_scopes(spawner)
        spawner.api_token = user.new_api_token(
            note="Server at /", scopes=[scope for scope in scopes if not scope.endswith("!server")]
        )
        await spawner.run_auth_state_hook(await user.get_auth_state())
        return spawner.api_token, spawner.get_env()

    async def ask(self, token: str) -> httpx.Response:
        return await self.visitor.get(PATH, headers={"Authorization": f"Bearer {token}"})

    async def ask_for(self, user: User) -> httpx.Response:
        token, _ = await self.start_server(user)
        return await self.ask(token)


def with_servers(c: Config) -> Config:
    """Have servers that need no user of the system."""
    c.JupyterHub.spawner_class = "simple"
    return c


@asynccontextmanager
async def hub(c: Config | None = None, **traits: Any) -> AsyncIterator[Hub]:
    async with token_provider() as provider:
        settings = provider.settings(**{"tokens_for_servers": True, **traits})
        async with running(with_servers(configured(settings, c))) as (app, visitor):
            yield Hub(app, provider, visitor)


def at_a_hub(
    test: Callable[[Hub], Awaitable[None]], c: Config | None = None, **traits: Any
) -> None:
    async def go() -> None:
        async with hub(c, **traits) as running_hub:
            await test(running_hub)

    run_async(go())


async def no_login(hub: Hub) -> User:
    user = await hub.logged_in()
    await user.save_auth_state(None)
    return user
