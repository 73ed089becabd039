"""Whoever a rule lets in no longer is out at the next refresh."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from fedhub_authenticators.staying_in import NAME
from tornado.web import HTTPError

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    ENTITY,
    GENERIC,
    User,
    authenticator_of,
    configured,
    mock_provider,
    one,
    running,
    stock,
)

OTHER = "https://idp.elsewhere.example"
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
        {"email": "ada@uni.edu", "idp": OTHER},
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
    """Refresh somebody whose name is still what it was, so that only a rule can put them out."""

    async def go() -> Any:
        mock_provider(authenticator).access_tokens["t"] = claims
        token = {"access_token": "t", "token_type": "Bearer"}
        state = {"token_response": token}
        with suppress(HTTPError):
            name = authenticator.user_info_to_username(claims)
            state[NAME] = authenticator.normalize_username(name)
        return await authenticator.refresh_user(User("ada", state))

    return run_async(go())


@pytest.mark.parametrize(("name", "config", "before", "after"), CASES)
def test_a_refresh_asks_the_rules_again(
    name: str, config: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    authenticator = authenticator_of(configured(one(name, config)))
    assert isinstance(refreshed(authenticator, before), dict)
    assert refreshed(authenticator, after) is False


@pytest.mark.parametrize(
    ("name", "config", "before", "after"), [case for case in CASES if case[3].get("idp") != OTHER]
)
def test_upstream_asks_no_rule_again(
    name: str, config: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    """What these tests are for; of institutions alone it asks again, and answers with an error."""
    assert isinstance(refreshed(stock(name, config), after), dict)


def test_a_user_who_is_blocked_meanwhile_is_out() -> None:
    config = GENERIC | {"username_claim": "sub", "allow_all": True}
    authenticator = authenticator_of(configured(one("generic-oauth", config)))
    assert isinstance(refreshed(authenticator, {"sub": "ada"}), dict)
    authenticator.blocked_users = {"ada"}
    assert refreshed(authenticator, {"sub": "ada"}) is False


def test_nobody_becomes_another_by_a_change_of_name_at_the_provider() -> None:
    """Neither an admin, nor somebody who is not blocked."""

    async def go() -> None:
        config = GENERIC | {"username_claim": "preferred_username", "scope": ["openid"]}
        people = {"admin_users": ["ada"], "allow_all": True}
        c = configured(one("generic-oauth", config | people))
        async with running(c) as (app, visitor):
            eve = {"sub": "2", "preferred_username": "eve"}
            assert (await visitor.log_in(app.authenticator, eve)).status_code == 302
            user = app.users["eve"]
            token = (await user.get_auth_state())["access_token"]
            told = app.authenticator.http_client.access_tokens
            told[token] = eve | {"preferred_username": "ada"}
            user._auth_refreshed = None
            assert (await visitor.get("/hub/admin")).status_code == 302
            assert not user.admin
            told[token] = eve
            assert (await visitor.get("/hub/home")).status_code == 200

    run_async(go())


def test_a_hook_may_give_people_other_names() -> None:
    async def go() -> None:
        def rename(authenticator: Any, handler: Any, model: dict[str, Any]) -> dict[str, Any]:
            return model | {"name": "countess"}

        c = configured(one("generic-oauth", GENERIC | {"username_claim": "sub", "allow_all": True}))
        c.Authenticator.post_auth_hook = rename
        async with running(c) as (app, visitor):
            assert (await visitor.log_in(app.authenticator, {"sub": "ada"})).status_code == 302
            app.users["countess"]._auth_refreshed = None
            assert (await visitor.get("/hub/home")).status_code == 200

    run_async(go())
