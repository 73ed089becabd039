"""Remembers who tried to get in, for the page that refuses them.

A refusal is raised wherever a rule fails, mostly far from what the provider said of the person;
that was asked for in the same login, so it is noted there.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from oauthenticator.oauth2 import OAuthenticator

from fedhub_authenticators.plain_words import tidy

_said: ContextVar[dict[str, Any] | None] = ContextVar("said", default=None)
"""What the provider says of the person whose login goes on; None outside of a login."""

_NAME = ""
"""What their user name is noted under, beside the provider's claims."""


@dataclass(frozen=True)
class Tried:
    """Somebody who was not let in, as the provider knows them; "" for what it does not say.

    Attributes:
        username: what the provider calls them, before the hub's prefix.
        email: their address.
        institution: the name of where they signed in.
    """

    username: str
    email: str
    institution: str


class KnowsWhoTried(OAuthenticator):
    """Leaves with a login's request who it is, should they be refused."""

    async def get_authenticated_user(self, handler: Any, data: Any = None) -> Any:
        """Log somebody in."""
        said: dict[str, Any] = {}
        token = _said.set(said)
        model = None
        try:
            model = await super().get_authenticated_user(handler, data)
        finally:
            _said.reset(token)
            if model is None:
                handler.who_tried = self._who(said)
        return model

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Note what the provider says."""
        user: dict[str, Any] = await super().token_to_user(token_info)
        said = _said.get()
        if said is not None and isinstance(user, Mapping):
            said.update(user)
        return user

    def user_info_to_username(self, user_info: dict[str, Any]) -> Any:
        """Note what the provider calls them."""
        name = super().user_info_to_username(user_info)
        said = _said.get()
        if said is not None:
            said[_NAME] = name
        return name

    def _who(self, said: Mapping[str, Any]) -> Tried:
        email, name, idp = (said.get(claim) for claim in ("email", "idp_name", "idp"))
        if not (isinstance(name, str) and name) and isinstance(idp, str) and idp:
            name = self.institution_name(idp)
        found = (said.get(_NAME), email, name)
        return Tried(*(tidy(one) if isinstance(one, str) else "" for one in found))
