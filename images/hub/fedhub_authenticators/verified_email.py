"""Keeps people out whose e-mail address the provider has not verified.

Upstream asks at Auth0 and Google only, and in `check_allowed`, which JupyterHub 5 does not call
where `allow_all` is on: with it, anybody can sign up under somebody else's address and be them
(GHSA-rrvg-cxh4-qhrv). What keeps people out belongs into `check_blocked_users`. Elsewhere the same
holds for people who are called by their address, where the provider says that it is not verified
(OpenID Connect Core 1.0 section 5.1, `email_verified`); one that says nothing is believed.
"""

from __future__ import annotations

from typing import Any

from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthenticator
from traitlets import Bool

from fedhub_authenticators.refusals import Reason, Refused

CLAIMS = {
    "Auth0OAuthenticator": "email_verified",
    "GoogleOAuthenticator": "verified_email",
}
"""Providers where people are known by an address, and the claim that says that it is theirs."""


class VerifiedEmail(OAuthenticator):
    """Asks for a verified address where people are known by it."""

    allow_unverified_email = Bool(
        False,
        config=True,
        help="""Take people who are called by an e-mail address that the provider has not verified:
        anybody who can sign up there can be anybody.""",
    )

    async def check_blocked_users(
        self, username: str, authentication: dict[str, Any] | None = None
    ) -> bool:
        """Hold somebody against what keeps people out.

        Raises:
            Refused: the address is not verified, and `allow_unverified_email` is not on.
        """
        if authentication is not None and not self.allow_unverified_email:
            user = authentication["auth_state"][self.user_auth_state_key]
            if "email" in user and not self._email_is_theirs(username, user):
                raise Refused(
                    Reason.EMAIL,
                    f"{self.login_service} has not verified your e-mail address, so the hub "
                    f"can't tell that it is yours. Verify it at {self.login_service}, then sign "
                    "in again.",
                    username=username,
                )
        return bool(await maybe_future(super().check_blocked_users(username, authentication)))

    def _email_is_theirs(self, username: str, user: dict[str, Any]) -> bool:
        names = (base.__name__ for base in type(self).__mro__)
        claim = next((CLAIMS[name] for name in names if name in CLAIMS), None)
        if claim is not None:
            # Exactly true: the text "false" would do otherwise.
            return user.get(claim) is True
        called_by_it = self.username_claim == "email" or (
            isinstance(user["email"], str) and user["email"].lower() in username.lower()
        )
        said = user.get("email_verified", True)
        # Amazon Cognito sends it as text.
        return not called_by_it or said is True or said == "true"
