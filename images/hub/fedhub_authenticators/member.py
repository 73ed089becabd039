"""A provider among several: its own names inside, the hub's names outside.

All rules of a provider (`allowed_users`, `admin_users`, `username_pattern`, …) see the name that
the provider gives. Only when they have let somebody in, the prefix is added, and that is the
name the hub knows.
"""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_path_join
from oauthenticator.oauth2 import (
    OAuthCallbackHandler,
    OAuthenticator,
    OAuthLoginHandler,
    _deserialize_state,
)
from tornado.web import HTTPError
from traitlets import Unicode

from fedhub_authenticators.auth_state import PROVIDER
from fedhub_authenticators.provider import Provider
from fedhub_authenticators.refusals import Reason, Refused


class Member(Provider):
    """What a provider's class has on top when it is one of several.

    Its `parent` is the FederatedAuthenticator.
    """

    prefix = Unicode("", help="What the hub's names of this provider's users start with.")

    path = Unicode("", help="Where its pages are, below the hub's prefix; empty for the root.")

    def hub_name(self, name: str) -> str:
        """Return the hub's name of a user of this provider."""
        return self.prefix + name

    def own_name(self, hub_name: str) -> str:
        """Return the provider's name of a user of this hub."""
        return hub_name.removeprefix(self.prefix)

    async def run_post_auth_hook(
        self, handler: BaseHandler, auth_model: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Give somebody who was let in the hub's name, which is also what a hook sees."""
        auth_model["name"] = self.hub_name(auth_model["name"])
        model: dict[str, Any] | None = await super().run_post_auth_hook(handler, auth_model)
        return model

    def check_name(self, name: str) -> None:
        """Refuse the names of other providers' users.

        Raises:
            Refused: it is one.
        """
        if self.parent.member_of(name) is self:
            return
        self.log.error(
            "%s came from provider %s: the name is kept for another provider",
            name,
            self.provider_name,
        )
        raise Refused(
            Reason.NAME_TAKEN,
            f"Your user name, {name}, is kept for people who log in another way. Tell the hub's "
            "operator.",
            username=name,
        )

    async def refresh_user(
        self, user: Any, handler: BaseHandler | None = None, **kwargs: Any
    ) -> bool | dict[str, Any]:
        """Refresh somebody who came from this provider; anybody else must log in again.

        On a provider's own pages JupyterHub asks that provider, whoever comes there.
        """
        if self.parent.member_of(user.name) is not self:
            return False
        if self.enable_auth_state:
            state = await user.get_auth_state()
            if not state or state.get(PROVIDER) != self.provider_name:
                self.log.info("%s did not come from provider %s", user.name, self.provider_name)
                return False
        refreshed: bool | dict[str, Any] = await super().refresh_user(user, handler, **kwargs)
        return refreshed

    def add_user(self, user: Any) -> Any:
        """Take note of a user of the hub whose name says that they are of this provider."""
        return super().add_user(_UnderOwnName(user, self.own_name(user.name)))

    def delete_user(self, user: Any) -> Any:
        """Forget a user of the hub."""
        return super().delete_user(_UnderOwnName(user, self.own_name(user.name)))

    def get_callback_url(self, handler: BaseHandler | None = None) -> str:
        """Return the provider's own callback URL, guessed from the request when not set."""
        if self.oauth_callback_url or handler is None or not self.path:
            return str(super().get_callback_url(handler))
        path = url_path_join(handler.hub.server.base_url, self.path, "oauth_callback")
        return f"{handler.request.protocol}://{handler.request.host}{path}"

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Return the provider's pages, at addresses of its own."""
        return [
            (self.path + path, bound(handler, self)) for path, handler in super().get_handlers(app)
        ]


class _UnderOwnName:
    """A user as the provider knows them."""

    def __init__(self, user: Any, name: str) -> None:
        self._user = user
        self.name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._user, attribute)


def member_class(cls: type[OAuthenticator]) -> type[Member]:
    """Return a provider's class as one of several; it keeps its name."""
    return type(cls.__name__, (Member, cls), {"__module__": __name__, "__doc__": cls.__doc__})


def bound(handler: type[BaseHandler], member: Member) -> type[BaseHandler]:
    """Return a page that belongs to one provider, whatever the hub's authenticator is."""
    bases: tuple[type[BaseHandler], ...] = (handler,)
    if issubclass(handler, OAuthLoginHandler):
        bases = (_MarkedLogin, handler)
    elif issubclass(handler, OAuthCallbackHandler):
        bases = (_MarkedCallback, handler)
    return type(handler.__name__, bases, {"__module__": __name__, "authenticator": member})


class _MarkedLogin(OAuthLoginHandler):
    """Starts a login that only the same provider's callback may end.

    Without it, a provider could end a login begun at another (the mix-up attack, RFC 9700
    section 4.4; its section 4.4.2.2 asks for one callback URL each, checked like this).
    """

    def _generate_state_id(self) -> str:
        return f"{self.authenticator.provider_name}.{super()._generate_state_id()}"


class _MarkedCallback(OAuthCallbackHandler):
    """Ends only the logins that the same provider's login page began."""

    def check_state(self) -> None:
        super().check_state()
        begun: str = _deserialize_state(self.get_state_cookie()).get("state_id") or ""
        if begun.rpartition(".")[0] != self.authenticator.provider_name:
            self.log.warning("A login begun elsewhere came to %s", self.request.path)
            raise HTTPError(400, "This login was begun with another provider. Start again.")
