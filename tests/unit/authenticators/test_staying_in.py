"""Whoever a rule lets in no longer is out at the next refresh."""

from __future__ import annotations

from typing import Any

import pytest

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    ENTITY,
    GENERIC,
    User,
    authenticator_of,
    configured,
    mock_provider,
    one,
)

DERIVED = {"username_derivation": {"username_claim": "email"}}
CASES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # authenticator, config, claims that are let in, claims that no longer are
    (
        "generic-oauth",
        GENERIC
        | {
            "username_claim": "sub",
            "manage_groups": True,
            "auth_state_groups_key": "oauth_user.groups",
            "allowed_groups": ["staff"],
        },
        {"sub": "ada", "groups": ["staff"]},
        {"sub": "ada", "groups": []},
    ),
    (
        "cilogon",
        {"idps": {ENTITY: DERIVED | {"allowed_domains": ["uni.edu"]}}},
        {"email": "ada@uni.edu", "idp": ENTITY},
        {"email": "ada@other.edu", "idp": ENTITY},
    ),
    (
        "cilogon",
        {"idps": {ENTITY: DERIVED | {"allow_all": True}}},
        {"email": "ada@uni.edu", "idp": ENTITY},
        {"email": "ada@uni.edu", "idp": "https://idp.elsewhere.example"},
    ),
    (
        "google",
        {"hosted_domain": ["lab.org"], "strip_domain": False, "allow_all": False}
        | {"allowed_users": ["ada@lab.org"]},
        {"email": "ada@lab.org", "verified_email": True, "hd": "lab.org"},
        {"email": "ada@gmail.com", "verified_email": True},
    ),
]


def refreshed(authenticator: Any, claims: dict[str, Any]) -> Any:
    async def go() -> Any:
        mock_provider(authenticator).access_tokens["t"] = claims
        token = {"access_token": "t", "token_type": "Bearer"}
        return await authenticator.refresh_user(User("ada", {"token_response": token}))

    return run_async(go())


@pytest.mark.parametrize(("name", "config", "before", "after"), CASES)
def test_a_refresh_asks_the_rules_again(
    name: str, config: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    authenticator = authenticator_of(configured(one(name, config)))
    assert isinstance(refreshed(authenticator, before), dict)
    assert refreshed(authenticator, after) is False


def test_a_user_who_is_blocked_meanwhile_is_out() -> None:
    config = GENERIC | {"username_claim": "sub", "allow_all": True}
    authenticator = authenticator_of(configured(one("generic-oauth", config)))
    assert isinstance(refreshed(authenticator, {"sub": "ada"}), dict)
    authenticator.blocked_users = {"ada"}
    assert refreshed(authenticator, {"sub": "ada"}) is False
