"""A login provider as the finished configuration has it, and the people one makes for it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fedhub.access.institutions import Institution
from fedhub.access.persona import Persona


@dataclass(frozen=True)
class Provider:
    """A login provider as the finished configuration has it.

    Attributes:
        name: as under `global.fedhub.login`.
        label: what the login button says.
        face: which face of the embedded identity provider stands in.
        classes: names of the authenticator's class and its parents.
        user_key: the key of `auth_state` that holds the claims.
        traits: the traits that JSON can carry.
    """

    name: str
    label: str
    face: str
    classes: tuple[str, ...]
    user_key: str
    traits: Mapping[str, Any]

    def names(self, trait: str) -> list[str]:
        """Return a trait that is a list or set of names; empty when it is not set."""
        value = self.traits.get(trait) or []
        return [str(name) for name in value]

    @property
    def institution_claims(self) -> tuple[str, ...]:
        """The claims that may say at which institution somebody signed in; the first counts.

        None where a provider has no institutions behind it.
        """
        return ("idp",) if self.face == "cilogon" else tuple(self.names("idp_claims"))

    @property
    def institutions(self) -> list[str]:
        """The entity IDs, or aliases of a realm's brokers, that a provider's `idps` lists."""
        if not self.institution_claims:
            return []
        return self.names("idps") or self.names("allowed_idps")

    @property
    def lists_nobody(self) -> bool:
        """Whether nobody can get in: CILogon's `idps` is all that it takes people of."""
        return self.face == "cilogon" and not self.institutions

    def username_claim(self, idp: str) -> str:
        """Return the claim that user names are made of, "" where code makes them.

        Args:
            idp: the institution, which decides at CILogon.
        """
        if self.face == "cilogon":
            rule = (self.traits.get("idps") or {}).get(idp) or {}
            return str((rule.get("username_derivation") or {}).get("username_claim") or "")
        claim = self.traits.get("username_claim")
        return claim if isinstance(claim, str) else ""

    def group_path(self) -> list[str]:
        """Return where in the claims the authenticator looks for groups."""
        key = self.traits.get("auth_state_groups_key")
        path = str(key).split(".") if isinstance(key, str) and key else []
        if path[:1] == [self.user_key]:
            path = path[1:]
        return path or ["groups"]

    def persona(self, at: Institution, name: str, about: str, claims: dict[str, Any]) -> Persona:
        """Return a persona of an institution who signs in through this provider."""
        return Persona(name, self.name, at.entity_id, at.name, about, claims)


def slug(text: str) -> str:
    """Return text as a word for a persona's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


def number(*parts: str) -> int:
    """Return a number that stays the same for the same person, as a provider's `sub` does."""
    return zlib.crc32("|".join(parts).encode())


def put(claims: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a claim inside other claims."""
    for part in path[:-1]:
        claims = claims.setdefault(part, {})
    claims[path[-1]] = value
