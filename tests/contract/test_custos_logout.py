"""Logging out of Custos and Keycloak, and of the CILogon behind them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.contract.custos_hubs import FLAVOURS, hub_configuration, log_in, logged_in
from tests.providers import CALLBACK, CLIENT_IDS, LOGGED_OUT, persona
from tests.unit.authenticators.logins import User, authenticator_of, configured, one, running

CILOGON = "https://cilogon.org/logout/"
ENTITY = "https://idp.uni.example.edu/idp/shibboleth"
KEYCLOAK = {"iam_url": "https://iam.example.org", "realm": "lab", "allow_all": True}


@pytest.fixture(params=FLAVOURS)
def configuration(request: pytest.FixtureRequest, provider: IdentityProvider) -> Config:
    return hub_configuration(provider, **FLAVOURS[request.param](provider))


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


# --- the CILogon behind the realm ---------------------------------------------------------


def test_whoever_comes_back_from_the_realms_logout_can_log_out_of_cilogon(
    configuration: Config,
) -> None:
    async def go() -> None:
        async with logged_in(configuration) as (_, visitor, _user):
            # Somebody who is logged in and comes by is not told that they are out.
            assert (await visitor.get("/hub/oauth_callback")).headers["location"] == "/hub/login"
            await visitor.get((await visitor.get("/hub/logout")).headers["location"])
            page = await visitor.get("/hub/oauth_callback")
            assert page.status_code == 200
            assert "You may still be signed in at CILogon" in page.text
            assert f'href="{CILOGON}"' in page.text

    run_async(go())


def test_the_operator_may_send_people_to_cilogons_logout_too(configuration: Config) -> None:
    configuration.CustosOAuthenticator.logout_of_provider = "always"

    async def go() -> None:
        async with logged_in(configuration) as (_, visitor, _user):
            address = (await visitor.get("/hub/logout")).headers["location"]
            assert "/realms/10000007/" in address, "the realm's session first"
            await visitor.get(address)
            assert (await visitor.get("/hub/oauth_callback")).headers["location"] == CILOGON

    run_async(go())


def test_where_nobody_is_sent_to_cilogon_the_realms_logout_is_all(
    provider: IdentityProvider,
) -> None:
    c = hub_configuration(provider, kc_idp_hint="", logout_of_provider="always")

    async def go() -> None:
        async with running(c) as (_, visitor):
            assert (await visitor.get("/hub/oauth_callback")).headers["location"] == "/hub/login"

    run_async(go())


def test_another_account_needs_cilogons_logout_too(
    provider: IdentityProvider, configuration: Config
) -> None:
    provider.set_personas([persona("custos", groups=["group-2"])])

    async def go() -> None:
        async with running(configuration) as (_, visitor):
            assert (await log_in(visitor)).status_code == 403
            address = (await visitor.get("/hub/another_account?next=%2Fhub%2Fhome")).headers
            back = await visitor.get(address["location"])
            assert back.headers["location"].startswith(CALLBACK)
            page = await visitor.get("/hub/oauth_callback")
            assert page.status_code == 200
            assert "CILogon still knows who you are" in page.text
            assert f'href="{CILOGON}"' in page.text
            assert 'href="/hub/oauth_login?next=%2Fhub%2Fhome"' in page.text
            assert (await visitor.begin("/hub/oauth_login"))["prompt"] == "login"

    run_async(go())


@pytest.mark.parametrize(
    ("name", "traits", "address"),
    [
        ("custos", {}, CILOGON),
        ("custos", {"idps": ["campus", "google"]}, ""),
        ("custos", {"kc_idp_hint": ""}, ""),
        ("custos", {"provider_logout_url": "https://out.example.org"}, "https://out.example.org"),
        ("keycloak", {}, ""),
        # It may lead anywhere.
        ("keycloak", {"kc_idp_hint": "google"}, ""),
        ("keycloak", {"kc_idp_hint": "oidc", "idps": [ENTITY]}, CILOGON),
    ],
)
def test_cilogon_is_known_where_people_are_sent_there(
    name: str, traits: dict[str, Any], address: str
) -> None:
    authenticator = authenticator_of(configured(one(name, KEYCLOAK | traits)))
    assert authenticator.provider_logout_url == address
