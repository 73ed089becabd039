"""What a refresh has found out so far, also when it fails halfway.

A refresh token is often good for one use. Whoever used it must keep what came of it, even if the
next request fails: with the old one there would be nothing left to ask with (RFC 9700 section
4.14.2 has providers take a second use for theft).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from oauthenticator.oauth2 import OAuthenticator

from fedhub_authenticators.access_tokens import EXPIRES_AT
from fedhub_authenticators.refusals import Reason

_KEPT = ("access_token", "refresh_token")
"""What a renewal brings that the next one needs."""


@dataclass
class Refresh:
    """A refresh that goes on.

    Attributes:
        before: the auth state that it began with.
        renewed: the provider's answer to the refresh token; None before that.
        trouble: what went wrong at the provider, "" for nothing.
        reason: what that is counted as.
    """

    before: dict[str, Any] = field(repr=False)
    renewed: Mapping[str, Any] | None = field(default=None, repr=False)
    trouble: str = ""
    reason: Reason = Reason.PROVIDER

    def state_with_new_tokens(self) -> dict[str, Any]:
        """Return the auth state of before, with the tokens that a renewal has brought."""
        if self.renewed is None:
            return self.before
        tokens = {key: self.renewed[key] for key in _KEPT if self.renewed.get(key)}
        kept = self.before.get("token_response") or {}
        response = {key: value for key, value in kept.items() if key != EXPIRES_AT}
        return {**self.before, **tokens, "token_response": {**response, **tokens}}


_under_way: ContextVar[Refresh | None] = ContextVar("refresh under way", default=None)


@contextmanager
def refreshing(before: dict[str, Any]) -> Iterator[Refresh]:
    """Begin a refresh.

    Args:
        before: what is kept of the person's login.
    """
    refresh = Refresh(before)
    token = _under_way.set(refresh)
    try:
        yield refresh
    finally:
        _under_way.reset(token)


def under_way() -> Refresh | None:
    """Return the refresh that goes on; None at a login."""
    return _under_way.get()


class NotesRenewals(OAuthenticator):
    """Stands behind what holds tokens against keys, which may fail for want of the keys."""

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Get tokens, and note what came of a refresh token."""
        found: dict[str, Any] = await super().get_token_info(handler, params)
        refresh = under_way()
        if refresh is not None and isinstance(found, Mapping):
            refresh.renewed = found
        return found
