"""A person's server gets a fresh access token of theirs."""

from __future__ import annotations

import asyncio
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub.user import User

from tests.unit.authenticators.logins import id_token
from tests.unit.authenticators.notebook_servers import (
    BOB,
    Hub,
    at_a_hub,
    no_login,
)
from tests.unit.authenticators.token_provider import ADA

# --- fresh tokens -------------------------------------------------------------------------


def test_a_token_that_lives_long_enough_is_given_as_it_is() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in(left=200)
        reply = await hub.ask_for(user)
        state = await user.get_auth_state()
        assert reply.status_code == 200
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.json() == {
            "access_token": state["access_token"],
            "token_type": "Bearer",
            "expires_at": state["token_response"]["expires_at"],
            "scope": "openid email",
        }
        assert hub.provider.asked == []

    at_a_hub(test)


def test_a_token_that_is_about_to_end_is_renewed_and_kept() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        before = await user.get_auth_state()
        answer = (await hub.ask_for(user)).json()
        after = await user.get_auth_state()
        assert answer["access_token"] == after["access_token"] != before["access_token"]
        assert answer["expires_at"] == pytest.approx(time.time() + 300, abs=30)
        assert after["refresh_token"] != before["refresh_token"]
        assert after["token_response"]["access_token"] == after["access_token"]
        assert (after["oauth_user"], after["scope"]) == (ADA, ["openid", "email"])
        assert hub.provider.asked == ["token"]

    at_a_hub(test)


def test_a_refresh_token_that_stays_is_kept() -> None:
    async def test(hub: Hub) -> None:
        hub.provider.says = {"refresh_token": None}
        user = await hub.logged_in()
        before = await user.get_auth_state()
        assert (await hub.ask_for(user)).status_code == 200
        assert (await user.get_auth_state())["refresh_token"] == before["refresh_token"]

    at_a_hub(test)


def test_many_who_ask_at_once_use_a_refresh_token_once() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        token, _ = await hub.start_server(user)
        replies = await asyncio.gather(*(hub.ask(token) for _ in range(20)))
        assert {reply.status_code for reply in replies} == {200}
        assert len({reply.json()["access_token"] for reply in replies}) == 1
        assert hub.provider.asked == ["token"]

    at_a_hub(test)


def test_a_refresh_of_the_login_at_the_same_time_uses_it_once_too() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        hub.provider.revoke((await user.get_auth_state())["access_token"])
        token, _ = await hub.start_server(user)
        user._auth_refreshed = 0  # the first to come makes JupyterHub refresh
        replies = await asyncio.gather(*(hub.ask(token) for _ in range(20)))
        assert {reply.status_code for reply in replies} == {200}
        assert hub.provider.asked.count("token") == 1
        kept = await user.get_auth_state()
        assert kept["access_token"] == replies[0].json()["access_token"]

    at_a_hub(test)


def test_what_a_refresh_of_the_login_brought_is_there_before_jupyterhub_keeps_it() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        hub.provider.revoke((await user.get_auth_state())["access_token"])
        model = await hub.app.authenticator.refresh_user(user)
        answer = await hub.app.authenticator.fresh_token(user)
        assert answer["access_token"] == model["auth_state"]["access_token"]
        assert hub.provider.asked.count("token") == 1

    at_a_hub(test)


def test_two_people_get_their_own() -> None:
    async def test(hub: Hub) -> None:
        people = [await hub.logged_in(person) for person in (ADA, BOB)]
        replies = await asyncio.gather(*(hub.ask_for(user) for user in people))
        for user, reply in zip(people, replies, strict=True):
            kept = await user.get_auth_state()
            assert reply.json()["access_token"] == kept["access_token"]

    at_a_hub(test)


def test_a_token_that_says_itself_when_it_ends_is_renewed_in_time() -> None:
    async def test(hub: Hub) -> None:
        old = hub.provider.jwt(exp=int(time.time()) + 5)
        user = await hub.logged_in(left=None, access_token=old)
        assert (await hub.ask_for(user)).json()["access_token"] != old

    at_a_hub(test)


def test_a_token_of_which_nobody_says_when_it_ends_is_given_as_it_is() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in(left=None)
        answer = (await hub.ask_for(user)).json()
        assert answer["expires_at"] is None
        assert hub.provider.asked == []

    at_a_hub(test)


def test_short_lived_tokens_are_not_renewed_at_every_turn() -> None:
    async def test(hub: Hub) -> None:
        hub.provider.lifetime = 60
        user = await hub.logged_in()
        token, _ = await hub.start_server(user)
        for _ in range(3):
            assert (await hub.ask(token)).status_code == 200
        assert hub.provider.asked == ["token"]

    at_a_hub(test)


_PART = st.one_of(st.text(), st.binary().map(lambda raw: urlsafe_b64encode(raw).decode()))


@given(st.one_of(st.none(), st.text(), st.integers(), st.lists(_PART).map(".".join)))
def test_no_token_breaks_the_reading_of_its_claims(token: Any) -> None:
    from fedhub_authenticators.access_tokens import unverified_claims

    assert isinstance(unverified_claims(token), dict)


# --- what goes wrong ----------------------------------------------------------------------


async def _old_token_without_refresh_token(hub: Hub) -> User:
    return await hub.logged_in(left=-10, refresh_token=None)


async def _refresh_token_used_up(hub: Hub) -> User:
    return await hub.logged_in(left=-10, refresh_token="used-up")


async def _another_providers_login(hub: Hub) -> User:
    return await hub.logged_in(provider="another")


async def _provider_down(hub: Hub) -> User:
    hub.provider.fails = {"token": 503}
    return await hub.logged_in(left=-10)


async def _provider_overloaded(hub: Hub) -> User:
    hub.provider.fails = {"token": 429}
    return await hub.logged_in(left=-10)


async def _no_token_in_the_answer(hub: Hub) -> User:
    hub.provider.says = {"access_token": None}
    return await hub.logged_in(left=-10)


async def _id_token_of_somebody_else(hub: Hub) -> User:
    claims = {"iss": hub.provider.url, "aud": "the-hub", "sub": "mallory-1"}
    hub.provider.says = {"id_token": id_token(claims)}
    return await hub.logged_in(left=-10)


TROUBLE: list[tuple[Any, int, str]] = [
    (_old_token_without_refresh_token, 403, "offline_access"),
    (_refresh_token_used_up, 403, "Log in to the hub again"),
    (no_login, 403, "Log in to the hub again"),
    (_another_providers_login, 403, "Log in to the hub again"),
    (_provider_down, 503, "Try again in a minute"),
    (_provider_overloaded, 503, "Try again in a minute"),
    (_no_token_in_the_answer, 502, "tell the hub's operator"),
    (_id_token_of_somebody_else, 502, "tell the hub's operator"),
]


@pytest.mark.parametrize(
    ("somebody", "status", "words"), TROUBLE, ids=[row[0].__name__ for row in TROUBLE]
)
def test_an_error_says_what_to_do(somebody: Any, status: int, words: str) -> None:
    async def test(hub: Hub) -> None:
        user = await somebody(hub)
        before = await user.get_auth_state()
        reply = await hub.ask_for(user)
        assert (reply.status_code, reply.json()["status"]) == (status, status)
        assert words in reply.json()["message"]
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Cache-Control"] == "no-store"
        assert await user.get_auth_state() == before

    at_a_hub(test)


def test_a_provider_that_does_not_answer_at_all_is_down() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in(left=-10)
        hub.app.authenticator.token_url = "http://127.0.0.1:1/token"
        assert (await hub.ask_for(user)).status_code == 503

    at_a_hub(test)


def test_a_token_that_still_lives_is_given_while_the_provider_is_down() -> None:
    async def test(hub: Hub) -> None:
        hub.provider.fails = {"token": 503}
        user = await hub.logged_in(left=50)
        reply = await hub.ask_for(user)
        assert reply.json()["access_token"] == (await user.get_auth_state())["access_token"]

    at_a_hub(test)


def test_a_login_during_a_renewal_is_not_overwritten() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        state = await user.get_auth_state()
        answer = hub.provider.answer

        async def log_in_meanwhile(page: Any) -> None:
            await user.save_auth_state({**state, "access_token": "of-the-new-login"})
            await answer(page)

        hub.provider.answer = log_in_meanwhile  # type: ignore[method-assign]
        assert (await hub.ask_for(user)).json()["access_token"] == "of-the-new-login"
        assert (await user.get_auth_state())["access_token"] == "of-the-new-login"

    at_a_hub(test)


def test_a_hub_without_auth_state_says_so() -> None:
    async def test(hub: Hub) -> None:
        reply = await hub.ask_for(await hub.logged_in())
        assert reply.status_code == 503
        assert "enable_auth_state" in reply.json()["message"]

    at_a_hub(test, enable_auth_state=False)
