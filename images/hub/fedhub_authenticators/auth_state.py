"""Keeps what a login brought, encrypted, unless the hub has no key to do it with."""

from __future__ import annotations

from typing import Any

from jupyterhub.crypto import CryptKeeper
from oauthenticator.oauth2 import OAuthenticator
from traitlets import Enum, default

PROVIDER = "provider"
"""The key of auth_state that says through which provider somebody came."""


class KeepsAuthState(OAuthenticator):
    """Has auth state on: refresh, logout at the provider and tokens for servers need it."""

    without_crypt_key = Enum(
        ["refuse", "degrade"],
        "refuse",
        config=True,
        help="""What to do with auth state on and no crypt key: `refuse` to start, or `degrade`
        to a hub that keeps nothing of a login. People then stay in until their session ends, and
        a logout does not reach the provider.""",
    )

    @default("enable_auth_state")
    def _default_enable_auth_state(self) -> bool:
        return True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if (
            self.enable_auth_state
            and self.without_crypt_key == "degrade"
            # One of its own: the hub's comes later, and from the same configuration.
            and not CryptKeeper(config=self.config).keys
        ):
            self.log.warning(
                "There is no crypt key, so nothing of a login is kept: no refresh, no logout at "
                "%s. Set JUPYTERHUB_CRYPT_KEY to 32 random bytes as hex.",
                self.login_service,
            )
            self.set_trait("enable_auth_state", False)
