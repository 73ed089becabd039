"""A persona: a made-up person with claims, used to preview and to explain logins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Persona:
    """Somebody who can sign in at the embedded identity provider.

    Attributes:
        name: unique in a preview; what `--as` and the sign-in form take.
        provider: the login provider of the hub (its name under `global.fedhub.login`, or
            `login` for a plain z2jh file).
        idp: the entity ID of the institution for CILogon and Custos; the issuer otherwise.
        idp_name: the institution's display name.
        about: one line that says why this persona exists.
        claims: everything the provider may say of the person, OpenID Connect names. The faces
            pick from them by scope; the GitHub face reads `preferred_username`, `email`,
            `name`, `groups` (organisation or `organisation:team`).
    """

    name: str
    provider: str
    idp: str
    idp_name: str
    about: str
    claims: Mapping[str, Any] = field(default_factory=dict)
