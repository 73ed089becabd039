"""What a script may ask for, and how."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fedhub_authenticators.exchange_page import narrowed
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub import orm
from jupyterhub.scopes import expand_scopes, has_scope, parse_scopes, scope_definitions
from traitlets import TraitError

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import authenticator_of, configured
from tests.unit.authenticators.scripts import (
    ACCESS_TOKEN,
    EXCHANGE,
    PATH,
    Hub,
    at_a_hub,
    refused,
)
from tests.unit.authenticators.token_provider import ADA, token_provider

# --- scopes -------------------------------------------------------------------------------


def test_a_script_may_ask_for_less() -> None:
    async def test(hub: Hub) -> None:
        token = hub.provider.jwt()
        for less in ("read:servers!user", "access:servers!server=ada/", "servers!user=ada"):
            reply = await hub.exchange(token, scope=less)
            assert reply.json()["scope"] == less, reply.text
            assert orm.APIToken.find(hub.app.db, reply.json()["access_token"]).scopes == [less]

    at_a_hub(test)


MORE = [
    *("inherit", "self", "servers", "admin:users", "admin-ui", "tokens!user", "servers!user=bob"),
    *("access:servers!server=bob/", "servers!user admin:users", "made-up", "servers!", "!user"),
    *("servers!group=g", "servers!server", "access:servers!server", "servers!user=", "é"),
    "custom:fedhub:provider-token!user",
]


def test_a_script_may_not_ask_for_more() -> None:
    async def test(hub: Hub) -> None:
        hub.authenticator.admin_users = {"ada"}  # who may do all of it with a login
        for more in MORE:
            reply = await hub.exchange(hub.provider.jwt(), scope=more)
            assert "servers!user" in refused(reply, "invalid_scope"), more
        assert not hub.app.users["ada"].api_tokens

    at_a_hub(test)


_SCOPES = st.builds(
    "{}{}".format,
    st.sampled_from(sorted(scope_definitions)),
    st.sampled_from(["", "!", "!user", "!user=ada", "!user=bob", "!server=ada/x", "!server"])
    | st.text(max_size=9),
)


@given(
    st.lists(_SCOPES, max_size=4),
    st.lists(st.sampled_from([*MORE[4:6], "servers!user"]), min_size=1),
)
def test_scopes_only_ever_narrow(asked: list[str], allowed: list[str]) -> None:
    ada = orm.User(name="ada")
    try:
        given_ = narrowed(" ".join(asked), allowed, ada)
    except ValueError:
        return
    may = parse_scopes(expand_scopes(allowed, owner=ada))
    assert all(has_scope(one, may) for one in expand_scopes(given_, owner=ada))
    assert given_ == list(dict.fromkeys(" ".join(asked).split())) or not " ".join(asked).split()


def test_what_the_person_may_not_do_no_script_may() -> None:
    async def test(hub: Hub) -> None:
        refused(await hub.exchange(hub.provider.jwt()), "invalid_scope")

    at_a_hub(test, token_exchange_scopes=["admin:users"])


@pytest.mark.parametrize(
    "traits",
    [
        {"token_exchange_scopes": ["inherit"]},
        {"token_exchange_scopes": []},
        {"token_exchange_lifetime": 3601},
        {"token_exchange_lifetime": 0},
    ],
)
def test_an_operator_can_not_give_away_everything(traits: dict[str, Any]) -> None:
    async def go() -> None:
        async with token_provider() as provider:
            with pytest.raises(TraitError):
                authenticator_of(configured(provider.settings(**traits)))

    run_async(go())


# --- requests that are not as they should be ----------------------------------------------

BAD: list[tuple[dict[str, str | None], str]] = [
    ({"grant_type": None}, "unsupported_grant_type"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
    ({"subject_token": None}, "invalid_request"),
    ({"subject_token": ""}, "invalid_request"),
    ({"subject_token_type": None}, "invalid_request"),
    ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
    ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
    ({"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
    ({"actor_token": "x"}, "invalid_request"),
    ({"audience": "https://elsewhere.example"}, "invalid_target"),
    ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ({"provider": "made-up"}, "invalid_request"),
]


def test_a_request_that_is_not_as_the_standard_has_it() -> None:
    async def test(hub: Hub) -> None:
        for change, error in BAD:
            form: dict[str, Any] = {"subject_token": hub.provider.jwt(), **change}
            refused(await hub.exchange(form.pop("subject_token"), **form), error)
        assert hub.users() == []

    at_a_hub(test)


def test_parameters_are_a_form_and_each_is_there_once() -> None:
    async def test(hub: Hub) -> None:
        form = {
            "grant_type": EXCHANGE,
            "subject_token": hub.provider.jwt(),
            "subject_token_type": ACCESS_TOKEN,
        }
        refused(await hub.script.post(PATH, json=form))
        refused(await hub.script.post(PATH, params=form))
        refused(await hub.script.post(PATH, params={"scope": "x"}, data=form))
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        for body in (b"\xff=\xff", b"a", b"a=1&a=2", b"&".join([b"a=1"] * 50)):
            refused(await hub.script.post(PATH, content=body, headers=kind))
        assert (await hub.script.post(PATH, data=form)).status_code == 200

    at_a_hub(test)


def test_only_a_post_will_do() -> None:
    async def test(hub: Hub) -> None:
        refused(await hub.script.get(PATH), status=405)

    at_a_hub(test)


def test_a_large_request_is_not_read() -> None:
    async def test(hub: Hub) -> None:
        refused(await hub.exchange("x" * 20_000), status=413)

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"a" * 1000

        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            reply = await hub.script.post(PATH, content=endless(), headers=kind)
        except httpx.TransportError:
            return
        assert reply.status_code in {400, 413}

    at_a_hub(test)


def test_a_browsers_cookie_counts_for_nothing() -> None:
    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt())).status_code == 200
        cookie = _login_cookie(hub, "ada")
        home = await hub.script.get("/hub/home", cookies=cookie)
        assert home.status_code == 200
        refused(await hub.script.post(PATH, data={"grant_type": EXCHANGE}, cookies=cookie))
        hub.script.cookies.update(cookie)
        reply = await hub.exchange(hub.provider.jwt(ADA | {"name": "bob"}))
        who = await hub.as_script(reply.json()["access_token"])
        assert who.json()["name"] == "bob"

    at_a_hub(test)


def _login_cookie(hub: Hub, name: str) -> dict[str, str]:
    from tornado.web import create_signed_value

    cookie = "jupyterhub-hub-login"
    signed = create_signed_value(hub.app.cookie_secret, cookie, hub.app.users[name].cookie_id)
    return {cookie: signed.decode()}


def test_it_is_off_by_default() -> None:
    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt())).status_code == 404
        assert hub.provider.asked == []

    at_a_hub(test, token_exchange=False)


def test_a_request_for_a_token_of_jupyterhubs_own_is_no_way_in() -> None:
    """JupyterHub hands `auth` of that request to the authenticator."""

    async def test(hub: Hub) -> None:
        auth = {"subject_token": hub.provider.jwt(), "token": hub.provider.jwt(), "claims": {}}
        for sent in (auth, {"data": auth}, hub.provider.jwt()):
            reply = await hub.script.post("/hub/api/users/ada/tokens", json={"auth": sent})
            assert reply.status_code == 403
        assert hub.users() == []

    at_a_hub(test)
