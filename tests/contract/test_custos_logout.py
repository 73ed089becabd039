"""Logging out of Custos and of its Keycloak, over HTTP."""

from __future__ import annotations

from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.contract.custos_hub import (
    FLAVOURS,
    hub_configuration,
    logged_in,
)
from tests.providers import (
    CALLBACK,
    CLIENT_IDS,
    LOGGED_OUT,
)
from tests.unit.authenticators.logins import User, Visitor


@pytest.fixture(params=FLAVOURS)
def configuration(request: pytest.FixtureRequest, provider: IdentityProvider) -> Config:
    return hub_configuration(provider, **FLAVOURS[request.param](provider))


async def follow_logout(visitor: Visitor, page: str) -> httpx.Response:
    """Let the browser go where the hub's logout sends it."""
    reply = await visitor.get(page)
    assert reply.status_code == 302, reply.text
    return await visitor.get(urljoin(page, reply.headers["location"]))


def test_logging_out_ends_the_session_everywhere(
    provider: IdentityProvider, configuration: Config
) -> None:
    async def go() -> None:
        async with logged_in(configuration) as (hub, visitor, user):
            again = (await visitor.get("/hub/oauth_login")).headers["location"]
            assert (await visitor.get(again)).status_code == 302, "single sign-on"
            kept = await user.get_auth_state()
            page = await visitor.get("/hub/logout")
            address = page.headers["location"]
            query = parse_qs(urlsplit(address).query)
            assert address.startswith(f"{provider.url}/auth/realms/10000007/")
            assert query == {
                "id_token_hint": [kept["id_token"]],
                "post_logout_redirect_uri": [CALLBACK],
            }
            back = await visitor.get(address)
            assert back.headers["location"].startswith(CALLBACK)
            assert (await visitor.get("/hub/oauth_callback")).headers["location"] == "/hub/login"
            assert (await visitor.get("/hub/home")).status_code == 302
            assert (await visitor.get(again)).status_code == 200, "asked who is there"
            assert await hub.authenticator.refresh_user(User("ada", kept)) is False

    run_async(go())


@pytest.mark.parametrize("fault", ["server-error", "slow"])
def test_a_provider_that_fails_keeps_nobody_logged_in_here(
    provider: IdentityProvider, configuration: Config, fault: str
) -> None:
    async def go() -> None:
        async with logged_in(configuration) as (_, visitor, _user):
            provider.inject(fault, endpoint="logout", seconds=30)
            assert (await visitor.get("/hub/logout", timeout=20)).status_code == 302
            assert "login" in (await visitor.get("/hub/home")).headers["location"]

    run_async(go())


def test_logging_out_without_auth_state_still_leads_to_the_realm(
    provider: IdentityProvider,
) -> None:
    c = hub_configuration(provider)
    c.Authenticator.enable_auth_state = False

    async def go() -> None:
        async with logged_in(c) as (_, visitor, _user):
            address = (await visitor.get("/hub/logout")).headers["location"]
            query = parse_qs(urlsplit(address).query)
            assert query["client_id"] == [CLIENT_IDS["custos"]]
            assert "id_token_hint" not in query

    run_async(go())


def test_the_operators_own_page_after_logout_is_used(provider: IdentityProvider) -> None:
    c = hub_configuration(provider, logout_redirect_url=LOGGED_OUT)

    async def go() -> None:
        async with logged_in(c) as (_, visitor, _user):
            again = (await visitor.get("/hub/oauth_login")).headers["location"]
            assert (await visitor.get("/hub/logout")).headers["location"] == LOGGED_OUT
            # The session itself was ended by the refresh token.
            assert (await visitor.get(again)).status_code == 200

    run_async(go())
