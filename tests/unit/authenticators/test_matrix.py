"""Every provider with every rule that lets people in or makes them admins, alone and among others.

The rule of what is expected is short: somebody is in whom a rule lets in, an admin is always in,
and whoever loses the group that let them in is out at the next refresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from fedhub_authenticators.refusals import Refused

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    DOMAIN,
    GENERIC,
    User,
    authenticator_of,
    configured,
    one,
)
from tests.unit.authenticators.mocked import PROVIDERS, Person, Provider, attach

ALLOW = ("nobody", "everybody", "ada", "somebody else", "staff", "another group")
ADMIN = ("no admins", "ada is admin", "somebody else is admin", "staff are admins")
SETTINGS = ("alone", "one of several")


@dataclass(frozen=True)
class Row:
    """A hub, and what is expected of it about ada, who is one of the staff."""

    provider: Provider
    allow: str
    admin: str
    setting: str

    @property
    def admin_by_name(self) -> bool:
        return self.admin == "ada is admin"

    @property
    def is_admin(self) -> bool:
        by_group = self.admin == "staff are admins" and bool(self.provider.staff_admins)
        return self.admin_by_name or by_group

    @property
    def let_in(self) -> bool:
        return self.allow in ("everybody", "ada", "staff") or self.is_admin

    @property
    def let_in_without_groups(self) -> bool:
        return self.allow in ("everybody", "ada") or self.admin_by_name

    @property
    def name(self) -> str:
        return self.provider.name if self.setting == "alone" else f"campus:{self.provider.name}"

    @property
    def config(self) -> Mapping[str, Any]:
        allow: dict[str, Mapping[str, Any]] = {
            "nobody": {},
            "everybody": {"allow_all": True},
            "ada": {"allowed_users": [self.provider.name]},
            "somebody else": {"allowed_users": ["bob"]},
            "staff": self.provider.staff,
            "another group": _other_group(self.provider.staff),
        }
        admin: dict[str, Mapping[str, Any]] = {
            "no admins": {},
            "ada is admin": {"admin_users": [self.provider.name]},
            "somebody else is admin": {"admin_users": ["bob"]},
            "staff are admins": self.provider.staff_admins,
        }
        return {**self.provider.config, **allow[self.allow], **admin[self.admin]}


def _other_group(traits: Mapping[str, Any]) -> dict[str, Any]:
    """The same rule for a group that ada is not in."""
    return {
        trait: {key: {"students"} for key in value} if isinstance(value, dict) else ["students"]
        for trait, value in traits.items()
    }


ROWS = [
    pytest.param(Row(PROVIDERS[name], *rest), id=", ".join((name, *rest)))
    for name, *rest in product(PROVIDERS, ALLOW, ADMIN, SETTINGS)
]


class Hub:
    """The hub of a row: its authenticator, and the provider's own in it."""

    def __init__(self, row: Row) -> None:
        self.row = row
        if row.setting == "alone":
            c = configured(one(row.provider.authenticator, row.config))
            self.whole = self.own = authenticator_of(c)
        else:
            self.whole = authenticator_of(configured(_with_others(row)))
            self.own = self.whole.authenticators["campus"]
        self.whole.enable_auth_state = self.own.enable_auth_state = True

    async def log_in(self, person: Person) -> dict[str, Any] | None:
        """What the hub makes of somebody; None when they are refused in words of ours."""
        client = attach(self.row.provider, self.own, person)
        handler = client.handler_for_user(dict(person.claims))
        try:
            model: dict[str, Any] | None = await self.own.get_authenticated_user(handler, None)
        except Refused as refused:
            assert refused.status_code == 403
            return None
        assert model is not None
        return model

    async def refresh(self, model: Mapping[str, Any], person: Person) -> Any:
        """What becomes of somebody who is in."""
        client = attach(self.row.provider, self.own, person)
        state = model["auth_state"]
        client.access_tokens[state["token_response"]["access_token"]] = dict(person.claims)
        return await self.whole.refresh_user(User(model["name"], state), None)


def _with_others(row: Row) -> dict[str, Any]:
    campus = {"authenticator": row.provider.authenticator, "config": dict(row.config)}
    other = {"authenticator": "generic-oauth", "config": GENERIC | {"username_claim": "sub"}}
    return {"domain": DOMAIN, "login": {"campus": campus, "other": other}}


@pytest.mark.parametrize("row", ROWS)
def test_who_gets_in_and_who_stays(row: Row) -> None:
    async def go() -> None:
        hub = Hub(row)
        ada = row.provider.ada
        model = await hub.log_in(ada)
        assert (model is not None) is row.let_in
        if model is None:
            return
        assert (model["name"], bool(model["admin"])) == (row.name, row.is_admin)
        stays = await hub.refresh(model, ada)
        assert isinstance(stays, dict)
        assert bool(stays["admin"]) is row.is_admin
        left = await hub.refresh(model, ada.without_groups())
        assert isinstance(left, dict) is row.let_in_without_groups
        if isinstance(left, dict):
            assert bool(left["admin"]) is row.admin_by_name

    run_async(go())


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", PROVIDERS)
def test_whoever_is_blocked_is_out_whatever_lets_them_in(name: str, setting: str) -> None:
    row = Row(PROVIDERS[name], "everybody", "ada is admin", setting)

    async def go() -> None:
        hub = Hub(row)
        model = await hub.log_in(row.provider.ada)
        assert model is not None
        hub.own.blocked_users = {row.provider.name}
        assert await hub.log_in(row.provider.ada) is None
        assert await hub.refresh(model, row.provider.ada) is False

    run_async(go())


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", PROVIDERS)
def test_nobody_is_let_in_by_a_group_that_nobody_named(name: str, setting: str) -> None:
    """An empty list of groups is no rule, as an operator's cleared setting is."""
    provider = PROVIDERS[name]
    empty = {trait: {} if isinstance(v, dict) else [] for trait, v in provider.staff.items()}
    row = Row(provider, "nobody", "no admins", setting)

    async def go() -> None:
        hub = Hub(row)
        for trait, value in empty.items():
            setattr(hub.own, trait, value)
        assert await hub.log_in(provider.ada) is None

    run_async(go())


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_login_without_a_code_is_refused(name: str) -> None:
    from oauthenticator.tests.mocks import no_code_test

    row = Row(PROVIDERS[name], "everybody", "no admins", "alone")

    async def go() -> None:
        await no_code_test(Hub(row).own)

    run_async(go())
