"""Our Keycloak authenticator in a real hub: login, refresh and logout, at both servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jupyterhub.app import JupyterHub

from tests.asynchronous import run_async
from tests.peers.realms import HUB
from tests.peers.visit import Visit
from tests.providers import CALLBACK, SECRET
from tests.unit.authenticators.faces import come_back
from tests.unit.authenticators.logins import User, Visitor, configured, one, running


@asynccontextmanager
async def hub_of(visit: Visit, **traits: Any) -> AsyncIterator[tuple[JupyterHub, Visitor]]:
    """A hub in the realm, at which ada has logged in, and which is told of logouts."""
    settings = {
        "iam_url": visit.realm.url,
        "realm": HUB.realm,
        "client_id": HUB.client_id,
        "client_secret": SECRET,
        "oauth_callback_url": CALLBACK,
        "allow_all": True,
    }
    async with running(configured(one("keycloak", settings | traits))) as (hub, visitor):
        told = f"{str(visitor.base_url).rstrip('/')}/hub/backchannel_logout"
        targets = {"post_logout_redirect_uris": (CALLBACK,), "backchannel_logout_uri": told}
        visit.realm.add_client(replace(HUB, **targets))
        begun = await visitor.get("/hub/oauth_login")
        assert begun.status_code == 302, begun.text
        page = begun.headers["location"]
        signed_in = await asyncio.to_thread(visit.realm.sign_in, visit.browser, page)
        assert (await come_back(visitor, signed_in)).status_code == 302
        yield hub, visitor


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/hub/home")).status_code == 200


def test_somebody_logs_in_with_groups(visit: Visit) -> None:
    traits = {"manage_groups": True, "auth_state_groups_key": "keycloak_user.groups"}

    async def go() -> None:
        async with hub_of(visit, **traits) as (hub, visitor):
            assert await is_in(visitor)
            assert [group.name for group in hub.users["ada"].groups] == ["team-a"]

    run_async(go())


def test_a_refresh_brings_new_tokens_until_the_session_ends(visit: Visit) -> None:
    async def go() -> None:
        async with hub_of(visit) as (hub, _):
            before = await hub.users["ada"].get_auth_state()
            visit.ask("revoke", token=before["access_token"])
            after = await hub.authenticator.refresh_user(User("ada", before))
            state = after["auth_state"]
            assert state["access_token"] != before["access_token"]
            assert state["keycloak_user"]["preferred_username"] == "ada"
            await asyncio.to_thread(visit.realm.end_sessions)
            assert await hub.authenticator.refresh_user(User("ada", state)) is False

    run_async(go())


def test_logging_out_of_the_hub_ends_the_session_and_comes_back(visit: Visit) -> None:
    async def go() -> None:
        async with hub_of(visit) as (hub, visitor):
            kept = await hub.users["ada"].get_auth_state()
            assert visit.is_signed_in
            address = (await visitor.get("/hub/logout")).headers["location"]
            assert parse_qs(urlsplit(address).query)["id_token_hint"] == [kept["id_token"]]
            back = await asyncio.to_thread(visit.browser.get, address)
            assert (back.status_code, back.headers["location"]) == (302, CALLBACK)
            assert not visit.is_signed_in
            assert not await is_in(visitor)
            assert await hub.authenticator.refresh_user(User("ada", kept)) is False

    run_async(go())


def test_the_provider_puts_somebody_out_of_the_hub(visit: Visit) -> None:
    async def go() -> None:
        async with hub_of(visit) as (_, visitor):
            assert await is_in(visitor)
            await asyncio.to_thread(visit.realm.end_sessions)
            assert not await is_in(visitor)

    run_async(go())
