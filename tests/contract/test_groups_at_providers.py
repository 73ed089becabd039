"""A real hub whose people's groups come from the embedded identity provider over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.providers import persona
from tests.unit.authenticators.faces import hub_at_face, log_in
from tests.unit.authenticators.logins import running

ON = {"manage_groups": True, "allow_all": False}
GITHUB = ON | {"scope": ["read:org"], "allowed_groups": ["physics:lab"]}
OIDC = ON | {"groups_mapping": {"team-*": "*"}, "allowed_groups": ["a"], "admin_groups": ["a"]}


@asynccontextmanager
async def logged_in(provider: IdentityProvider, face: str, traits: dict[str, Any]) -> AsyncIterator:
    async with running(hub_at_face(provider, face, **traits)) as (hub, visitor):
        reply = await log_in(visitor, face)
        yield hub, visitor, reply


def user_of(hub: Any) -> Any:
    (user,) = (user for user in hub.users.values() if user.name == "ada")
    return user


@pytest.mark.parametrize(
    ("face", "traits", "groups", "admin"),
    [
        ("github", GITHUB, ["astro", "physics", "physics:lab"], False),
        ("github", GITHUB | {"admin_groups": ["astro"]}, ["astro", "physics", "physics:lab"], True),
        ("github", GITHUB | {"groups_mapping": {"*:lab": "physics:lab"}}, ["physics:lab"], False),
        ("oidc", OIDC, ["a"], True),
    ],
)
def test_a_providers_groups_are_the_hubs(
    provider: IdentityProvider, face: str, traits: dict[str, Any], groups: list[str], admin: bool
) -> None:
    async def go() -> None:
        async with logged_in(provider, face, traits) as (hub, _, reply):
            assert reply.status_code == 302, reply.text
            user = user_of(hub)
            assert sorted(group.name for group in user.groups) == groups
            assert user.admin is admin

    run_async(go())


@pytest.mark.parametrize(
    ("face", "traits", "before", "after"),
    [
        ("github", GITHUB, ["physics:lab"], ["astro", "physics"]),
        ("oidc", OIDC, ["team-a"], ["team-b"]),
        ("oidc", OIDC, ["team-a"], []),
    ],
)
def test_whoever_left_the_group_is_out_at_the_next_refresh(
    provider: IdentityProvider,
    face: str,
    traits: dict[str, Any],
    before: list[str],
    after: list[str],
) -> None:
    groups = list(before)
    provider.set_personas([persona(face, groups=groups)])

    async def go() -> None:
        async with logged_in(provider, face, traits) as (hub, _, _reply):
            user = user_of(hub)
            assert isinstance(await hub.authenticator.refresh_user(user), dict)
            groups[:] = after  # the list that the identity provider has
            assert await hub.authenticator.refresh_user(user) is False

    run_async(go())


def test_a_token_without_the_scope_for_groups_lets_nobody_in(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(provider, "github", GITHUB | {"scope": []}) as (_, _, reply):
            assert reply.status_code == 403
            assert "did not tell the hub your groups" in reply.text

    run_async(go())
