"""What is known of an access token without asking the provider: how long it lives, what it says.

Nothing of it is verified, so nothing but a renewal may depend on it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from time import time
from typing import Any

EXPIRES_AT = "expires_at"
"""The key of a token response that says when its access token ends, in seconds since 1970."""


def answer(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a server is told: RFC 6749 section 5.1's names, and when the token ends."""
    scope = state.get("scope") or ""
    return {
        "access_token": state["access_token"],
        "token_type": (state.get("token_response") or {}).get("token_type") or "Bearer",
        "expires_at": _ends_at(state),
        "scope": scope if isinstance(scope, str) else " ".join(scope),
    }


def seconds_left(state: Mapping[str, Any]) -> float | None:
    """Return for how long an access token lives on, None where nobody says."""
    ends = _ends_at(state)
    return None if ends is None else ends - time()


def half_life(state: Mapping[str, Any]) -> float:
    """Return half of what a token lived for at first: short ones are not renewed at every turn."""
    lifetime = number((state.get("token_response") or {}).get("expires_in"))
    return float("inf") if lifetime is None else lifetime / 2


def _ends_at(state: Mapping[str, Any]) -> float | None:
    """Return when an access token ends: as noted when it came, else as it says itself."""
    noted = number((state.get("token_response") or {}).get(EXPIRES_AT))
    if noted is not None:
        return noted
    return number(unverified_claims(state.get("access_token")).get("exp"))


def unverified_claims(token: Any) -> dict[str, Any]:
    """Return the claims of a JSON Web Token as they stand there, {} where it is none."""
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature (RFC 7515 section 3.1)
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def number(value: Any) -> float | None:
    """Return seconds; some providers send them as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return value if usable and 0 <= value < 1e12 else None  # noqa: PLR2004 - beyond any date
