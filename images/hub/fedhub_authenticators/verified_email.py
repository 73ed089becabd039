"""Keeps people out whose e-mail address the provider has not verified.

Upstream asks in `check_allowed`, which JupyterHub 5 does not call where `allow_all` is on: with
it, anybody can sign up under somebody else's address and be them (GHSA-rrvg-cxh4-qhrv). What
keeps people out belongs into `check_blocked_users`.
"""

from __future__ import annotations

from typing import Any

from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthenticator

from fedhub_authenticators.refusals import Reason, Refused

CLAIMS = {
    "Auth0OAuthenticator": "email_verified",
    "GoogleOAuthenticator": "verified_email",
}
"""Providers where people are known by an address, and the claim that says that it is theirs."""


class VerifiedEmail(OAuthenticator):
    """Asks for a verified address where people are known by it."""

    async def check_blocked_users(
        self, username: str, authentication: dict[str, Any] | None = None
    ) -> bool:
        """Hold somebody against what keeps people out.

        Raises:
            Refused: the address is not verified, and `allow_unverified_email` is not on.
        """
        if authentication is not None and not getattr(self, "allow_unverified_email", False):
            self._check_email_is_theirs(
                username, authentication["auth_state"][self.user_auth_state_key]
            )
        return bool(await maybe_future(super().check_blocked_users(username, authentication)))

    def _check_email_is_theirs(self, username: str, user: dict[str, Any]) -> None:
        names = (base.__name__ for base in type(self).__mro__)
        claim = next((CLAIMS[name] for name in names if name in CLAIMS), None)
        # Exactly true: the text "false" would do otherwise.
        if claim and "email" in user and user.get(claim) is not True:
            raise Refused(
                Reason.EMAIL,
                f"{self.login_service} has not verified your e-mail address, so the hub can't tell "
                f"that it is yours. Verify it at {self.login_service}, then sign in again.",
                username=username,
            )
