"""Whose keys an ID token is held against, and how often they are asked for."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fedhub_authenticators.issuer import (
    REFETCH_AFTER,
    RETRY_AFTER,
    Document,
    Issuer,
    UnknownIssuerError,
)
from fedhub_authenticators.refusals import Refused
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from tests.asynchronous import run_async
from tests.unit.authenticators.id_tokens import GOOD, STRANGER, login, openid
from tests.unit.authenticators.logins import (
    ISSUER,
    PUBLIC_KEY,
    id_token,
)


def test_an_issuer_that_nobody_named_is_learned_when_it_names_our_token_endpoint() -> None:
    assert login(openid(issuer=""), id_token(GOOD))["name"] == "ada"


def test_an_issuer_that_names_another_token_endpoint_is_not_learned() -> None:
    with pytest.raises(Refused):
        login(openid(issuer=""), id_token(GOOD), token_endpoint=f"{ISSUER}/token")


def test_a_strangers_token_teaches_the_hub_nothing() -> None:
    found = openid(issuer="")
    asked: list[str] = []

    async def fetch(request: Any, **_: Any) -> Any:
        asked.append(request.url)
        raise OSError

    async def go() -> None:
        found.fetch = fetch
        with pytest.raises(Refused):
            await found.verify_jwt(id_token(GOOD), audience=["the-hub"])

    run_async(go())
    assert asked == []


def test_an_issuer_once_learned_is_the_only_one() -> None:
    found = openid(issuer="")
    assert login(found, id_token(GOOD))["name"] == "ada"
    with pytest.raises(Refused):
        login(found, id_token(GOOD | {"iss": "https://elsewhere.example.org"}))


def test_keys_are_asked_for_once() -> None:
    found = openid()
    asked: list[str] = []
    for _ in range(3):
        login(found, id_token(GOOD), asked=asked)
    assert asked == ["discovery", "keys"]


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{}],
        [7],
        [{"kty": "RSA", "kid": "key-1"}],
        [PUBLIC_KEY | {"use": "enc"}],
        [PUBLIC_KEY | {"alg": "RS512"}],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "key-1"}],
        [PUBLIC_KEY, PUBLIC_KEY],
    ],
)
def test_keys_that_do_not_fit_let_nobody_in(keys: Any) -> None:
    with pytest.raises(Refused):
        login(openid(), id_token(GOOD), keys=keys)


def test_a_token_that_names_no_key_is_held_against_the_only_one() -> None:
    assert login(openid(), id_token(GOOD, kid=None))["name"] == "ada"


class Source:
    """An issuer's addresses, as they are asked."""

    def __init__(self) -> None:
        self.kid = "key-1"
        self.asked: list[str] = []
        self.now = 0.0

    async def fetch(self, address: str, document: Document) -> Any:
        self.asked.append(address.rpartition("/")[2])
        if address.endswith("jwks"):
            return {"keys": [PUBLIC_KEY | {"kid": self.kid}]}
        return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"}

    def issuer(self) -> Issuer:
        return Issuer(ISSUER, self.fetch, clock=lambda: self.now)


def test_a_new_key_is_found_but_strangers_keys_are_not_asked_for_all_the_time() -> None:
    source = Source()
    issuer = source.issuer()

    async def go() -> None:
        await issuer.key("key-1", "RS256")
        source.kid = "key-2"
        for _ in range(5):
            with pytest.raises(UnknownIssuerError):
                await issuer.key("key-2", "RS256")
        assert source.asked.count("jwks") == 1
        source.now += REFETCH_AFTER
        await issuer.key("key-2", "RS256")
        assert source.asked.count("jwks") == 2
        with pytest.raises(UnknownIssuerError):
            await issuer.key("key-1", "RS256")
        assert source.asked.count("jwks") == 2

    run_async(go())


@pytest.mark.parametrize("failing", ["openid-configuration", "jwks"])
def test_an_issuer_that_fails_is_left_alone_for_a_while(failing: str) -> None:
    """Anybody can send tokens that name keys which nobody has."""
    now, asked = [0.0], []

    async def fetch(address: str, label: str) -> Any:
        asked.append(address)
        if address.endswith(failing):
            raise OSError("down")
        return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", "keys": [PUBLIC_KEY]}

    async def go() -> None:
        issuer = Issuer(ISSUER, fetch, clock=lambda: now[0])
        for number in range(20):
            with pytest.raises(OSError):
                await issuer.key(f"strange-{number}", "RS256")
        assert len([one for one in asked if one.endswith(failing)]) == 1
        now[0] += RETRY_AFTER
        with pytest.raises(OSError):
            await issuer.key("key-1", "RS256")
        assert len([one for one in asked if one.endswith(failing)]) == 2

    run_async(go())


def test_keys_that_are_known_hold_while_the_issuer_fails() -> None:
    now, down = [0.0], [False]

    async def fetch(address: str, label: str) -> Any:
        if down[0]:
            raise OSError("down")
        return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", "keys": [PUBLIC_KEY]}

    async def go() -> None:
        issuer = Issuer(ISSUER, fetch, clock=lambda: now[0])
        await issuer.key("key-1", "RS256")
        down[0], now[0] = True, REFETCH_AFTER
        with pytest.raises(OSError):
            await issuer.key("strange", "RS256")
        assert await issuer.key("key-1", "RS256")

    run_async(go())


def test_many_logins_at_once_fetch_keys_once() -> None:
    import asyncio

    source = Source()
    issuer = source.issuer()

    async def go() -> None:
        await asyncio.gather(*(issuer.key("key-1", "RS256") for _ in range(100)))

    run_async(go())
    assert source.asked == ["openid-configuration", "jwks"]


def test_a_withdrawn_key_goes_though_nobody_uses_another() -> None:
    source = Source()
    issuer = source.issuer()

    async def go() -> None:
        await issuer.key("key-1", "RS256")
        source.kid = "key-2"
        source.now += 7200
        with pytest.raises(UnknownIssuerError):
            await issuer.key("key-1", "RS256")

    run_async(go())


def test_a_discovery_document_about_another_issuer_counts_for_nothing() -> None:
    async def fetch(address: str, document: Document) -> Any:
        return {"issuer": "https://elsewhere.example.org", "jwks_uri": f"{ISSUER}/jwks"}

    with pytest.raises(UnknownIssuerError):
        run_async(Issuer(ISSUER, fetch).metadata())


@given(
    st.text(max_size=60)
    | st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode())
)
def test_no_text_is_taken_for_a_token(text: str) -> None:
    found = openid()

    async def go() -> None:
        with pytest.raises(Refused):
            await found.verify_jwt(text, audience=["the-hub"])

    run_async(go())


def test_ec_keys_work() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from jwt.algorithms import ECAlgorithm

    private = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(ECAlgorithm.to_jwk(private.public_key())) | {"kid": "key-1"}
    token = id_token(GOOD, private, alg="ES256")
    assert login(openid(), token, keys=[public])["name"] == "ada"
    rsa_key = json.loads(RSAAlgorithm.to_jwk(STRANGER.public_key())) | {"kid": "key-1"}
    with pytest.raises(Refused):
        login(openid(), token, keys=[rsa_key])
