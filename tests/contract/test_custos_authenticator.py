"""Our Custos and Keycloak classes against the identity provider's faces, over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.contract.custos_hub import (
    FLAVOURS,
    come_back,
    hub_configuration,
    log_in,
    logged_in,
    v1_flavour,
)
from tests.providers import (
    Clock,
    persona,
)
from tests.unit.authenticators.logins import running


@pytest.fixture(params=FLAVOURS)
def configuration(request: pytest.FixtureRequest, provider: IdentityProvider) -> Config:
    return hub_configuration(provider, **FLAVOURS[request.param](provider))


@pytest.fixture(params=["legacy", "keycloak"])
def renewing(request: pytest.FixtureRequest, provider: IdentityProvider) -> Config:
    """The flavours that give fresh tokens and groups at a refresh."""
    return hub_configuration(provider, **FLAVOURS[request.param](provider))


# --- logins -------------------------------------------------------------------------------


def test_the_tutorials_hub_lets_in_the_groups_members(configuration: Config) -> None:
    async def go() -> None:
        async with logged_in(configuration) as (_hub, visitor, user):
            assert "ada" in (await visitor.get("/hub/home")).text
            assert [group.name for group in user.groups] == ["group-1"]
            kept = await user.get_auth_state()
            assert kept["custos_user"]["sub"] == "ada-sub"
            assert kept["refresh_token"]
            assert kept["id_token"]

    run_async(go())


def test_others_are_refused_in_plain_words(
    provider: IdentityProvider, configuration: Config
) -> None:
    provider.set_personas([persona("custos", groups=["group-2"])])

    async def go() -> None:
        async with running(configuration) as (_, visitor):
            reply = await log_in(visitor)
            assert reply.status_code == 403
            assert "You signed in as ada" in reply.text

    run_async(go())


def test_the_realm_of_an_unknown_custos_is_found_by_asking_it(provider: IdentityProvider) -> None:
    c = hub_configuration(provider, custos_host="custos.scigap.org")
    del c.CustosOAuthenticator["iam_url"]

    async def go() -> None:
        async with logged_in(c) as (hub, _, _user):
            assert hub.authenticator.iam_url == f"{provider.url}/auth"

    run_async(go())


def test_a_custos_that_does_not_answer_is_said_in_plain_words(provider: IdentityProvider) -> None:
    c = hub_configuration(provider, custos_host="custos.scigap.org")
    del c.CustosOAuthenticator["iam_url"]
    provider.inject("server-error", endpoint="discovery")

    async def go() -> None:
        async with running(c) as (_, visitor):
            reply = await visitor.get("/hub/oauth_login")
            assert (reply.status_code, "iam_url" in reply.text) == (503, True)

    run_async(go())


# --- refresh ------------------------------------------------------------------------------


def test_an_expired_access_token_is_renewed(renewing: Config, clock: Clock) -> None:
    async def go() -> None:
        async with logged_in(renewing) as (hub, _, user):
            before = await user.get_auth_state()
            clock.offset = 2000
            after = await hub.authenticator.refresh_user(user)
            assert after["auth_state"]["access_token"] != before["access_token"]
            assert after["groups"] == ["group-1"]

    run_async(go())


def test_an_expired_session_asks_for_a_new_login(configuration: Config, clock: Clock) -> None:
    async def go() -> None:
        async with logged_in(configuration) as (hub, _, user):
            clock.offset = 5000
            assert await hub.authenticator.refresh_user(user) is False

    run_async(go())


def test_whoever_left_the_group_is_out_at_the_next_refresh(
    provider: IdentityProvider, renewing: Config
) -> None:
    async def go() -> None:
        async with logged_in(renewing) as (hub, visitor, user):
            assert await hub.authenticator.refresh_user(user)
            provider.set_personas([persona("custos", groups=["group-2"])])
            # The identity provider knows people as they last signed in, here from elsewhere.
            page = (await visitor.get("/hub/oauth_login")).headers["location"]
            async with httpx.AsyncClient() as elsewhere:
                await elsewhere.post(page, data={"persona": "ada-custos"})
            assert await hub.authenticator.refresh_user(user) is False

    run_async(go())


@pytest.mark.parametrize("fault", ["server-error", "malformed-json"])
def test_groups_that_cannot_be_asked_for_let_nobody_in_or_stay(
    provider: IdentityProvider, renewing: Config, fault: str
) -> None:
    async def go() -> None:
        async with logged_in(renewing) as (hub, visitor, user):
            provider.inject(fault, endpoint="groups")
            assert await hub.authenticator.refresh_user(user) is False
            assert (await log_in(visitor)).status_code == 502

    run_async(go())


def test_v1_gives_no_fresh_tokens_so_people_log_in_again(
    provider: IdentityProvider, clock: Clock
) -> None:
    async def go() -> None:
        async with logged_in(hub_configuration(provider, **v1_flavour(provider))) as (hub, _, user):
            assert await hub.authenticator.refresh_user(user)
            clock.offset = 2000
            assert await hub.authenticator.refresh_user(user) is False

    run_async(go())


# --- which Custos it is, and at which institution -----------------------------------------


def test_a_custos_is_asked_which_one_it_is(provider: IdentityProvider) -> None:
    c = hub_configuration(provider, **v1_flavour(provider) | {"flavour": "auto"})
    del c.CustosOAuthenticator["iam_url"]
    c.CustosOAuthenticator.custos_host = "custos.example.org"

    async def go() -> None:
        async with logged_in(c) as (hub, _, _user):
            assert hub.authenticator.flavour == "v1"
            assert hub.authenticator.iam_url == f"{provider.url}/auth"

    run_async(go())


def test_who_cannot_be_asked_is_not_guessed(provider: IdentityProvider) -> None:
    c = hub_configuration(provider, flavour="auto")
    provider.inject("server-error", endpoint="discovery")

    async def go() -> None:
        async with running(c) as (hub, visitor):
            reply = await visitor.get("/hub/oauth_login")
            assert (reply.status_code, "flavour" in reply.text) == (503, True)
            assert hub.authenticator.flavour == "auto"

    run_async(go())


def test_only_the_listed_institutions_people_are_taken(
    provider: IdentityProvider, configuration: Config
) -> None:
    configuration.CustosOAuthenticator.idps = ["https://idp.uni.example.edu"]

    async def go(**claims: Any) -> httpx.Response:
        provider.set_personas([persona("custos", groups=["group-1"], **claims)])
        async with running(configuration) as (_, visitor):
            return await log_in(visitor)

    assert run_async(go(idp="https://idp.uni.example.edu")).status_code == 302
    other = run_async(go(idp="https://idp.elsewhere.example", idp_name="Elsewhere College"))
    assert (other.status_code, "other institutions" in other.text) == (403, True)
    untold = run_async(go())
    assert (untold.status_code, "did not say at which institution" in untold.text) == (403, True)


# --- errors -------------------------------------------------------------------------------


def test_a_refusal_there_is_repeated_here(configuration: Config) -> None:
    async def go() -> None:
        async with running(configuration) as (_, visitor):
            page = (await visitor.get("/hub/oauth_login")).headers["location"]
            reply = await come_back(visitor, await visitor.post(page, data={"cancel": "1"}))
            assert reply.status_code == 403
            assert "Custos Login did not log you in" in reply.text

    run_async(go())


def test_a_tenants_owner_whom_keycloak_refuses_reads_why(configuration: Config) -> None:
    """airavata-custos issue 265: the owner was made beforehand, without the broker's link.

    No hub can mend that, and none may: two accounts with one e-mail address are two people until
    somebody links them where they sign in.
    """

    async def go() -> None:
        async with running(configuration) as (hub, visitor):
            page = (await visitor.get("/hub/oauth_login")).headers["location"]
            query = {
                "state": parse_qs(urlsplit(page).query)["state"][0],
                "error": "server_error",
                "error_description": "User with email ada@example.edu already exists",
            }
            reply = await visitor.get("/hub/oauth_callback", params=query)
            assert reply.status_code == 400
            assert "User with email ada@example.edu already exists" in reply.text
            assert "ada" not in hub.users

    run_async(go())


def test_a_wrong_secret_is_no_internal_error(provider: IdentityProvider) -> None:
    c = hub_configuration(provider, client_secret="wrong")

    async def go() -> None:
        async with running(c) as (_, visitor):
            reply = await log_in(visitor)
            assert reply.status_code == 502
            assert "Custos Login did not finish your login" in reply.text
            assert "wrong" not in reply.text

    run_async(go())


def test_a_code_used_twice_repeats_custos_words(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with running(hub_configuration(provider)) as (_, visitor):
            page = (await visitor.get("/hub/oauth_login")).headers["location"]
            answer = await visitor.post(page, data={"persona": "ada-custos"})
            state_cookie = dict(visitor.cookies)
            assert (await come_back(visitor, answer)).status_code == 302
            for name, value in state_cookie.items():
                visitor.cookies.set(name, value)
            again = await come_back(visitor, answer)
            assert again.status_code == 502
            assert "invalid_grant" in again.text

    run_async(go())
