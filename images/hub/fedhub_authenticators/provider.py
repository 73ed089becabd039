"""What every provider's class of ours has, whichever oauthenticator class it builds on."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthenticator
from tornado.web import HTTPError
from traitlets import Unicode

from fedhub_authenticators.fetching import Fetching
from fedhub_authenticators.plain_words import PlainCallback, PlainWords

PROVIDER = "provider"
"""The key of auth_state that says through which provider somebody came."""

_REFUSED = 403

_PAGES: tuple[tuple[type[BaseHandler], type[BaseHandler]], ...] = (
    (OAuthCallbackHandler, PlainCallback),
)
"""Upstream's pages, and what ours put before each."""


class Provider(PlainWords, Fetching, OAuthenticator):
    """Knows its name, and keeps it with everybody who logs in.

    Comes before the class that it adds to, so that what it guarantees holds whatever that class
    does. Our classes are called as the class that they build on, so that the operator's
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

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Return the provider's pages, with what ours do beside upstream's."""
        return [(path, _with_ours(page)) for path, page in super().get_handlers(app)]

    async def build_auth_state_dict(
        self, token_info: dict[str, Any], user_info: dict[str, Any]
    ) -> dict[str, Any]:
        """Add the provider's name to what upstream keeps."""
        found = super().build_auth_state_dict(token_info, user_info)
        state: dict[str, Any] = await found if isawaitable(found) else found
        if self.provider_name:
            state[PROVIDER] = self.provider_name
        return state

    async def refresh_user(
        self, user: Any, handler: BaseHandler | None = None, **kwargs: Any
    ) -> bool | dict[str, Any]:
        """Refresh somebody, and hold them against the rules once more.

        JupyterHub asks `check_allowed` at login only: somebody taken out of an allowed group
        or organisation would stay in for as long as their session lasts.

        Returns:
            What upstream returns; False, so that they must log in again, when no rule lets
            them in any more.
        """
        try:
            refreshed: bool | dict[str, Any] = await super().refresh_user(user, handler, **kwargs)
            if not isinstance(refreshed, dict) or await self._still_let_in(refreshed):
                return refreshed
        except HTTPError as error:
            # Upstream refuses some at once, such as those of an institution no longer listed.
            if error.status_code != _REFUSED:
                raise
        self.log.warning("%s is not let in any more", user.name)
        return False

    async def _still_let_in(self, auth_model: dict[str, Any]) -> bool:
        name = auth_model["name"]
        if not await maybe_future(self.check_blocked_users(name, auth_model)):
            return False
        return self.allow_all or bool(await maybe_future(self.check_allowed(name, auth_model)))


def _with_ours(page: type[BaseHandler]) -> type[BaseHandler]:
    """Return a provider's page that does what ours do, then what it does itself."""
    for upstream, own in _PAGES:
        if issubclass(page, upstream) and not issubclass(page, own):
            bases = (own,) if issubclass(own, page) else (own, page)
            return type(page.__name__, bases, {"__module__": __name__, "__doc__": page.__doc__})
    return page
