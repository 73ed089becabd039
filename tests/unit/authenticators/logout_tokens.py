"""A provider that tells a hub of logouts, and somebody who is logged in there."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fedhub_authenticators.backchannel import (
    EVENT,
)
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.providers import CLIENT_IDS
from tests.unit.authenticators.faces import hub_at_face, log_in
from tests.unit.authenticators.logins import Visitor, running

PAGE = "/hub/backchannel_logout"
EVENTS = {EVENT: {}}


class Issuer:
    """Signs as the face does that the hub's people sign in at."""

    def __init__(self, provider: IdentityProvider) -> None:
        self.address = f"{provider.url}/realms/hubtest"
        self._keys = provider._state.keys

    def claims(self, **change: Any) -> dict[str, Any]:
        """A logout token's claims; a change to None takes one out; dates count from now."""
        now = int(time.time())
        for date in {"iat", "exp"} & {name for name in change if change[name] is not None}:
            change[date] += now
        claims = {
            "iss": self.address,
            "aud": CLIENT_IDS["keycloak"],
            "iat": now,
            "exp": now + 120,
            "jti": uuid.uuid4().hex,
            "events": EVENTS,
            "sub": "ada-sub",
        }
        return {name: value for name, value in (claims | change).items() if value is not None}

    def token(self, **change: Any) -> str:
        return str(self._keys.sign(self.claims(**change)))


@asynccontextmanager
async def logged_in(provider: IdentityProvider, **traits: Any) -> AsyncIterator[Any]:
    c: Config = hub_at_face(provider, "keycloak", **traits)
    async with running(c) as (hub, visitor):
        assert (await log_in(visitor, "keycloak")).status_code == 302
        yield hub, visitor, hub.users["ada"]


async def post(visitor: Visitor, token: str) -> httpx.Response:
    """Post a logout token as a server does, without cookies."""
    async with httpx.AsyncClient(base_url=visitor.base_url, trust_env=False) as server:
        return await server.post(PAGE, data={"logout_token": token})


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/hub/home")).status_code == 200
