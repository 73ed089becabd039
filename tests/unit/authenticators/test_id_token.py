"""An ID token counts only when its issuer signed it, for this hub, for this login."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from fedhub_authenticators.refusals import Reason, Refused
from oauthenticator.generic import GenericOAuthenticator

from tests.unit.authenticators.id_tokens import GOOD, OPENID, STRANGER, login, openid
from tests.unit.authenticators.logins import (
    NONCE,
    PRIVATE_KEY,
    id_token,
)


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
