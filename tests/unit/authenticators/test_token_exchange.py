"""A script gets in with a token that was made for this hub, by the rules of a login."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jupyterhub import orm

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import DOMAIN, configured, running
from tests.unit.authenticators.scripts import (
    ACCESS_TOKEN,
    PATH,
    Hub,
    at_a_hub,
    refused,
)
from tests.unit.authenticators.token_provider import ADA, TokenProvider, token_provider

# --- getting in ---------------------------------------------------------------------------

TOKENS: list[tuple[str, Callable[[TokenProvider], str]]] = [
    ("signed", lambda provider: provider.jwt()),
    ("signed, for the hub among others", lambda provider: provider.jwt(aud=["x", "the-hub"])),
    ("as Keycloak's", lambda provider: provider.jwt(aud="account", azp="the-hub", typ="Bearer")),
    ("as RFC 9068", lambda provider: provider.jwt(header={"typ": "at+jwt"}, nonce="n")),
    ("client_id", lambda provider: provider.jwt(aud="api", client_id="the-hub")),
    ("opaque", lambda provider: provider.opaque()),
    ("opaque, for the hub", lambda provider: provider.opaque(client_id="cli", aud=["the-hub"])),
]


@pytest.mark.parametrize(("kind", "make"), TOKENS, ids=[row[0] for row in TOKENS])
def test_a_token_made_for_the_hub_lets_a_script_in(
    kind: str, make: Callable[[TokenProvider], str]
) -> None:
    async def test(hub: Hub) -> None:
        reply = await hub.exchange(make(hub.provider))
        assert reply.status_code == 200, reply.text
        assert reply.headers["Cache-Control"] == "no-store"
        answer = reply.json()
        token = answer.pop("access_token")
        assert answer == {
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": "servers!user access:servers!user",
        }
        assert "set-cookie" not in reply.headers
        who = (await hub.as_script(token)).json()
        assert (who["name"], who["kind"]) == ("ada", "user")

    at_a_hub(test)


def test_an_assertion_for_the_hub_lets_a_script_in() -> None:
    async def test(hub: Hub) -> None:
        reply = await hub.assert_(hub.provider.jwt())
        assert (await hub.as_script(reply.json()["access_token"])).json()["name"] == "ada"
        assert "issued_token_type" not in reply.json()

    at_a_hub(test)


def test_audiences_that_the_operator_names_get_in() -> None:
    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt(aud="our-cli"))).status_code == 200
        assert (await hub.assert_(hub.provider.jwt(aud="our-cli"))).status_code == 200
        assert (await hub.exchange(hub.provider.opaque(client_id="our-cli"))).status_code == 200

    at_a_hub(test, token_exchange_audiences={"our-cli"})


def test_the_hubs_token_ends_soon_and_says_where_it_is_from() -> None:
    async def test(hub: Hub) -> None:
        token = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        kept = orm.APIToken.find(hub.app.db, token)
        assert kept.expires_in == pytest.approx(120, abs=30)
        assert "Exchanged by a script" in kept.note
        kept.expires_at = kept.created
        hub.app.db.commit()
        assert (await hub.as_script(token)).status_code == 403

    at_a_hub(test, token_exchange_lifetime=120)


def test_the_hubs_token_may_use_the_persons_servers_and_nothing_else() -> None:
    async def test(hub: Hub) -> None:
        hub.authenticator.admin_users = {"ada"}
        token = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        assert hub.app.users["ada"].admin
        assert (await hub.as_script(token, "users")).status_code == 403
        assert (await hub.as_script(token, "users/ada/tokens")).status_code in {403, 404}
        headers = {"Authorization": f"Bearer {token}"}
        made = await hub.script.post("/hub/api/users/eve", headers=headers)
        assert made.status_code == 403
        gone = await hub.script.delete("/hub/api/users/ada/server", headers=headers)
        assert gone.status_code in {204, 400}  # allowed, and there is none

    at_a_hub(test)


def test_groups_and_admin_are_those_of_a_login() -> None:
    rules = {
        "allow_all": False,
        "manage_groups": True,
        "auth_state_groups_key": "oauth_user.groups",
        "allowed_groups": {"staff"},
        "admin_groups": {"ops"},
    }

    async def test(hub: Hub) -> None:
        person = ADA | {"groups": ["staff", "ops"]}
        assert (await hub.exchange(hub.provider.jwt(person))).status_code == 200
        user = hub.app.users["ada"]
        assert ({group.name for group in user.groups}, user.admin) == ({"staff", "ops"}, True)
        refused(await hub.exchange(hub.provider.jwt(ADA | {"groups": ["students"]})))

    at_a_hub(test, **rules)


def test_the_operators_hook_sees_a_script_as_it_sees_a_login() -> None:
    seen = []

    def hook(authenticator: Any, handler: Any, model: dict[str, Any]) -> dict[str, Any]:
        seen.append((model["name"], handler.request.path))
        return model

    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt())).status_code == 200
        assert seen == [("ada", PATH)]

    at_a_hub(test, post_auth_hook=hook)


def test_of_several_providers_one_is_named() -> None:
    async def go() -> None:
        async with token_provider() as campus, token_provider() as lab, token_provider() as off:
            login = {
                name: {
                    "authenticator": "generic-oauth",
                    "config": provider.config(token_exchange=provider is not off),
                }
                for name, provider in (("campus", campus), ("lab", lab), ("off", off))
            }
            settings = {"domain": DOMAIN, "login": login}
            async with running(configured(settings)) as (app, script):
                hub = Hub(app, campus, script)
                words = refused(await hub.exchange(lab.jwt()))
                assert "campus, lab" in words
                reply = await hub.exchange(lab.jwt(), provider="lab")
                who = await hub.as_script(reply.json()["access_token"])
                assert who.json()["name"] == "lab:ada"
                refused(await hub.exchange(lab.jwt(), provider="campus"))
                refused(await hub.exchange(off.jwt(), provider="off"))
                assert hub.users() == ["lab:ada"]
                below = await script.get("/hub/lab/api/fedhub/token_exchange")
                assert below.status_code == 404

    run_async(go())


# --- the person's own login ---------------------------------------------------------------


def test_the_tokens_of_a_login_stay() -> None:
    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt())).status_code == 200
        user = hub.app.users["ada"]
        login = {
            "access_token": "of-the-login",
            "refresh_token": "of-the-login",
            "token_response": {"access_token": "of-the-login", "token_type": "Bearer"},
            "oauth_user": ADA,
        }
        await user.save_auth_state(login)
        user._auth_refreshed = 0
        token = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        assert await user.get_auth_state() == login
        # Just now the person was held against the rules, so nothing is refreshed yet.
        assert (await hub.as_script(token)).status_code == 200

    at_a_hub(test)


def test_whom_the_provider_logged_out_no_script_lets_back_in() -> None:
    """What a logout told by the provider leaves is who somebody is, and no token."""

    async def test(hub: Hub) -> None:
        own = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        user = hub.app.users["ada"]
        await user.save_auth_state({"oauth_user": ADA})
        user._auth_refreshed = None
        assert "ended your session" in refused(await hub.exchange(hub.provider.jwt()))
        assert (await hub.as_script(own)).status_code == 403

    at_a_hub(test)


def test_what_an_earlier_script_brought_is_replaced() -> None:
    async def test(hub: Hub) -> None:
        for token in (hub.provider.jwt(), hub.provider.jwt()):
            assert (await hub.exchange(token)).status_code == 200
            state = await hub.app.users["ada"].get_auth_state()
            assert (state["access_token"], state["refresh_token"]) == (token, None)

    at_a_hub(test)


def test_a_token_of_the_hub_ends_with_its_owners_rights() -> None:
    async def test(hub: Hub) -> None:
        token = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        hub.authenticator.blocked_users = {"ada"}
        hub.app.users["ada"]._auth_refreshed = 0
        assert (await hub.as_script(token)).status_code == 403

    at_a_hub(test)


def test_a_token_of_the_hub_outlives_a_refresh_while_the_providers_lives() -> None:
    async def test(hub: Hub) -> None:
        presented = hub.provider.jwt()
        token = (await hub.exchange(presented)).json()["access_token"]
        user = hub.app.users["ada"]
        user._auth_refreshed = 0
        assert (await hub.as_script(token)).status_code == 200
        replaced = hub.provider.jwt()
        assert (await hub.exchange(replaced)).status_code == 200
        assert (await user.get_auth_state())["access_token"] == replaced
        hub.provider.revoke(replaced)
        user._auth_refreshed = 0
        assert (await hub.as_script(token)).status_code == 403

    at_a_hub(test)
