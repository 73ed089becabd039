"""Which of a person's claims a client gets: the scopes it was granted decide."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from fedhub.access.persona import Persona

EMAIL = frozenset({"email", "email_verified"})
PROFILE = frozenset(
    {"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username"}
    | {"profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"}
)
OIDC_SCOPES: Mapping[str, frozenset[str]] = {
    "email": EMAIL,
    "profile": PROFILE,
    "address": frozenset({"address"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
}
"""OpenID Connect Core 1.0 section 5.4: claims that need a scope."""

CILOGON_SCOPES: Mapping[str, frozenset[str]] = {
    "openid": frozenset({"sub", "acr", "amr"}),
    "email": frozenset({"email"}),
    "profile": frozenset({"given_name", "family_name", "name", "preferred_username"}),
}
"""CILogon's own split; everything else an institution says needs `org.cilogon.userinfo`."""

MAX_CLAIMS_LENGTH = 64 * 1024


def select_oidc(claims: Mapping[str, Any], scope: str) -> dict[str, Any]:
    """Leave out the standard claims whose scope was not granted; keep all others."""
    granted = set(scope.split())
    withheld = set().union(*(names for s, names in OIDC_SCOPES.items() if s not in granted))
    return {name: value for name, value in claims.items() if name not in withheld}


def select_cilogon(claims: Mapping[str, Any], scope: str) -> dict[str, Any]:
    """Give a claim only when its scope was granted; empty attributes are omitted."""
    granted = set(scope.split())
    ruled = set().union(*CILOGON_SCOPES.values())
    given = set().union(*(names for s, names in CILOGON_SCOPES.items() if s in granted))
    if "org.cilogon.userinfo" in granted:
        given |= set(claims) - ruled
    return {n: v for n, v in claims.items() if n in given and v not in (None, "", [])}


def scope_for(face: str, claim: str) -> str:
    """Return the scope without which a face keeps a claim back, "" where it never does."""
    if face == "cilogon":
        theirs = (scope for scope, names in CILOGON_SCOPES.items() if claim in names)
        return next(theirs, "org.cilogon.userinfo")
    ruled = OIDC_SCOPES if face in ("keycloak", "oidc") else {}
    return next((scope for scope, names in ruled.items() if claim in names), "")


def known_of(persona: Persona, edited: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """All claims of a persona, or those edited in their place, with a stable `sub`."""
    claims = dict(persona.claims if edited is None else edited)
    claims.setdefault("sub", persona.claims.get("sub") or _stable_id(persona))
    return claims


def parse_claims(text: str) -> dict[str, Any]:
    """Read the claims a person typed.

    Args:
        text: a JSON object.

    Raises:
        ValueError: with a sentence that says what is wrong.
    """
    if len(text) > MAX_CLAIMS_LENGTH:
        raise ValueError(f"Claims may be at most {MAX_CLAIMS_LENGTH} characters long.")
    try:
        claims = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(claims, ensure_ascii=False).encode()  # a lone surrogate can't be sent
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"Claims must be JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise ValueError("Claims are nested too deeply.") from None
    except UnicodeEncodeError:
        raise ValueError("Claims contain half a character (a lone surrogate).") from None
    if not isinstance(claims, dict):
        raise ValueError("Claims must be a JSON object, as in {“email”: “ada@example.org”}.")
    if "sub" in claims and not (isinstance(claims["sub"], str) and claims["sub"]):
        raise ValueError("The claim “sub” must be text and not empty.")
    return claims


def split_hint(hint: str) -> list[str]:
    """The entity IDs in a comma-separated `idphint` or `selected_idp`."""
    return [part.strip() for part in hint.split(",") if part.strip()]


def groups_of(claims: Mapping[str, Any]) -> list[str]:
    """A person's groups; a single text counts as a list of one."""
    groups = claims.get("groups", [])
    if isinstance(groups, str):
        return [groups]
    return [str(group) for group in groups] if isinstance(groups, Iterable) else []


def _stable_id(persona: Persona) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{persona.provider}/{persona.idp}/{persona.name}"))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"Claims must be JSON: {name} is not a JSON number.")
