"""A provider that is down throws nobody out, for a while; whoever is out is really out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from fedhub_authenticators import staying_in
from fedhub_authenticators.staying_in import FAILING_SINCE
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.tests.mocks import MockAsyncHTTPClient
from tornado.httpclient import HTTPClientError, HTTPResponse

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    GENERIC,
    User,
    authenticator_of,
    configured,
    one,
    running,
)

HOST = "oidc.example.org"
CONFIG = GENERIC | {"username_claim": "name", "allow_all": True, "refresh_grace": 600}
ADA = {"sub": "ada-1", "name": "ada"}
STATE = {
    "access_token": "t",
    "refresh_token": "r",
    "token_response": {"access_token": "t", "token_type": "Bearer"},
    "oauth_user": ADA,
}


def failing(status: int) -> Callable[[Any], HTTPResponse]:
    return lambda request: HTTPResponse(request, status)


def unreachable(request: Any) -> Any:
    raise ConnectionResetError


class Hub:
    """One person who is refreshed again and again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **traits: Any) -> None:
        self.now = 1_000_000.0
        monkeypatch.setattr(staying_in, "time", lambda: self.now)
        self.authenticator = authenticator_of(configured(one("generic-oauth", CONFIG | traits)))
        self.user = User("ada", STATE)

    def refresh(self, userinfo: Any, token: Any = None) -> bool:
        """Return whether the person is still in; keep what JupyterHub would."""
        token = token or failing(400)

        async def go() -> Any:
            client = MockAsyncHTTPClient(force_instance=True)
            client.add_host(HOST, [("/userinfo", userinfo), ("/token", token)])
            self.authenticator.http_client = client
            return await self.authenticator.refresh_user(self.user)

        model = run_async(go())
        if isinstance(model, dict):
            self.user.auth_state = model["auth_state"]
            assert model["name"] == "ada"
        return bool(model)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(monkeypatch)


DOWN: list[tuple[str, Any, Any]] = [
    ("userinfo fails", failing(500), failing(400)),
    ("userinfo is overloaded", failing(503), failing(400)),
    ("no answer", failing(599), failing(400)),
    ("connection lost", unreachable, failing(400)),
    ("a web page", lambda _: "<html>", failing(400)),
    ("half an answer", lambda _: '{"sub": "ada-1", "na', failing(400)),
    ("userinfo asks to wait", failing(429), failing(400)),
    ("the access token is old and no new one can be had", failing(401), failing(503)),
    ("the same, with a web page", failing(401), lambda _: "<html>"),
]
RAISED_BY_UPSTREAM = {
    "userinfo fails": HTTPClientError,
    "userinfo is overloaded": HTTPClientError,
    "no answer": HTTPClientError,
    "connection lost": ConnectionResetError,
    "a web page": json.JSONDecodeError,
    "half an answer": json.JSONDecodeError,
}
"""What JupyterHub shows as an internal error, on every page; elsewhere people are out at once."""


@pytest.mark.parametrize(("what", "userinfo", "token"), DOWN, ids=[row[0] for row in DOWN])
def test_people_stay_while_the_provider_is_down_and_are_out_when_it_lasts(
    hub: Hub, what: str, userinfo: Any, token: Any
) -> None:
    assert hub.refresh(userinfo, token)
    hub.now += 599
    assert hub.refresh(userinfo, token)
    hub.now += 2
    assert not hub.refresh(userinfo, token)


@pytest.mark.parametrize(("what", "userinfo", "token"), DOWN, ids=[row[0] for row in DOWN])
def test_upstream_answers_with_an_error_or_throws_out_at_once(
    what: str, userinfo: Any, token: Any
) -> None:
    async def go() -> Any:
        stock = GenericOAuthenticator(**CONFIG_OF_STOCK)
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host(HOST, [("/userinfo", userinfo), ("/token", token)])
        stock.http_client = client
        return await stock.refresh_user(User("ada", STATE))

    if error := RAISED_BY_UPSTREAM.get(what):
        with pytest.raises(error):
            run_async(go())
    else:
        assert run_async(go()) is False


CONFIG_OF_STOCK = {
    **{name: value for name, value in CONFIG.items() if name != "refresh_grace"},
    "enable_auth_state": True,
}


def test_a_provider_that_is_back_starts_the_time_anew(hub: Hub) -> None:
    assert hub.refresh(failing(500))
    hub.now += 500
    assert hub.refresh(lambda _: ADA)
    assert FAILING_SINCE not in hub.user.auth_state
    hub.now += 500
    assert hub.refresh(failing(500))
    hub.now += 500
    assert hub.refresh(failing(500))


def test_a_session_that_the_provider_ended_is_no_outage(hub: Hub) -> None:
    assert not hub.refresh(failing(401), failing(400))
    assert not hub.refresh(failing(403), failing(401))


def test_no_grace_when_the_operator_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Hub(monkeypatch, refresh_grace=0).refresh(failing(500))


def test_a_clock_that_was_set_back_does_not_make_it_last_for_ever(hub: Hub) -> None:
    assert hub.refresh(failing(500))
    hub.now -= 10_000_000
    assert hub.refresh(failing(500))
    hub.now += 601
    assert not hub.refresh(failing(500))


@pytest.mark.parametrize("answer", [[], 7, None, "ada", {"sub": "ada-1"}, {"name": 7}])
def test_an_answer_that_makes_no_sense_never_keeps_anybody_longer(hub: Hub, answer: Any) -> None:
    kept = hub.refresh(lambda _: answer)
    hub.now += 601
    assert not (kept and hub.refresh(lambda _: answer))


def test_another_person_behind_the_same_token_is_out(hub: Hub) -> None:
    assert hub.refresh(lambda _: ADA)
    assert not hub.refresh(lambda _: {"sub": "eve-1", "name": "ada"})


def test_whoever_was_blocked_meanwhile_is_out_though_the_provider_is_down(hub: Hub) -> None:
    assert hub.refresh(failing(500))
    hub.authenticator.blocked_users = {"ada"}
    assert not hub.refresh(failing(500))


class Spawner:
    def __init__(self, active: bool = True, pending: str | None = None) -> None:
        self.active = active
        self.pending = pending


class Handler:
    def __init__(self) -> None:
        self.stopped: list[str] = []

    async def stop_single_user(self, user: Any, name: str) -> None:
        if name == "stubborn":
            raise RuntimeError("it does not stop")
        self.stopped.append(name)


@pytest.mark.parametrize("stop", [True, False])
def test_servers_are_stopped_when_the_operator_wants_that(
    monkeypatch: pytest.MonkeyPatch, stop: bool
) -> None:
    hub = Hub(monkeypatch, stop_servers_when_out=stop, blocked_users=["ada"])
    hub.user.spawners = {  # type: ignore[attr-defined]  # what JupyterHub's user has
        "stubborn": Spawner(),
        "": Spawner(),
        "gone": Spawner(active=False),
        "going": Spawner(pending="stop"),
    }
    handler = Handler()

    async def go() -> Any:
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host(HOST, [("/userinfo", lambda _: ADA)])
        hub.authenticator.http_client = client
        assert await hub.authenticator.refresh_user(hub.user, handler) is False
        await asyncio.gather(*staying_in._under_way)

    run_async(go())
    assert handler.stopped == ([""] if stop else [])


def test_whoever_is_out_is_out_in_every_browser_and_stays_out() -> None:
    config = CONFIG | {"scope": [], "bindings": "off"}
    c = configured(one("generic-oauth", config))
    c.Authenticator.auth_refresh_age = 1

    async def go() -> None:
        async with running(c) as (hub, visitor):
            assert (await visitor.log_in(hub.authenticator, ADA)).status_code == 302
            user = hub.users["ada"]
            before = user.cookie_id
            assert (await visitor.get("/hub/home")).status_code == 200

            hub.authenticator.blocked_users = {"ada"}
            user._auth_refreshed = None
            assert (await visitor.get("/hub/home")).status_code == 302
            await asyncio.gather(*staying_in._under_way)
            assert user.cookie_id != before
            assert "access_token" not in (await user.get_auth_state() or {})

            # Let in again by a rule, they still have to log in again.
            hub.authenticator.blocked_users = set()
            assert (await visitor.get("/hub/home")).status_code == 302
            assert (await visitor.log_in(hub.authenticator, ADA)).status_code == 302
            assert (await visitor.get("/hub/home")).status_code == 200

    run_async(go())
