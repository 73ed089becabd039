"""What a hub asks a registration for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

REFRESH_LIFETIME = 864000
"""Seconds; CILogon's advice for Kubernetes."""


@dataclass(frozen=True)
class Wanted:
    """The attributes of a hub's client (RFC 7591 section 2, and OA4MP's `rt_lifetime`).

    Attributes:
        name: shown to people on CILogon's page.
        redirect_uris: the callback URLs, compared exactly.
        scopes: those the hub may ask for.
        refresh_tokens: whether it gets them.
        contact: an e-mail address; OA4MP keeps one.
        home_url: of the hub.
    """

    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    refresh_tokens: bool = False
    contact: str = ""
    home_url: str = ""

    def attributes(self) -> dict[str, Any]:
        """As JSON has them; None takes away what a hub wants no more."""
        grants = ["authorization_code"] + (["refresh_token"] if self.refresh_tokens else [])
        known: dict[str, Any] = {
            "client_name": self.name,
            "redirect_uris": list(self.redirect_uris),
            "scope": list(self.scopes),
            "grant_types": grants,
            "response_types": ["code"],
            "rt_lifetime": REFRESH_LIFETIME if self.refresh_tokens else 0,
        }
        known |= {"contacts": [self.contact]} if self.contact else {}
        return known | ({"client_uri": self.home_url} if self.home_url else {})

    def lines(self, at: str, file: Path) -> list[str]:
        """What is registered, as lines for a person.

        Args:
            at: the provider.
            file: where its id and secret will be.
        """
        return [
            f"at            {at}",
            f"name          {self.name}",
            *(f"callback URL  {one}" for one in self.redirect_uris),
            f"scopes        {' '.join(self.scopes)}",
            f"refresh       {'yes' if self.refresh_tokens else 'no'}",
            *([f"contact       {self.contact}"] if self.contact else []),
            f"credentials   into {file}, encrypted",
        ]
