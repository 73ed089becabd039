"""Who gets in and who is an admin, for each provider and each kind of rule."""

from __future__ import annotations

from typing import Any

import pytest
from tornado.web import HTTPError

from tests.unit.authenticators.logins import (
    ENTITY,
    GENERIC,
    authenticator_of,
    configured,
    decide,
    one,
)

OTHER = "https://other.example.org/idp"


def cilogon(**idp: Any) -> dict[str, Any]:
    derivation = {
        "username_claim": "eppn",
        "action": "strip_idp_domain",
        "domain": "uni.example.edu",
    }
    return {"idps": {ENTITY: {"username_derivation": derivation, **idp}}}


def at(idp: str, name: str = "ada") -> dict[str, Any]:
    return {
        "idp": idp,
        "idp_name": "A University",
        "eppn": f"{name}@uni.example.edu",
        "sub": f"http://cilogon.org/serverA/users/{name}",
    }


ADA = {"login": "Ada", "id": 1, "email": "ada@example.org"}
GOOGLE = {"email": "ada@lab.example.org", "verified_email": True, "hd": "lab.example.org"}
CLAIMS = {"sub": "1", "preferred_username": "ada", "groups": ["staff"]}
G = GENERIC | {"username_claim": "preferred_username"}
GROUPS = {"manage_groups": True, "auth_state_groups_key": "oauth_user.groups"}
K = {"iam_url": "https://iam.example.org/auth", "realm": "r1"}

TABLE: list[tuple[str, str, dict[str, Any], dict[str, Any], bool, bool]] = [
    # CILogon
    ("00", "cilogon", cilogon(), at(ENTITY), False, False),
    ("01", "cilogon", cilogon(allow_all=True), at(ENTITY), True, False),
    ("02", "cilogon", cilogon(allow_all=True), at(OTHER), False, False),
    ("03", "cilogon", cilogon(allowed_domains=["uni.example.edu"]), at(ENTITY), True, False),
    ("04", "cilogon", cilogon(allowed_domains=["other.example.edu"]), at(ENTITY), False, False),
    ("05", "cilogon", cilogon() | {"allowed_users": ["ada"]}, at(ENTITY), True, False),
    ("06", "cilogon", cilogon() | {"allowed_users": ["bob"]}, at(ENTITY), False, False),
    ("07", "cilogon", cilogon() | {"admin_users": ["ada"]}, at(ENTITY), True, True),
    ("08", "cilogon", cilogon() | {"admin_users": ["ada"]}, at(OTHER), False, False),
    (
        "09",
        "cilogon",
        cilogon(allow_all=True) | {"blocked_users": ["ada"]},
        at(ENTITY),
        False,
        False,
    ),
    # GitHub
    ("10", "github", {}, ADA, False, False),
    ("11", "github", {"allow_all": True}, ADA, True, False),
    ("12", "github", {"allowed_users": ["ada"]}, ADA, True, False),
    ("13", "github", {"admin_users": ["ada"]}, ADA, True, True),
    ("14", "github", {"admin_users": ["bob"]}, ADA, False, False),
    # Google
    ("20", "google", {}, GOOGLE, False, False),
    (
        "21",
        "google",
        {"hosted_domain": ["lab.example.org"], "allow_all": True},
        GOOGLE,
        True,
        False,
    ),
    ("22", "google", {"hosted_domain": ["example.org"]}, GOOGLE, False, False),
    ("23", "google", {"admin_users": ["ada@lab.example.org"]}, GOOGLE, True, True),
    # any OpenID Connect provider
    ("30", "generic-oauth", G, CLAIMS, False, False),
    ("31", "generic-oauth", G | GROUPS | {"allowed_groups": ["staff"]}, CLAIMS, True, False),
    ("32", "generic-oauth", G | GROUPS | {"allowed_groups": ["students"]}, CLAIMS, False, False),
    (
        "33",
        "generic-oauth",
        G | GROUPS | {"allow_all": True, "admin_groups": ["staff"]},
        CLAIMS,
        True,
        True,
    ),
    ("34", "generic-oauth", G | {"allow_all": True}, CLAIMS, True, False),
    # Keycloak, without Custos
    ("40", "keycloak", K, CLAIMS, False, False),
    ("41", "keycloak", K | {"allow_all": True}, CLAIMS, True, False),
    ("42", "keycloak", K | {"allowed_groups": ["staff"]}, CLAIMS, True, False),
    ("43", "keycloak", K | {"allowed_groups": ["students"]}, CLAIMS, False, False),
    ("44", "keycloak", K | {"admin_groups": ["staff"]}, CLAIMS, True, True),
    ("45", "keycloak", K | {"allowed_users": ["ada"]}, CLAIMS, True, False),
]


@pytest.mark.parametrize(
    ("row", "name", "config", "user", "allowed", "admin"), TABLE, ids=[row[0] for row in TABLE]
)
def test_who_gets_in(
    row: str, name: str, config: dict[str, Any], user: dict[str, Any], allowed: bool, admin: bool
) -> None:
    authenticator = authenticator_of(configured(one(name, config)))
    try:
        model = decide(authenticator, user)
    except HTTPError as refused:
        assert refused.status_code == 403
        model = None
    assert (model is not None, bool(model and model["admin"])) == (allowed, admin)


def test_a_missing_groups_claim_is_no_group() -> None:
    config = K | {"allowed_groups": ["staff"]}
    claims = {"preferred_username": "ada"}
    with pytest.raises(HTTPError, match="does not let that account in"):
        decide(authenticator_of(configured(one("keycloak", config))), claims)
    model = decide(
        authenticator_of(configured(one("keycloak", config | {"allow_all": True}))), claims
    )
    assert model is not None
    assert model["groups"] == []
