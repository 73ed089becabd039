"""A provider that logged somebody out logs them out of the hub."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from jupyterhub import orm

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.providers import CLIENT_IDS
from tests.unit.authenticators.faces import hub_at_face, log_in
from tests.unit.authenticators.logins import Visitor, running
from tests.unit.authenticators.logout_tokens import Issuer, is_in, logged_in, post


def test_whoever_the_provider_logged_out_is_out_of_the_hub(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, user):
            assert await is_in(visitor)
            reply = await post(visitor, Issuer(provider).token())
            assert (reply.status_code, reply.json()) == (200, {})
            assert reply.headers["cache-control"] == "no-store"
            assert not await is_in(visitor)
            kept = await user.get_auth_state()
            assert set(kept) == {"provider", "provider_address", "keycloak_user"}, (
                "who it is, and no token"
            )

    run_async(go())


def test_a_session_is_found_by_its_id_though_a_renewal_brought_no_id_token(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        async with logged_in(provider) as (hub, visitor, user):
            state = await user.get_auth_state()
            claims = jwt.decode(state["id_token"], options={"verify_signature": False})
            fetch = hub.authenticator.httpfetch

            async def without_id_token(address: str, *args: Any, **more: Any) -> Any:
                found = await fetch(address, *args, **more)
                if address == hub.authenticator.token_url:
                    found.pop("id_token")
                return found

            hub.authenticator.httpfetch = without_id_token
            state["token_response"]["access_token"] = "old"
            await user.save_auth_state(state)
            user._auth_refreshed = None
            assert await is_in(visitor)
            assert (await post(visitor, Issuer(provider).token(sub=None, sid=claims["sid"]))).text
            assert not await is_in(visitor)

    run_async(go())


def test_tokens_for_the_client_before_a_rotation_count(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider) as (hub, visitor, _):
            hub.authenticator._take("another-client", "another-secret")
            assert (await post(visitor, Issuer(provider).token())).status_code == 200
            assert not await is_in(visitor)
            assert (await post(visitor, Issuer(provider).token(aud="strange"))).status_code == 400

    run_async(go())


def test_a_hub_that_has_just_started_knows_the_issuer_of_a_login_it_has_kept(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "oidc", issuer="")) as (hub, visitor):
            assert (await log_in(visitor, "oidc")).status_code == 302
            hub.authenticator._issuer = hub.authenticator._candidate = None
            issuer = Issuer(provider)
            issuer.address = f"{provider.url}/oidc/oidc"
            token = issuer.token(aud=CLIENT_IDS["oidc"])
            assert (await post(visitor, token)).status_code == 200
            assert not await is_in(visitor)

    run_async(go())


def test_what_they_asked_for_themselves_waits_for_their_next_login(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, user):
            token = user.new_api_token()
            asked = {"headers": {"Authorization": f"token {token}"}}
            assert (await visitor.get("/hub/api/user", **asked)).status_code == 200
            await post(visitor, Issuer(provider).token())
            # A provider that is down is no reason to take them for logged in.
            provider.inject("server-error")
            assert (await visitor.get("/hub/api/user", **asked)).status_code == 403
            provider.clear_faults()
            assert (await log_in(visitor, "keycloak")).status_code == 302
            assert (await visitor.get("/hub/api/user", **asked)).status_code == 200

    run_async(go())


@pytest.mark.parametrize("bindings", ["off", "enforce"])
def test_a_hub_that_keeps_nothing_of_a_login_knows_people_by_their_binding(
    provider: IdentityProvider, bindings: str
) -> None:
    async def go() -> None:
        traits = {"bindings": bindings, "enable_auth_state": False}
        async with logged_in(provider, **traits) as (_, visitor, _user):
            assert (await post(visitor, Issuer(provider).token())).status_code == 200
            assert await is_in(visitor) is (bindings == "off")

    run_async(go())


def test_all_browsers_and_all_servers_sessions_end(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider) as (hub, visitor, user):
            hub.db.add(orm.OAuthClient(identifier="service-x", redirect_uri="/x", secret=""))
            hub.db.commit()
            of_a_session = {"client_id": "service-x", "session_id": "s1", "note": "session"}
            orm.APIToken.new(user=user.orm_user, oauth_client=None, **of_a_session)
            orm.APIToken.new(user=user.orm_user, note="asked for")
            hub.db.add(orm.OAuthCode(client_id="service-x", user_id=user.id, session_id="s1"))
            hub.db.commit()
            other = Visitor(base_url=visitor.base_url, trust_env=False, cookies=visitor.cookies)
            other.headers["Sec-Fetch-Mode"] = "navigate"
            assert await is_in(other)
            await post(visitor, Issuer(provider).token())
            assert not await is_in(other)
            assert [token.note for token in hub.db.query(orm.APIToken)] == ["asked for"]
            assert hub.db.query(orm.OAuthCode).count() == 0
            await other.aclose()

    run_async(go())


def test_others_stay_in(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, _user):
            for about in ({"sub": "bob-sub"}, {"sub": None, "sid": "another"}):
                reply = await post(visitor, Issuer(provider).token(**about))
                # Logged out here already: the provider has nothing to worry about.
                assert reply.status_code == 200
            assert await is_in(visitor)

    run_async(go())


def test_a_session_is_enough_to_tell_who(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, user):
            kept = await user.get_auth_state()
            sid = jwt.decode(kept["id_token"], options={"verify_signature": False})["sid"]
            reply = await post(visitor, Issuer(provider).token(sub=None, sid=sid))
            assert reply.status_code == 200
            assert not await is_in(visitor)

    run_async(go())


@pytest.mark.parametrize("wanted", [True, False])
def test_servers_are_stopped_where_the_operator_wants_that(
    provider: IdentityProvider, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []

    async def go() -> None:
        async with logged_in(provider, stop_servers_when_out=wanted) as (hub, visitor, _user):

            async def stop(user: Any, handler: Any) -> None:
                stopped.append(user.name)

            monkeypatch.setattr(hub.authenticator, "_stop_servers", stop)
            await post(visitor, Issuer(provider).token())

    run_async(go())
    assert stopped == (["ada"] if wanted else [])


def test_a_login_afterwards_is_like_any_other(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, _user):
            await post(visitor, Issuer(provider).token())
            begun = await visitor.begin("/hub/oauth_login")
            assert begun["client_id"] == CLIENT_IDS["keycloak"]

    run_async(go())
