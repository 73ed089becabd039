"""Somebody who was refused can really sign in with another account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import pytest
from fedhub_authenticators.another_account import MINUTES, MOST, RefusedLogin

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.providers import CALLBACK, CLIENT_IDS
from tests.unit.authenticators.faces import hub_at_face, log_in, query_of
from tests.unit.authenticators.logins import Visitor, running

NOBODY: dict[str, dict[str, Any]] = {
    "oidc": {"allow_all": False, "allowed_users": ["bob"]},
    "keycloak": {"allow_all": False, "allowed_users": ["bob"]},
    "github": {"allow_all": False, "allowed_users": ["bob"]},
    "cilogon": {"blocked_users": ["ada@example.edu"]},
}
ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}


async def refused(visitor: Visitor, face: str, begin: str = "/hub/oauth_login") -> None:
    reply = await log_in(visitor, face, begin)
    assert reply.status_code == 403, reply.text


@pytest.mark.parametrize("face", ["oidc", "keycloak"])
def test_the_providers_session_ends_and_a_new_login_begins(
    provider: IdentityProvider, face: str
) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, face, **NOBODY[face])) as (_, visitor):
            await refused(visitor, face)
            reply = await visitor.get("/hub/another_account?next=%2Fhub%2Fhome")
            address = reply.headers["location"]
            assert address.startswith(provider.url)
            query = query_of(address)
            assert set(query) == {"id_token_hint", "post_logout_redirect_uri"}
            # Its logout brings the browser back without a question.
            back = await visitor.get(address)
            assert back.headers["location"].startswith(CALLBACK), back.text
            again = await visitor.get("/hub/oauth_callback")
            assert again.headers["location"] == "/hub/oauth_login?next=%2Fhub%2Fhome"
            begun = await visitor.begin(again.headers["location"])
            assert begun["prompt"] == "login"
            # Once: the login after that is one like any other.
            assert "prompt" not in await visitor.begin("/hub/oauth_login")
            assert (await visitor.get("/hub/oauth_callback")).headers["location"] == "/hub/login"

    # The face takes only what is registered.
    provider.add_client(_with_callback_after_logout(face))
    run_async(go())


def _with_callback_after_logout(face: Any) -> Any:
    from dataclasses import replace

    from tests.providers import hub_at

    return replace(hub_at(face), post_logout_redirect_uris=(CALLBACK,))


def test_where_somebody_was_going_is_kept_without_being_asked_for(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "github", **NOBODY["github"])) as (_, visitor):
            await refused(visitor, "github", "/hub/oauth_login?next=%2Fhub%2Fspawn")
            reply = await visitor.get("/hub/another_account")
            assert reply.headers["location"] == "/hub/oauth_login?next=%2Fhub%2Fspawn"

    run_async(go())


def test_a_provider_with_an_account_chooser_shows_it(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "github", **NOBODY["github"])) as (_, visitor):
            await refused(visitor, "github")
            reply = await visitor.get("/hub/another_account")
            assert reply.headers["location"] == "/hub/oauth_login"
            begun = await visitor.begin("/hub/oauth_login")
            assert begun["prompt"] == "select_account"

    run_async(go())


def test_cilogon_is_explained(provider: IdentityProvider) -> None:
    async def go() -> None:
        label = {"login_service": "Campus or Google account"}
        c = hub_at_face(provider, "cilogon", skin="ours", **label, **NOBODY["cilogon"])
        async with running(c) as (_, visitor):
            await refused(visitor, "cilogon")
            page = await visitor.get("/hub/another_account?next=%2Fhub%2Fhome")
            assert page.status_code == 200
            assert "CILogon still knows who you are" in page.text
            assert "Log out of CILogon (opens a new tab)" in page.text
            assert "Campus or Google" not in page.text
            assert f'href="{provider.url}/logout/?skin=ours"' in page.text
            assert 'href="/hub/oauth_login?next=%2Fhub%2Fhome"' in page.text
            assert (await visitor.begin("/hub/oauth_login"))["prompt"] == "select_account"

    run_async(go())


def test_the_operator_may_choose_another_prompt(provider: IdentityProvider) -> None:
    async def go() -> None:
        traits = NOBODY["github"] | {"another_account_prompt": "consent"}
        async with running(hub_at_face(provider, "github", **traits)) as (_, visitor):
            await visitor.get("/hub/another_account")
            assert (await visitor.begin("/hub/oauth_login"))["prompt"] == "consent"

    run_async(go())


def test_a_provider_whose_session_is_to_be_left_alone_is_asked_to_ask(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        traits = NOBODY["oidc"] | {"logout_of_provider": "never"}
        async with running(hub_at_face(provider, "oidc", **traits)) as (_, visitor):
            await refused(visitor, "oidc")
            reply = await visitor.get("/hub/another_account")
            assert reply.headers["location"] == "/hub/oauth_login"

    run_async(go())


def test_somebody_who_is_logged_in_is_logged_out_first(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "oidc")) as (_, visitor):
            assert (await log_in(visitor, "oidc")).status_code == 302
            reply = await visitor.get("/hub/another_account")
            assert "id_token_hint" in query_of(reply.headers["location"])
            assert "login" in (await visitor.get("/hub/home")).headers["location"]

    run_async(go())


# --- what is remembered -------------------------------------------------------------------


def test_a_refused_login_is_remembered_on_the_server_for_a_short_while(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "oidc", **NOBODY["oidc"])) as (hub, visitor):
            reply = await log_in(visitor, "oidc")
            (cookie,) = (
                one for one in reply.headers.get_list("set-cookie") if "fedhub-refused" in one
            )
            assert "HttpOnly" in cookie
            assert "Path=/hub/" in cookie
            (login,) = (thing for _, thing in hub.authenticator.refused_logins._things.values())
            assert login.id_token not in cookie
            assert "id_token" not in repr(login)
            first, again = [await visitor.get("/hub/another_account") for _ in "12"]
            assert "id_token_hint" in query_of(first.headers["location"])
            assert query_of(again.headers["location"])["client_id"] == CLIENT_IDS["oidc"]

    run_async(go())


def test_never_too_many_are_remembered(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "oidc", **NOBODY["oidc"])) as (hub, visitor):
            remembered = hub.authenticator.refused_logins
            for number in range(MOST):
                remembered.put(str(number), RefusedLogin("t", ""))
            await refused(visitor, "oidc")
            assert len(remembered) == MOST
            assert "0" not in remembered
            assert remembered._seconds == MINUTES * 60

    run_async(go())


def test_an_id_token_that_did_not_hold_is_not_kept(provider: IdentityProvider) -> None:
    async def go() -> None:
        provider.inject("wrong-nonce", times=1)
        async with running(hub_at_face(provider, "oidc")) as (hub, visitor):
            await refused(visitor, "oidc")
            assert len(hub.authenticator.refused_logins) == 0

    run_async(go())


def test_somebody_who_was_let_in_leaves_nothing_there(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "oidc")) as (hub, visitor):
            assert (await log_in(visitor, "oidc")).status_code == 302
            assert len(hub.authenticator.refused_logins) == 0

    run_async(go())


# --- strangers ----------------------------------------------------------------------------


@pytest.mark.parametrize("cookie", ["", "x", "2|1:0|10:1|14:fedhub-refused|4:eA==|aa", "é"])
def test_a_made_up_cookie_finds_nothing(provider: IdentityProvider, cookie: str) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "oidc")) as (_, visitor):
            header = f"fedhub-refused={cookie}; fedhub-anew={cookie}".encode()
            reply = await visitor.get("/hub/another_account", headers={"Cookie": header})
            assert "client_id" in query_of(reply.headers["location"])
            begun = await visitor.get("/hub/oauth_login", headers={"Cookie": header})
            assert "prompt" not in query_of(begun.headers["location"])

    run_async(go())


def test_another_sites_page_brings_nobody_further_than_the_login_page(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "oidc")) as (_, visitor):
            assert (await log_in(visitor, "oidc")).status_code == 302
            reply = await visitor.get("/hub/another_account", headers=ELSEWHERE)
            assert urljoin("/hub/", reply.headers["location"]) == "/hub/login"
            assert (await visitor.get("/hub/home")).status_code == 200

    run_async(go())
