"""A tenant's owner: an account with a password, made in its realm when the tenant is activated.

It is not linked to CILogon, so whoever comes from there with its user name or e-mail address is
stopped (airavata-custos issue 265).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from fedhub.idp.client import Client
from fedhub.idp.custos_tenants.registry import Tenant
from fedhub.idp.records import SignIn
from fedhub.idp.state import State, same_secret, username_of

SCOPE = "email profile"


def owner_by_password(state: State, client: Client, username: str, password: str) -> SignIn | None:
    """The owner of a client's tenant, signed in; None with another name or password."""
    tenant = state.tenants.by_id(client.realm)
    settings = tenant.settings if tenant else {}
    if username.lower() != str(settings.get("admin_username", "")).lower():
        return None
    if not same_secret(password, str(settings.get("admin_password", ""))):
        return None
    return SignIn(
        client=client,
        persona=username.lower(),
        claims=_claims(client.realm, settings),
        idp="",
        idp_name="",
        auth_time=state.clock(),
    )


def duplicate_of(tenant: Tenant | None, claims: Mapping[str, Any]) -> str:
    """What Keycloak's broker says of a newcomer who is the owner by name; "" of others."""
    if tenant is None:
        return ""
    email, username = claims.get("email"), username_of(claims, "").lower()
    if email and str(email).lower() == str(tenant.settings.get("admin_email", "")).lower():
        return f"User with email {email} already exists"
    if username and username == str(tenant.settings.get("admin_username", "")).lower():
        return f"User with username {username} already exists"
    return ""


def _claims(realm: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    username = str(settings["admin_username"]).lower()
    first, last = str(settings["admin_first_name"]), str(settings["admin_last_name"])
    return {
        "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{realm}/{username}")),
        "email": settings["admin_email"],
        "email_verified": True,
        "name": f"{first} {last}",
        "given_name": first,
        "family_name": last,
        "preferred_username": username,
        "realm_access": {"roles": ["admin"]},
    }
