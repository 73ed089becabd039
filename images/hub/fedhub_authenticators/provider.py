"""What every provider's class of ours has, whichever oauthenticator class it builds on."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from traitlets import Unicode

PROVIDER = "provider"
"""The key of auth_state that says through which provider somebody came."""


class Provider(OAuthenticator):
    """Knows its name, and keeps it with everybody who logs in.

    Our classes are called as the class that they build on, so that the operator's
    `c.GitHubOAuthenticator` reaches them.
    """

    provider_name = Unicode(
        "",
        config=True,
        help="The provider's name under `global.fedhub.login`; kept in auth_state.",
    )

    @classmethod
    def section_names(cls) -> list[str]:
        """Each section once: read twice, a `c.GitHubOAuthenticator.scope.append` counts twice."""
        return list(dict.fromkeys(super().section_names()))

    async def build_auth_state_dict(
        self, token_info: dict[str, Any], user_info: dict[str, Any]
    ) -> dict[str, Any]:
        """Add the provider's name to what upstream keeps."""
        found = super().build_auth_state_dict(token_info, user_info)
        state: dict[str, Any] = await found if isawaitable(found) else found
        if self.provider_name:
            state[PROVIDER] = self.provider_name
        return state
