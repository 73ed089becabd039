"""A hub with students of a campus and staff by GitHub."""

from __future__ import annotations

from typing import Any

from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    DOMAIN,
    ENTITY,
    authenticator_of,
    configured,
    decide,
    running,
)

IDPS = {ENTITY: {"username_derivation": {"username_claim": "eppn"}, "allow_all": True}}
GITHUB = {"login": "olga", "id": 1, "email": None}
CAMPUS = {"idp": ENTITY, "eppn": "olga"}
OIDC = {"username": "olga", "groups": ["g1"]}


def settings(
    students: dict[str, Any] | None = None, staff: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Students by a campus account under their own names, staff by GitHub, and more."""
    return {
        "domain": DOMAIN,
        "login": {
            "students": {
                "authenticator": "cilogon",
                "prefix": "",
                "config": {"idps": IDPS},
                **(students or {}),
            },
            "staff": {
                "authenticator": "github",
                "config": {"allow_all": True},
                **(staff or {}),
            },
            **more,
        },
    }


def federated(c: Config | None = None, **change: Any) -> Any:
    return authenticator_of(configured(settings(**change), c))


def logged_in(authenticator: Any, name: str, user: dict[str, Any]) -> dict[str, Any]:
    model = decide(authenticator.authenticators[name], user)
    assert model is not None
    return model


def visit(c: Config, journey: Any) -> None:
    async def go() -> None:
        async with running(c) as (hub, visitor):
            await journey(hub, visitor)

    run_async(go())
