"""A provider's claim becomes a name that the hub takes, and two people's never become one.

CILogon's names are in `test_cilogon`, prefixes of several providers in `test_several_providers`.
"""

from __future__ import annotations

from typing import Any

import pytest
from fedhub_authenticators.refusals import Refused
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tornado.web import HTTPError

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    GENERIC,
    User,
    authenticator_of,
    configured,
    mock_provider,
    one,
)
from tests.unit.authenticators.mocked import CUSTOS_TENANT, PROVIDERS, Person, attach

KELVIN = "\u212a"
"""The sign for a unit, which in lower case is a plain k, as are no two people's names."""

VALUES = st.text(max_size=6) | st.text(f"abkA:/@ {KELVIN}\u200b\n.", max_size=8)
"""Whatever a claim may hold, and what is hard to tell apart."""

LOCAL = st.text(f"abkAB.+-_{KELVIN}", min_size=1, max_size=6)
DOMAINS = st.sampled_from(["lab.org", "LAB.org", "uni.edu", "evil.lab.org", "lab.org.evil"])

ADA = {"sub": "1", "id": 1}


def hub(name: str, **config: Any) -> Any:
    return authenticator_of(configured(one(name, {"allow_all": True, **config})))


CLAIMED = {
    "custos legacy": (hub("custos", **CUSTOS_TENANT), "username"),
    "custos v1": (hub("custos", flavour="v1", **CUSTOS_TENANT), "preferred_username"),
    "google": (hub("google"), "email"),
    "globus": (hub("globus"), "preferred_username"),
    "github": (hub("github"), "login"),
    "generic": (hub("generic-oauth", username_claim="name", **GENERIC), "name"),
}
"""Authenticators, and the claim that each makes a name of."""


def derived(authenticator: Any, **claims: Any) -> str | None:
    """The hub's name for somebody, None where there is none."""
    try:
        name = authenticator.user_info_to_username({**ADA, **claims})
    except Refused:
        return None
    return str(authenticator.normalize_username(name))


@pytest.mark.parametrize("kind", CLAIMED)
def test_a_plain_claim_is_the_name(kind: str) -> None:
    authenticator, claim = CLAIMED[kind]
    domain = "@lab.org" if kind == "google" else ""
    assert derived(authenticator, **{claim: f"Ada{domain}"}) == f"ada{domain}"


@pytest.mark.parametrize("kind", CLAIMED)
@given(value=VALUES | st.none() | st.integers() | st.lists(st.text(max_size=3), max_size=2))
def test_a_name_that_comes_out_is_one_that_the_hub_takes(kind: str, value: Any) -> None:
    authenticator, claim = CLAIMED[kind]
    name = derived(authenticator, **{claim: value})
    if name is not None:
        assert isinstance(value, str)
        assert authenticator.validate_username(name)
        assert name.isprintable()
        assert authenticator.normalize_username(name) == name


@pytest.mark.parametrize("kind", [kind for kind in CLAIMED if kind != "globus"])
@example(one_value=KELVIN, other_value="k")
@given(one_value=VALUES, other_value=VALUES)
def test_different_claims_make_different_names_but_for_upper_and_lower_case(
    kind: str, one_value: str, other_value: str
) -> None:
    authenticator, claim = CLAIMED[kind]
    here, there = (derived(authenticator, **{claim: value}) for value in (one_value, other_value))
    one_is_odd = (KELVIN in one_value) != (KELVIN in other_value)
    if one_is_odd or one_value.lower() != other_value.lower():
        assert here is None or here != there


# --- domains that are stripped ------------------------------------------------------------

WORKSPACE = hub("google", hosted_domain=["lab.org"], strip_domain=True)


@given(local=LOCAL, domain=DOMAINS)
def test_google_strips_the_domain_of_the_workspace_and_no_other(local: str, domain: str) -> None:
    name = derived(WORKSPACE, email=f"{local}@{domain}")
    assume(name is not None)  # an address with a sign that no name may have
    whole = f"{local}@{domain}".lower()
    assert name == (local.lower() if domain.lower() == "lab.org" else whole)


@given(one_local=LOCAL, one_domain=DOMAINS, other_local=LOCAL, other_domain=DOMAINS)
def test_two_addresses_at_google_never_make_one_name(
    one_local: str, one_domain: str, other_local: str, other_domain: str
) -> None:
    addresses = f"{one_local}@{one_domain}".lower(), f"{other_local}@{other_domain}".lower()
    assume(addresses[0] != addresses[1])
    here, there = (derived(WORKSPACE, email=address) for address in addresses)
    assert here is None or here != there


INSTITUTION = hub("globus", identity_provider="uni.edu")


def let_in(authenticator: Any, claims: dict[str, Any], kind: str) -> str | None:
    """The name of somebody whom the hub lets in, None where it refuses them."""

    async def login() -> Any:
        client = attach(PROVIDERS[kind], authenticator, Person(claims))
        handler = client.handler_for_user(claims)
        return await authenticator.get_authenticated_user(handler, None)

    try:
        model = run_async(login())
    except HTTPError:
        return None
    return None if model is None else str(model["name"])


@settings(max_examples=40)
@given(local=LOCAL | st.text("ab@", min_size=1), domain=DOMAINS)
def test_globus_strips_the_domain_of_the_institution_and_lets_no_other_in(
    local: str, domain: str
) -> None:
    name = let_in(INSTITUTION, {"sub": "1", "preferred_username": f"{local}@{domain}"}, "globus")
    if domain != "uni.edu" or "@" in local:
        assert name is None
    else:
        assert name in (local.lower(), None)
        assert name is not None or derived(INSTITUTION, preferred_username=local) is None


# --- names that the operator gives --------------------------------------------------------

NAMES = st.text("abc@.", min_size=1, max_size=4)
MAPS = st.dictionaries(NAMES, NAMES, max_size=4).filter(
    # JupyterHub looks twice at a login: what a name becomes may not become something else.
    lambda names: not names.keys() & names.values()
)


@settings(max_examples=60)
@given(names=MAPS, name=NAMES)
def test_a_name_of_the_operators_map_is_that_and_every_other_stays(
    names: dict[str, str], name: str
) -> None:
    given_name = names.get(name, name)
    authenticator = hub("generic-oauth", username_claim="name", username_map=names, **GENERIC)
    claims = {"sub": "1", "name": name.upper()}
    assert let_in(authenticator, claims, "generic") == given_name
    # And it is by that name that rules know people.
    authenticator.blocked_users = {given_name}
    assert let_in(authenticator, claims, "generic") is None


@settings(max_examples=30)
@given(names=MAPS, name=NAMES)
def test_a_refresh_knows_people_by_the_name_of_the_operators_map(
    names: dict[str, str], name: str
) -> None:
    authenticator = hub("generic-oauth", username_claim="name", username_map=names, **GENERIC)
    claims = {"sub": "1", "name": name}

    async def go() -> Any:
        client = mock_provider(authenticator)
        model = await authenticator.get_authenticated_user(client.handler_for_user(claims), None)
        client.access_tokens[model["auth_state"]["access_token"]] = claims
        user = User(model["name"], model["auth_state"])
        stays = await authenticator.refresh_user(user)
        assert isinstance(stays, dict)
        assert stays["name"] == model["name"]
        authenticator.blocked_users = {names.get(name, name)}
        return await authenticator.refresh_user(user)

    assert run_async(go()) is False
