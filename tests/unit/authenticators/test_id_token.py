"""An ID token counts only when its issuer signed it, for this hub, for this login."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fedhub_authenticators.issuer import (
    REFETCH_AFTER,
    RETRY_AFTER,
    Document,
    Issuer,
    UnknownIssuerError,
)
from fedhub_authenticators.refusals import Reason, Refused
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.tests.mocks import MockAsyncHTTPClient, setup_oauth_mock

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    GENERIC,
    ISSUER,
    NONCE,
    PRIVATE_KEY,
    PUBLIC_KEY,
    authenticator_of,
    configured,
    id_token,
    one,
)

OPENID = GENERIC | {
    "scope": ["openid"],
    "username_claim": "name",
    "allow_all": True,
    "client_id": "the-hub",
    "client_secret": "s3cret",
    "issuer": ISSUER,
}
GOOD = {"sub": "ada-1", "aud": "the-hub", "nonce": NONCE}
USER = {"sub": "ada-1", "name": "ada"}
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def login(
    authenticator: Any,
    token: Any,
    user: Any = USER,
    keys: Any = None,
    key_set: Any = None,
    asked: list[str] | None = None,
    token_endpoint: str = "https://oidc.example.org/token",
) -> Any:
    """Log in where the provider answers with a given ID token."""

    async def go() -> Any:
        client = MockAsyncHTTPClient(force_instance=True)
        setup_oauth_mock(client, "oidc.example.org", "/token", "/userinfo")
        seen = asked if asked is not None else []
        published = [PUBLIC_KEY] if keys is None else keys

        def page(name: str, answer: Callable[[], Any]) -> Any:
            def handle(_: Any) -> Any:
                seen.append(name)
                return answer()

            return handle

        metadata = {
            "issuer": ISSUER,
            "jwks_uri": f"{ISSUER}/jwks",
            "token_endpoint": token_endpoint,
        }
        client.add_host(
            "issuer.example.org",
            [
                ("/.well-known/openid-configuration", page("discovery", lambda: metadata)),
                ("/jwks", page("keys", lambda: key_set or {"keys": published})),
            ],
        )
        authenticator.http_client = client
        handler = client.handler_for_user(user | ({} if token is None else {"id_token": token}))
        return await authenticator.get_authenticated_user(handler, None)

    return run_async(go())


def openid(**traits: Any) -> Any:
    return authenticator_of(configured(one("generic-oauth", OPENID | traits)))


def unsigned(claims: dict[str, Any]) -> str:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    body = jwt.decode(id_token(claims), options={"verify_signature": False})
    return f"{part({'alg': 'none', 'kid': 'key-1'})}.{part(body)}."


def signed_with_the_public_key(claims: dict[str, Any]) -> str:
    """HS256, with what everybody can know as the secret (RFC 8725 section 2.1)."""
    secret = PRIVATE_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"key-1"}').rstrip(b"=")
    payload = id_token(claims).split(".")[1].encode()
    signature = jwt.get_algorithm_by_name("HS256").sign(header + b"." + payload, secret)
    return (header + b"." + payload + b"." + base64.urlsafe_b64encode(signature)).decode()


FALSE_TOKENS: dict[str, Any] = {
    "none at all": None,
    "empty": "",
    "no token": "abc",
    "a number": 7,
    "of another key": id_token(GOOD, STRANGER),
    "of an unknown key": id_token(GOOD, STRANGER, kid="key-2"),
    "unsigned": unsigned(GOOD),
    "signed with the public key": signed_with_the_public_key(GOOD),
    "of another issuer": id_token(GOOD | {"iss": "https://elsewhere.example.org"}),
    "for another hub": id_token(GOOD | {"aud": "another"}),
    "for several, asked for by nobody": id_token(GOOD | {"aud": ["the-hub", "another"]}),
    "asked for by another": id_token(GOOD | {"azp": "another"}),
    "expired": id_token(GOOD | {"exp": 1}),
    "not valid yet": id_token(GOOD | {"nbf": 99999999999}),
    "without an end": id_token({**GOOD, "exp": None}),
    "of another login": id_token(GOOD | {"nonce": "other"}),
    "of no login": id_token({key: GOOD[key] for key in ("sub", "aud")}),
    "with a nonce that is no text": id_token(GOOD | {"nonce": [NONCE]}),
    "about nobody": id_token({key: GOOD[key] for key in ("aud", "nonce")}),
    "about a number": id_token(GOOD | {"sub": 1}),
}


def test_a_true_token_lets_in() -> None:
    assert login(openid(), id_token(GOOD))["name"] == "ada"
    assert login(openid(), id_token(GOOD | {"aud": ["the-hub"], "azp": "the-hub"}))["name"] == "ada"


@pytest.mark.parametrize("token", FALSE_TOKENS.values(), ids=FALSE_TOKENS)
def test_a_false_token_lets_nobody_in(token: Any) -> None:
    with pytest.raises(Refused) as refused:
        login(openid(), token)
    assert refused.value.why == Reason.ID_TOKEN


@pytest.mark.parametrize("token", FALSE_TOKENS.values(), ids=FALSE_TOKENS)
def test_upstream_lets_all_of_them_in(token: Any) -> None:
    """What these tests are for; should upstream refuse some day, ours may become less."""
    names = set(GenericOAuthenticator.class_trait_names(config=True)) & OPENID.keys()
    stock = GenericOAuthenticator(**{name: OPENID[name] for name in names})
    assert login(stock, token)["name"] == "ada"


def test_keys_that_come_spoiled_say_nothing_against_a_token() -> None:
    """A gateway's page in place of the keys: the provider is in trouble, and people stay in."""
    with pytest.raises(json.JSONDecodeError):
        login(openid(), id_token(GOOD), key_set="<html>")


def test_userinfo_about_somebody_else_is_refused() -> None:
    for user in ({"sub": "eve-1", "name": "ada"}, {"name": "ada"}, {"sub": ["ada-1"], "name": "a"}):
        with pytest.raises(Refused) as refused:
            login(openid(), id_token(GOOD), user)
        assert refused.value.why == Reason.SUBJECT


def test_a_user_who_stands_in_the_id_token_is_verified_as_well() -> None:
    found = openid(userdata_from_id_token=True, userdata_url="")
    assert login(found, id_token(GOOD | {"name": "ada"}))["name"] == "ada"
    with pytest.raises(Refused):
        login(found, id_token(GOOD | {"name": "ada"}, STRANGER))


def test_without_the_scope_no_token_is_needed_but_a_false_one_is_refused() -> None:
    assert login(openid(scope=[]), None)["name"] == "ada"
    with pytest.raises(Refused):
        login(openid(scope=[]), id_token(GOOD, STRANGER))


def test_verification_can_be_turned_off() -> None:
    assert login(openid(verify_id_token=False), None)["name"] == "ada"


@pytest.mark.parametrize("algorithms", [["none"], ["HS256"], ["ES256"]])
def test_a_list_of_algorithms_can_narrow_but_not_widen(algorithms: list[str]) -> None:
    for token in (id_token(GOOD), unsigned(GOOD), signed_with_the_public_key(GOOD)):
        with pytest.raises(Refused):
            login(openid(id_token_algorithms=algorithms), token)


# --- whose keys ---------------------------------------------------------------------------


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
