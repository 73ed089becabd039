"""A hub with our classes hears of a session's end from the provider, over HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.providers import hub_at
from tests.unit.authenticators.faces import hub_at_face, log_in
from tests.unit.authenticators.logins import Visitor, running


def tell(provider: IdentityProvider, face: Any, visitor: Visitor) -> None:
    """Register the hub's page for it."""
    page = f"{str(visitor.base_url).rstrip('/')}/hub/backchannel_logout"
    provider.add_client(replace(hub_at(face), backchannel_logout_uri=page))


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/hub/home")).status_code == 200


@pytest.mark.parametrize("face", ["keycloak", "oidc"])
def test_an_administrators_act_puts_a_person_out_of_the_hub(
    provider: IdentityProvider, face: str
) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, face)) as (_, visitor):
            tell(provider, face, visitor)
            assert (await log_in(visitor, face)).status_code == 302
            assert await is_in(visitor)
            answers = [asyncio.wrap_future(a) for a in provider.end_sessions(f"ada-{face}")]
            assert await asyncio.gather(*answers) == [200]
            assert not await is_in(visitor)

    run_async(go())


@pytest.mark.parametrize("face", ["keycloak", "oidc"])
def test_a_logout_elsewhere_in_the_browser_puts_a_person_out_of_the_hub(
    provider: IdentityProvider, face: str
) -> None:
    pages = {
        "keycloak": "/realms/hubtest/protocol/openid-connect/logout",
        "oidc": "/oidc/oidc/logout",
    }

    async def go() -> None:
        async with running(hub_at_face(provider, face)) as (_, visitor):
            tell(provider, face, visitor)
            assert (await log_in(visitor, face)).status_code == 302
            reply = await visitor.post(provider.url + pages[face], data={"confirm": "yes"})
            assert reply.status_code == 200, reply.text
            assert not await is_in(visitor)

    run_async(go())
