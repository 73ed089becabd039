"""Who may ask for a person's access token: their server, and nobody else."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fedhub_authenticators.server_hooks import ADDRESS, ROLE, SCOPE
from jupyterhub import orm
from jupyterhub.user import User
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import DOMAIN, configured, running
from tests.unit.authenticators.notebook_servers import (
    BOB,
    PATH,
    Hub,
    at_a_hub,
    no_login,
    with_servers,
)
from tests.unit.authenticators.token_provider import ADA, token_provider

# --- who may ask --------------------------------------------------------------------------


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


# --- servers ------------------------------------------------------------------------------


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
        _, environment = await hub.start_server(await no_login(hub))
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
