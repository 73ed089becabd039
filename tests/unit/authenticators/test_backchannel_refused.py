"""Nobody but the provider logs people out of the hub."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import suppress
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

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.unit.authenticators.faces import hub_at_face, log_in
from tests.unit.authenticators.logins import running
from tests.unit.authenticators.logout_tokens import PAGE, Issuer, is_in, logged_in, post

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
