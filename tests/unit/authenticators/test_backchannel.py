"""A provider that logged somebody out logs them out of the hub, and nobody else can."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import httpx
import joserfc.jwt
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fedhub_authenticators.backchannel import (
    EVENT,
    FRESH,
    MAX_BODY,
    UnusableTokenError,
    logout_token_of,
    told,
)
from fedhub_authenticators.id_token import LEEWAY
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub import orm
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.providers import CLIENT_IDS, furnish
from tests.unit.authenticators.faces import hub_at_face, log_in
from tests.unit.authenticators.logins import Visitor, running

PAGE = "/hub/backchannel_logout"
EVENTS = {EVENT: {}}


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as running_provider:
        furnish(running_provider)
        yield running_provider


class Issuer:
    """Signs as the face does that the hub's people sign in at."""

    def __init__(self, provider: IdentityProvider) -> None:
        self.address = f"{provider.url}/realms/hubtest"
        self._keys = provider._state.keys

    def claims(self, **change: Any) -> dict[str, Any]:
        """A logout token's claims; a change to None takes one out; dates count from now."""
        now = int(time.time())
        for date in {"iat", "exp"} & {name for name in change if change[name] is not None}:
            change[date] += now
        claims = {
            "iss": self.address,
            "aud": CLIENT_IDS["keycloak"],
            "iat": now,
            "exp": now + 120,
            "jti": uuid.uuid4().hex,
            "events": EVENTS,
            "sub": "ada-sub",
        }
        return {name: value for name, value in (claims | change).items() if value is not None}

    def token(self, **change: Any) -> str:
        return str(self._keys.sign(self.claims(**change)))


@asynccontextmanager
async def logged_in(provider: IdentityProvider, **traits: Any) -> AsyncIterator[Any]:
    c: Config = hub_at_face(provider, "keycloak", **traits)
    async with running(c) as (hub, visitor):
        assert (await log_in(visitor, "keycloak")).status_code == 302
        yield hub, visitor, hub.users["ada"]


async def post(visitor: Visitor, token: str) -> httpx.Response:
    """Post a logout token as a server does, without cookies."""
    async with httpx.AsyncClient(base_url=visitor.base_url, trust_env=False) as server:
        return await server.post(PAGE, data={"logout_token": token})


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/hub/home")).status_code == 200


# --- out ----------------------------------------------------------------------------------


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


# --- refused ------------------------------------------------------------------------------

STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)

WRONG: dict[str, dict[str, Any]] = {
    "of another issuer": {"iss": "https://evil.example.org"},
    "for another client": {"aud": "another-hub"},
    "for nobody": {"aud": None},
    "without an event": {"events": None},
    "with another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "with an event that is no object": {"events": {EVENT: True}},
    "with a nonce": {"nonce": "n"},
    "with an empty nonce": {"nonce": ""},
    "about nobody": {"sub": None},
    "about a number": {"sub": 7},
    "about a list": {"sid": ["s"]},
    "too old": {"iat": -FRESH - LEEWAY - 60, "exp": None},
    "of the future": {"iat": FRESH + LEEWAY + 60, "exp": None},
    "over": {"exp": -LEEWAY - 60},
    "without a date": {"iat": None},
    "without an id": {"jti": None},
    "with an empty id": {"jti": ""},
    "with an id that is none": {"jti": {"a": 1}},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_token_that_does_not_hold_ends_nothing(
    provider: IdentityProvider, change: dict[str, Any]
) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, _user):
            reply = await post(visitor, Issuer(provider).token(**change))
            assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
            assert reply.headers["cache-control"] == "no-store"
            assert await is_in(visitor)

    run_async(go())


def signed_otherwise(provider: IdentityProvider) -> dict[str, str]:
    claims = Issuer(provider).claims()
    known = {"kid": provider._state.keys.public()["keys"][0]["kid"]}
    head, _, signature = Issuer(provider).token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return {
        "by a stranger": jwt.encode(claims, STRANGER, "RS256", headers=known),
        "by nobody": jwt.encode(claims, None, "none", headers=known),
        "with a secret": jwt.encode(claims, "x" * 32, "HS256", headers=known),
        "of another type": joserfc.jwt.encode(
            {"alg": "RS256", "typ": "at+jwt", **known}, claims, provider._state.keys.current()
        ),
        "changed": f"{head}.{body}.{signature}",
        "cut": f"{head}.{body}",
        "empty": "",
        "deep": f"{head}.{base64.urlsafe_b64encode(b'[' * 9000).decode()}.{signature}",
        "no JSON": f"{head}.{base64.urlsafe_b64encode(b'iss').decode()}.{signature}",
    }


@pytest.mark.parametrize(
    "how",
    [
        *("by a stranger", "by nobody", "with a secret", "of another type", "changed", "cut"),
        *("empty", "deep", "no JSON"),
    ],
)
def test_a_signature_that_is_not_the_issuers_ends_nothing(
    provider: IdentityProvider, how: str
) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, _user):
            reply = await post(visitor, signed_otherwise(provider)[how])
            assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
            assert await is_in(visitor)

    run_async(go())


def test_an_id_token_is_no_logout_token(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, user):
            kept = await user.get_auth_state()
            assert (await post(visitor, kept["id_token"])).status_code == 400
            assert await is_in(visitor)

    run_async(go())


def test_a_token_counts_once(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, _user):
            token = Issuer(provider).token()
            assert (await post(visitor, token)).status_code == 200
            assert (await log_in(visitor, "keycloak")).status_code == 302
            again = await post(visitor, token)
            assert (again.status_code, "used before" in again.text) == (400, True)
            assert await is_in(visitor)

    run_async(go())


def test_nothing_is_fetched_for_a_stranger(provider: IdentityProvider) -> None:
    async def go() -> None:
        # This hub has not learnt its issuer yet, and must not learn it from anybody.
        c = hub_at_face(provider, "oidc", issuer="")
        async with running(c) as (hub, visitor):
            asked: list[str] = []

            async def fetch(request: Any, **_: Any) -> Any:
                asked.append(request.url)
                raise OSError

            hub.authenticator.http_client = type("Client", (), {"fetch": staticmethod(fetch)})()
            token = jwt.encode({"iss": "http://10.0.0.1", "sub": "s"}, STRANGER, "RS256")
            assert (await post(visitor, token)).status_code == 400
            assert asked == []

    run_async(go())


def test_an_issuer_that_does_not_answer_ends_nothing(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "keycloak")) as (_, visitor):
            provider.inject("server-error")
            assert (await post(visitor, Issuer(provider).token())).status_code == 400

    run_async(go())


# --- the request --------------------------------------------------------------------------


def test_too_large_a_request_is_not_read(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "keycloak")) as (_, visitor):
            sent: list[int] = []

            async def chunks() -> AsyncIterator[bytes]:
                for _ in range(1000):
                    sent.append(1)
                    yield b"x" * MAX_BODY

            for body in (b"logout_token=" + b"x" * MAX_BODY, chunks()):
                try:
                    reply = await visitor.post(PAGE, content=body)
                    assert reply.status_code in (400, 413)
                except httpx.HTTPError:
                    pass  # the connection is closed while we still write
            assert len(sent) < 1000

    run_async(go())


def test_a_browsers_cookies_count_for_nothing(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider) as (_, visitor, _user):
            reply = await visitor.post(PAGE, data={"logout_token": Issuer(provider).token()})
            assert reply.status_code == 200
            assert not reply.headers.get_list("set-cookie")

    run_async(go())


def test_a_failure_is_logged_without_the_token(
    provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "keycloak")) as (hub, visitor):
            hub.log.addHandler(caplog.handler)
            hub.log.setLevel("DEBUG")
            token = Issuer(provider).token(nonce="n")
            await post(visitor, token)
            hub.log.removeHandler(caplog.handler)
            assert "backchannel-logout refused" in caplog.text
            assert token not in caplog.text

    run_async(go())


@given(body=st.binary(max_size=200))
def test_any_body_is_a_form_with_a_token_or_refused(body: bytes) -> None:
    with suppress(UnusableTokenError):
        assert isinstance(logout_token_of(body), str)


@given(tokens=st.lists(st.text(min_size=1, max_size=20), max_size=3))
def test_there_must_be_one_token(tokens: list[str]) -> None:
    body = urlencode([("logout_token", token) for token in tokens] + [("more", "x")]).encode()
    if len(tokens) == 1:
        assert logout_token_of(body) == tokens[0]
    else:
        with pytest.raises(UnusableTokenError):
            logout_token_of(body)


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
claim_names = st.sampled_from(["events", "iat", "jti", "sub", "sid", "nonce", EVENT])


@given(claims=st.dictionaries(claim_names, json_values | st.just({EVENT: {}})))
def test_any_claims_name_somebody_or_are_refused(claims: dict[str, Any]) -> None:
    try:
        sub, sid = told(claims, 1000.0)
    except UnusableTokenError:
        return
    assert sub or sid
    assert "nonce" not in claims
    assert isinstance(claims["events"][EVENT], dict)
