"""What an application makes of what others say: an answer that somebody pasted, a hub's words."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joserfc import jwt

from fedhub.errors import FedhubError
from fedhub.services.application import Application, Issuer, discovered
from fedhub.services.text import seen_table
from fedhub.services.trial import Seen
from tests.unit.services.liar import CALLBACK, KEY, SECRET, Liar, hub

__all__ = ["hub"]

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.binary(max_size=8).map(str),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def asked(application: Application) -> dict[str, str]:
    query = parse_qs(urlsplit(application.address).query)
    return {name: values[0] for name, values in query.items()}


# --- the answer ------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.text(max_size=40) | st.text(max_size=20).map(lambda end: f"{CALLBACK}?{end}"))
@example(f"{CALLBACK}?code=x")
@example(f"{CALLBACK}?code=x&state=another")
@example(f"{CALLBACK}?code=x&state=%ff")
@example(f"{CALLBACK}?code=x&state=\u00e9")
@example("https://[")
def test_what_is_no_answer_is_never_redeemed(hub: Liar, pasted: str) -> None:
    with pytest.raises(FedhubError, match="no answer to the login"):
        Application(hub.handover()).told(pasted)


def test_an_error_is_said_in_the_hubs_words(hub: Liar) -> None:
    application = Application(hub.handover())
    state = asked(application)["state"]
    with pytest.raises(FedhubError, match="'access_denied\\\\x1b'"):
        application.told(f"{CALLBACK}?error=access_denied%1b&state={state}")


def test_pkce_state_and_nonce_are_new_each_time(hub: Liar) -> None:
    issuer = hub.honest()
    first, second = (asked(Application(hub.handover(), issuer)) for _ in range(2))
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name]) >= 20
    assert first["code_challenge_method"] == "S256"


# --- discovery -------------------------------------------------------------------------------


@settings(max_examples=25)
@given(ANYTHING | st.binary(max_size=20))
def test_an_issuer_that_says_anything_is_refused_without_a_traceback(hub: Liar, said: Any) -> None:
    hub.honest()
    hub.answers[".well-known/openid-configuration"] = said
    with pytest.raises(FedhubError):
        discovered(f"{hub.home}/oidc")


@settings(max_examples=25)
@given(
    st.sampled_from(["keys", "jwks_uri", "token_endpoint", "response_types_supported"]), ANYTHING
)
@example("token_endpoint", "https://elsewhere.example.org/token")
@example("issuer", "http://127.0.0.1:9/hub/oidc")
@example("jwks_uri", "http://127.0.0.1:9/jwks")
@example("keys", [{"kty": "oct", "k": "AAAA"}])
@example("keys", [])
def test_one_thing_that_is_not_as_it_should_be(hub: Liar, name: str, said: Any) -> None:
    hub.honest()
    if name == "keys":
        hub.answers["jwks"] = {"keys": said}
    else:
        hub.answers[".well-known/openid-configuration"] = {**hub.metadata, name: said}
    try:
        issuer = discovered(f"{hub.home}/oidc")
    except FedhubError:
        return
    assert name in ("keys", "response_types_supported"), issuer


# --- tokens ----------------------------------------------------------------------------------


def id_token(application: Application, issuer: Issuer, **change: Any) -> str:
    claims = {
        "iss": issuer.metadata["issuer"],
        "aud": "service-app",
        "sub": "s",
        "iat": 0,
        "exp": 99_999_999_999,
        "nonce": asked(application)["nonce"],
        "preferred_username": "olga",
        **change,
    }
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": "k"}, said, KEY)


def told(hub: Liar, application: Application, token: Any) -> Any:
    hub.answers["token"] = token
    return application.told(f"{CALLBACK}?code=c&state={asked(application)['state']}")


def test_an_honest_hub_is_believed(hub: Liar) -> None:
    issuer = hub.honest()
    application = Application(hub.handover(), issuer)
    token = {"access_token": "t", "id_token": id_token(application, issuer)}
    found = told(hub, application, token)
    assert (found.user, found.groups, found.claims["sub"]) == ("olga", ("a",), "s")


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example.org"},
        {"iss": None},
        {"aud": "service-other"},
        {"aud": "service-other", "azp": "service-app"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": "another"},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_this_login_is_not_believed(
    hub: Liar, change: dict[str, Any]
) -> None:
    issuer = hub.honest()
    application = Application(hub.handover(), issuer)
    token = {"access_token": "t", "id_token": id_token(application, issuer, **change)}
    with pytest.raises(FedhubError, match=r"can't be believed|two people"):
        told(hub, application, token)


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_nor_is_one_that_is_not_signed_by_the_hub(hub: Liar, algorithm: str) -> None:
    issuer = hub.honest()
    application = Application(hub.handover(), issuer)
    _, claims, _ = id_token(application, issuer).split(".")
    headers = {"HS256": "eyJhbGciOiJIUzI1NiJ9", "none": "eyJhbGciOiJub25lIn0"}
    forged = f"{headers[algorithm]}.{claims}."
    with pytest.raises(FedhubError, match="can't be believed"):
        told(hub, application, {"access_token": "t", "id_token": forged})


@settings(max_examples=25)
@given(
    ANYTHING | st.binary(max_size=20) | ANYTHING.map(lambda x: {"access_token": "t", "id_token": x})
)
@example({"access_token": "t", "id_token": "a.b.c"})
@example({"access_token": "t"})
@example({"access_token": "\n"})
@example({"error": ["invalid_grant"]})
def test_whatever_the_token_url_says_there_is_no_traceback(hub: Liar, said: Any) -> None:
    issuer = hub.honest()
    with pytest.raises(FedhubError) as error:
        told(hub, Application(hub.handover(), issuer), said)
    assert SECRET not in str(error.value)


@settings(max_examples=25)
@given(ANYTHING | ANYTHING.map(lambda groups: {"name": "olga", "groups": groups}), st.text())
@example({"name": "olga", "groups": 5}, "t")
@example({"name": "olga", "groups": []}, "\n")
@example({"name": "olga", "groups": []}, "\u00e9")
def test_whatever_the_hub_says_of_the_person_there_is_no_traceback(
    hub: Liar, said: Any, token: str
) -> None:
    hub.answers = {"api/oauth2/token": {"access_token": token}, "api/user": said}
    application = Application(hub.handover())
    try:
        found = application.told(f"{CALLBACK}?code=c&state={asked(application)['state']}")
    except FedhubError:
        return
    assert all(isinstance(group, str) for group in found.groups)


def test_claims_are_printed_below_the_table() -> None:
    olga = Seen("campus-olga", "gets in", "olga", ("a",), claims={"sub": "s", "groups": ["a"]})
    lines = seen_table([olga, Seen("campus-max", "is refused")])
    assert lines[-3:] == [
        "",
        "persona      claims of the ID token",
        'campus-olga  {"sub": "s", "groups": ["a"]}',
    ]
    assert len(seen_table([Seen("campus-max", "is refused")])) == 2
