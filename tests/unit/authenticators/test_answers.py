"""Answers of a provider that make no sense let nobody in, and are no internal errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from fedhub_authenticators.answers import why_no_name
from fedhub_authenticators.refusals import Reason, Refused
from hypothesis import given
from hypothesis import strategies as st
from tornado.web import HTTPError

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    NONCE,
    User,
    authenticator_of,
    configured,
    one,
    running,
)
from tests.unit.authenticators.mocked import PROVIDERS, Provider, attach

ABSENT = object()


def hub_of(provider: Provider, **more: Any) -> Any:
    """A hub that reads as many claims as it can."""
    rules = {**provider.config, **provider.staff, **provider.staff_admins, **more}
    authenticator = authenticator_of(configured(one(provider.authenticator, rules)))
    authenticator.enable_auth_state = True
    return authenticator


def answering(provider: Provider, authenticator: Any, answer: Any, nonce: str = NONCE) -> Any:
    """Have a provider say something of ada; call it with an event loop running."""
    client = attach(provider, authenticator, provider.ada, nonce)
    fetch = type(authenticator).fetch

    async def said(request: Any, **kwargs: Any) -> Any:
        if request.url.partition("?")[0] == authenticator.userdata_url:
            # Dictionaries are changed on the way.
            return json.loads(json.dumps(answer))
        return await fetch(authenticator, request, **kwargs)

    authenticator.fetch = said
    return client


def log_in(provider: Provider, answer: Any, **more: Any) -> dict[str, Any]:
    """What the hub makes of an answer.

    Raises:
        HTTPError: it refuses.
    """

    async def go() -> Any:
        authenticator = hub_of(provider, **more)
        client = answering(provider, authenticator, answer)
        handler = client.handler_for_user(dict(provider.ada.claims))
        return await authenticator.get_authenticated_user(handler, None)

    model: dict[str, Any] = run_async(go())
    return model


def stays(provider: Provider, answer: Any, **more: Any) -> bool:
    """Whether ada stays in once the provider answers like this."""
    token = {"access_token": "t", "token_type": "Bearer", "other_tokens": []}
    state = {"token_response": token, "access_token": "t"}

    async def go() -> Any:
        authenticator = hub_of(provider, **more)
        answering(provider, authenticator, answer)
        return await authenticator.refresh_user(User(provider.name, state), None)

    kept = run_async(go())
    assert kept is False or isinstance(kept, dict)
    return isinstance(kept, dict)


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("answer", [[], "ada", 1, True, None, {}, [{"sub": "1"}]])
def test_an_answer_about_nobody_is_refused(name: str, answer: Any) -> None:
    with pytest.raises(HTTPError) as error:
        log_in(PROVIDERS[name], answer, allow_all=True)
    assert isinstance(error.value, Refused)
    assert not stays(PROVIDERS[name], answer, allow_all=True)


CLAIMS = [
    ("cilogon", "eppn"),
    ("cilogon", "idp"),
    ("custos legacy", "username"),
    ("custos v1", "preferred_username"),
    ("custos keycloak", "preferred_username"),
    ("keycloak", "preferred_username"),
    ("github", "login"),
    ("gitlab", "username"),
    ("google", "email"),
    ("globus", "preferred_username"),
    ("generic", "preferred_username"),
]


@pytest.mark.parametrize(("name", "claim"), CLAIMS)
@pytest.mark.parametrize("value", [ABSENT, None, "", [], ["ada"], {"ada": 1}, 1, False])
def test_a_claim_that_is_missing_or_of_another_type_is_refused(
    name: str, claim: str, value: Any
) -> None:
    provider = PROVIDERS[name]
    claims = {**provider.ada.claims, claim: value}
    if value is ABSENT:
        del claims[claim]
    with pytest.raises(Refused) as error:
        log_in(provider, claims, allow_all=True)
    assert error.value.status_code in (403, 502)
    assert not stays(provider, claims, allow_all=True)


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("google", {"email": "no address"}),
        ("github", {"email": ABSENT}),
        ("gitlab", {"id": "1; drop"}),
        ("gitlab", {"id": ABSENT}),
    ],
)
def test_what_only_the_rules_read_is_refused_too(name: str, claims: Mapping[str, Any]) -> None:
    provider = PROVIDERS[name]
    said = {**provider.ada.claims, **claims}
    said = {claim: value for claim, value in said.items() if value is not ABSENT}
    with pytest.raises(Refused) as error:
        log_in(provider, said)
    assert error.value.why in (Reason.PROVIDER, Reason.NO_NAME)
    assert not stays(provider, said)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
NAMES = [
    *("sub", "id", "idp", "idp_name", "eppn", "username", "preferred_username", "login", "email"),
    *("verified_email", "hd", "groups", "isMemberOf", "name", "domain"),
]


@given(
    st.sampled_from(sorted(PROVIDERS)),
    st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3),
    st.booleans(),
)
def test_whatever_a_provider_says_ends_in_a_name_or_a_refusal(
    name: str, claims: dict[str, Any], everybody: bool
) -> None:
    provider = PROVIDERS[name]
    said = {**provider.ada.claims, **claims}
    try:
        model = log_in(provider, said, allow_all=everybody)
    except HTTPError as error:
        assert isinstance(error, Refused) or error.status_code == 403
        assert not stays(provider, said, allow_all=everybody) or "sub" in claims or "id" in claims
    else:
        assert why_no_name(model["name"]) == ""
        stays(provider, said, allow_all=everybody)


def test_the_log_says_where_and_not_what(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Refused):
        log_in(PROVIDERS["google"], {"sub": "1", "email": "no address"})
    assert "IndexError at google.py:" in caplog.text
    assert "no address" not in caplog.text


def test_the_person_reads_a_sentence() -> None:
    provider = PROVIDERS["google"]

    async def visit() -> None:
        c = configured(one("google", {"allow_all": True}))
        async with running(c) as (hub, visitor):
            begun = await visitor.begin("/hub/oauth_login")
            answer = {"sub": "1", "email": 7}
            client = answering(provider, hub.authenticator, answer, begun["nonce"])
            code = client.handler_for_user(dict(provider.ada.claims)).get_argument("code")
            query = {"code": code, "state": begun["state"]}
            reply = await visitor.get("/hub/oauth_callback", params=query)
            assert reply.status_code == 403
            assert "Google gave the hub no user name" in reply.text

    run_async(visit())
