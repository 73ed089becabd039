"""A person's server gets a fresh access token of theirs, and nobody else does."""

from __future__ import annotations

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fedhub_authenticators.server_hooks import ADDRESS, ROLE, SCOPE
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub import orm, roles
from jupyterhub.user import User
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import DOMAIN, configured, id_token, running
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


# --- fresh tokens ---------------------------------------------------------------------------


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


# --- what goes wrong ------------------------------------------------------------------------


async def _old_token_without_refresh_token(hub: Hub) -> User:
    return await hub.logged_in(left=-10, refresh_token=None)


async def _refresh_token_used_up(hub: Hub) -> User:
    return await hub.logged_in(left=-10, refresh_token="used-up")


async def _no_login(hub: Hub) -> User:
    user = await hub.logged_in()
    await user.save_auth_state(None)
    return user


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
    (_no_login, 403, "Log in to the hub again"),
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


# --- who may ask ----------------------------------------------------------------------------


def test_nobody_may_ask_without_an_api_token() -> None:
    async def test(hub: Hub) -> None:
        await hub.logged_in()
        reply = await hub.visitor.get(PATH)
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert (await hub.ask("made-up")).status_code == 401

    at_a_hub(test)


def test_a_browser_that_is_logged_in_gets_none() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        await hub.start_server(user)
        cookies = {"jupyterhub-hub-login": _cookie(hub, user)}
        known = await hub.visitor.get("/hub/home", cookies=cookies)
        assert known.status_code == 200
        assert (await hub.visitor.get(PATH, cookies=cookies)).status_code == 401

    at_a_hub(test)


def _cookie(hub: Hub, user: User) -> str:
    from tornado.web import create_signed_value

    name = "jupyterhub-hub-login"
    secret = hub.app.cookie_secret
    return create_signed_value(secret, name, user.cookie_id).decode()


@pytest.mark.parametrize("scopes", [["inherit"], ["self"], ["read:users!user"]])
def test_a_token_needs_the_scope_by_name(scopes: list[str]) -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        await hub.start_server(user)  # from now on they have the scope themselves
        reply = await hub.ask(user.new_api_token(scopes=scopes))
        assert reply.status_code == 403
        assert SCOPE in reply.json()["message"]
        assert hub.provider.asked == []

    at_a_hub(test)


def test_an_admin_gets_their_own_and_nobody_elses() -> None:
    async def test(hub: Hub) -> None:
        await hub.logged_in(ADA)
        admin = await hub.logged_in(BOB)
        admin.admin = True
        hub.app.db.commit()
        token, _ = await hub.start_server(admin)
        reply = await hub.visitor.get(
            f"{PATH}?user=ada&name=ada", headers={"Authorization": f"Bearer {token}"}
        )
        assert reply.json()["access_token"] == (await admin.get_auth_state())["access_token"]
        everything = admin.new_api_token(scopes=["inherit"])
        assert (await hub.ask(everything)).status_code == 403

    at_a_hub(test)


def test_a_service_gets_none_whatever_it_may_do() -> None:
    c = Config()
    c.JupyterHub.services = [{"name": "grader", "api_token": "of-the-grader"}]
    c.JupyterHub.load_roles = [
        {"name": "grader", "scopes": [SCOPE, "admin:users"], "services": ["grader"]}
    ]

    async def test(hub: Hub) -> None:
        await hub.logged_in()
        assert (await hub.ask("of-the-grader")).status_code == 403
        grader = orm.Service.find(hub.app.db, "grader")
        assert (await hub.ask(grader.new_api_token(scopes=[SCOPE]))).status_code == 403

    at_a_hub(test, c)


def test_somebody_who_is_blocked_gets_none() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        token, _ = await hub.start_server(user)
        hub.app.authenticator.blocked_users = {"ada"}
        user._auth_refreshed = 0
        assert (await hub.ask(token)).status_code == 401

    at_a_hub(test)


# --- servers --------------------------------------------------------------------------------


def test_a_server_is_told_where_to_ask_and_nothing_secret() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        _, environment = await hub.start_server(user)
        assert environment[ADDRESS] == f"{environment['JUPYTERHUB_API_URL']}/fedhub/token"
        state = await user.get_auth_state()
        for secret in ("access_token", "refresh_token"):
            assert not any(state[secret] in value for value in environment.values())

    at_a_hub(test)


def test_without_a_login_a_server_is_told_nothing() -> None:
    async def test(hub: Hub) -> None:
        _, environment = await hub.start_server(await _no_login(hub))
        assert ADDRESS not in environment

    at_a_hub(test)


def test_it_is_off_by_default() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        spawner = user.get_spawner("")
        assert spawner.auth_state_hook is None
        assert not spawner.server_token_scopes
        token = user.new_api_token(scopes=["inherit"])
        assert (await hub.ask(token)).status_code == 404

    at_a_hub(test, tokens_for_servers=False)


def test_the_operators_hooks_still_run() -> None:
    told = []

    async def hook(spawner: Any, auth_state: Any) -> None:
        told.append(auth_state["oauth_user"]["name"])
        spawner.environment["THEIRS"] = "1"

    c = Config()
    c.SimpleLocalProcessSpawner.auth_state_hook = hook
    c.Spawner.server_token_scopes = ["users:activity!user", "read:users!user"]

    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        token, environment = await hub.start_server(user)
        assert (told, environment["THEIRS"]) == (["ada"], "1")
        assert ADDRESS in environment
        scopes = orm.APIToken.find(hub.app.db, token).scopes
        assert set(scopes) == {"users:activity!user", "read:users!user", f"{SCOPE}!user"}

    at_a_hub(test, c)


def test_a_role_that_the_operators_file_threw_away_comes_back_with_the_next_server() -> None:
    async def test(hub: Hub) -> None:
        user = await hub.logged_in()
        hub.app.db.delete(orm.Role.find(hub.app.db, ROLE["name"]))
        hub.app.db.commit()
        assert (await hub.ask_for(user)).status_code == 200

    at_a_hub(test)


def test_of_several_providers_only_those_that_say_so_give_tokens() -> None:
    async def go() -> None:
        async with token_provider() as campus, token_provider() as lab:
            login = {
                name: {"authenticator": "generic-oauth", "config": provider.config(**traits)}
                for name, provider, traits in (
                    ("campus", campus, {"tokens_for_servers": True}),
                    ("lab", lab, {}),
                )
            }
            settings = {"domain": DOMAIN, "login": login}
            async with running(with_servers(configured(settings))) as (app, visitor):
                for name, provider, status in (("campus", campus, 200), ("lab", lab, 403)):
                    hub = Hub(app, provider, visitor)
                    person = ADA | {"name": f"{name}:ada"}
                    user = await hub.logged_in(person, provider=name)
                    if status == 200:
                        reply = await hub.ask_for(user)
                        kept = await user.get_auth_state()
                        assert reply.json()["access_token"] == kept["access_token"]
                        assert provider.asked == ["token"]
                    else:
                        _, environment = await hub.start_server(user)
                        assert ADDRESS not in environment
                below = await visitor.get("/hub/campus/api/fedhub/token")
                assert below.status_code == 404

    run_async(go())


def test_the_scope_is_known_before_any_hub_runs() -> None:
    from jupyterhub.scopes import expand_scopes

    assert expand_scopes([SCOPE]) == {SCOPE}


def test_a_login_notes_when_its_token_ends() -> None:
    async def test(hub: Hub) -> None:
        tokens = await hub.app.authenticator.get_token_info(
            None, {"grant_type": "refresh_token", "refresh_token": hub.provider.refresh_token()}
        )
        assert tokens["expires_at"] == pytest.approx(time.time() + 300, abs=30)

    at_a_hub(test)
