"""A hub where two institutions give one name to two people."""

from __future__ import annotations

from typing import Any

from jupyterhub.orm import APIToken

from tests.unit.authenticators.logins import (
    configured,
    one,
    running,
)

HERE = "https://idp.uni.example.edu/idp/shibboleth"
THERE = "https://idp.elsewhere.example/idp/shibboleth"
BY_EMAIL = {"allow_all": True, "username_derivation": {"username_claim": "email"}}
CILOGON = {"idps": {HERE: BY_EMAIL, THERE: BY_EMAIL}}
REALM = {"iam_url": "https://iam.example.org/auth", "realm": "r1", "allow_all": True}

ADA = {"sub": "1", "email": "ada@example.org", "idp": HERE, "idp_name": "Here"}
EVE = {"sub": "2", "email": "ada@example.org", "idp": THERE, "idp_name": "There"}
"""Somebody whose institution lets people choose what their e-mail address is."""


def hub(**traits: Any) -> Any:
    return running(configured(one("cilogon", CILOGON | traits)))


async def status(visitor: Any, app: Any, user: dict[str, Any]) -> int:
    """Log somebody in with a browser of their own; return what the hub answers."""
    visitor.cookies.clear()
    reply = await visitor.log_in(app.authenticator, user)
    return int(reply.status_code)


def token(app: Any, *scopes: str) -> dict[str, str]:
    """The header of somebody who may do some things."""
    with app.db.no_autoflush:
        user = app.users["admin@example.org"]
        made = APIToken.new(user=user.orm_user, scopes=list(scopes))
    return {"Authorization": f"token {made}"}
