"""Logging out of the provider, not of the hub alone.

JupyterHub's logout clears the hub's cookies; the provider's single-sign-on session lives on and
lets the next person at the same browser straight back in (airavata-custos issue 264). So:

    read the tokens → clear the hub's session → withdraw the tokens, end the session (from here)
    → send the browser to the provider's logout → it comes back to the hub

OpenID Connect RP-Initiated Logout 1.0 for the way there and back. Where a provider has no such
thing, the page after a logout says so and links to the provider's own logout.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from jupyterhub.handlers import LogoutHandler
from oauthenticator.oauth2 import OAuthLogoutHandler
from tornado.httputil import url_concat
from traitlets import Enum, Unicode, default

from fedhub_authenticators import events
from fedhub_authenticators.client_credentials import CLIENT
from fedhub_authenticators.hub_sessions import EndsCodes
from fedhub_authenticators.revocation import PATIENCE, Revokes
from fedhub_authenticators.server_hooks import provider_of

T = TypeVar("T")

LOGOUT_PAGES = {
    "CILogonOAuthenticator": "/logout/",
    "GitHubOAuthenticator": "/logout",
    "GoogleOAuthenticator": "/Logout",
    "GlobusOAuthenticator": "/v2/web/logout",
}
"""Where people log out by hand, on the host that they sign in at; from none a way leads back."""

LONGEST_HINT = 4000
"""Characters of an ID token that go into an address: proxies cut off at 8 KiB or less."""


class LogsOut(Revokes):
    """Ends the provider's session with the hub's."""

    end_session_url = Unicode(
        config=True,
        help="""The provider's logout page (OpenID Connect RP-Initiated Logout 1.0); default:
        `end_session_endpoint` of the issuer's discovery document.""",
    )
    post_logout_redirect_uri = Unicode(
        config=True,
        help="""Where the provider's logout page sends people. It must be registered there;
        default: the callback URL, which shows that they are logged out. With
        `logout_redirect_url` people go there instead, and not to the provider's page.""",
    )
    provider_logout_url = Unicode(
        config=True,
        help="""Where people can log out of the provider by hand. The page after a logout links
        to it where the provider's session is not ended otherwise. Known for CILogon, also where
        it is behind Custos or Keycloak, and for GitHub, Google and Globus.""",
    )
    logout_of_provider = Enum(
        ["never", "if-it-leads-back", "always"],
        "if-it-leads-back",
        config=True,
        help="""Whether a logout from the hub ends the provider's session: `never`;
        `if-it-leads-back`: where the provider brings people back to the hub afterwards;
        `always`: elsewhere too, by sending people to `provider_logout_url`, from where they do
        not come back.""",
    )

    @default("provider_logout_url")
    def _default_provider_logout_url(self) -> str:
        if known := getattr(self, "default_provider_logout_url", None):
            return str(known())
        page = next((page for name, page in LOGOUT_PAGES.items() if self.is_a(name)), "")
        host = urlsplit(self.authorize_url or "")
        if not (page and host.netloc):
            return ""
        skin = getattr(self, "skin", "")
        address = f"{host.scheme}://{host.netloc}{page}"
        return str(url_concat(address, {"skin": skin} if skin else {}))

    def brand(self) -> str:
        """Return the provider's own name, whatever the operator calls its button."""
        if self.is_a("GenericOAuthenticator"):
            return urlsplit(self.authorize_url or "").hostname or str(self.login_service)
        return str(self.trait_defaults("login_service")).removesuffix(" Login")

    def behind(self) -> str:
        """Return who keeps a session of its own behind the provider's, "" for nobody.

        Nothing ends that one but `provider_logout_url`.
        """
        leads_to_cilogon = getattr(self, "leads_to_cilogon", None)
        return "CILogon" if leads_to_cilogon and leads_to_cilogon() else ""

    def left_to_people(self) -> dict[str, str]:
        """Return what a page says of the session that only a person can end."""
        return {
            "provider_logout_url": str(self.provider_logout_url),
            "provider_name": self.behind() or self.brand(),
        }

    async def end_session_page(self) -> str:
        """Return the provider's logout page that leads back, "" where there is none.

        Raises:
            HTTPClientError, OSError, ValueError: the issuer did not answer as it should.
        """
        if self.end_session_url:
            return str(self.end_session_url)
        if known := getattr(self, "default_end_session_url", None):
            return str(known())
        return await self.advertised("end_session_endpoint")

    def end_session_address(self, page: str, id_token: Any, handler: Any) -> str:
        """Return where to send a browser, so that it is logged out and comes back.

        Args:
            page: the provider's logout page.
            id_token: the login's, which spares people a question; None without one.
            handler: the request, to tell the callback URL from where none is configured.
        """
        back = self.post_logout_redirect_uri or self.get_callback_url(handler)
        if isinstance(id_token, str) and 0 < len(id_token) <= LONGEST_HINT:
            who = {"id_token_hint": id_token}
        else:
            who = {"client_id": self.client_in_use().client_id}
        return str(url_concat(page, {**who, "post_logout_redirect_uri": back}))

    async def end_session(self, kept: Mapping[str, Any]) -> None:
        """End a session as far as it can be done from here: withdraw its tokens.

        Args:
            kept: the person's auth_state.

        Raises:
            HTTPClientError, OSError, ValueError: the provider did not do it.
        """
        refresh_token = kept.get("refresh_token")
        with_token = getattr(self, "end_session_with", None)
        if with_token and refresh_token and self.logout_of_provider != "never":
            await with_token(refresh_token)
        elif self.revoke_tokens_on_logout:
            await self.revoke_tokens(kept)

    async def attempt(self, doing: str, what: Awaitable[T], otherwise: T) -> T:
        """Return what comes of something, or `otherwise` when it fails or takes too long."""
        try:
            return await asyncio.wait_for(what, PATIENCE)
        except Exception as error:  # noqa: BLE001 - people get out whatever fails
            about = {"provider": self.called, "doing": doing, "error": type(error).__name__}
            self.log.warning("%s", events.line("logout", "failed", **about))
            return otherwise


class LogoutPage(EndsCodes, OAuthLogoutHandler):
    """Logs somebody out of the hub and of the provider."""

    _kept: Mapping[str, Any] = {}
    _provider_page = ""

    async def get(self) -> None:
        """Log out in JupyterHub's order, which Globus' class of upstream's turns around."""
        await LogoutHandler.get(self)

    async def default_handle_logout(self) -> None:
        """Read the tokens before the hub forgets whose session it is.

        Those of another provider stay away from this one, whoever sent the browser here.
        """
        user = self.current_user
        hubs = self.settings["authenticator"]
        if user and provider_of(hubs, user.name) is self.authenticator:
            self._kept = await user.get_auth_state() or {}
        await super().default_handle_logout()

    async def handle_logout(self) -> None:
        """End the session there, all at once."""
        authenticator = self.authenticator
        authenticator.use_client(self._kept.get(CLIENT))
        page = authenticator.attempt("finding its logout", authenticator.end_session_page(), "")
        if self.asked_elsewhere():
            await OAuthLogoutHandler.handle_logout(self)
            self._provider_page = await page
            return
        self._provider_page, *_ = await asyncio.gather(
            page,
            authenticator.attempt("ending", authenticator.end_session(self._kept), None),
            authenticator.attempt("upstream's part", super().handle_logout(), None),
        )

    def asked_elsewhere(self) -> bool:
        """Return whether another site's page sent the browser here.

        JupyterHub lets any page log people out of the hub; ours must not make that a logout from
        everything the provider lets them into. Then people get a link to decide with. Where each
        person's server has a host of its own, those are other sites, too.
        """
        others = {"cross-site"} | ({"same-site"} if self.settings.get("subdomain_host") else set())
        return self.request.headers.get("Sec-Fetch-Site") in others

    async def render_logout_page(self) -> None:
        """Send the browser on to the provider's logout, or say how to get there."""
        authenticator = self.authenticator
        if authenticator.logout_redirect_url:
            await super().render_logout_page()
            return
        wanted = authenticator.logout_of_provider if not self.asked_elsewhere() else "never"
        if self._provider_page and wanted != "never":
            id_token = self._kept.get("id_token")
            page = self._provider_page
            self.redirect(authenticator.end_session_address(page, id_token, self))
        elif authenticator.provider_logout_url and wanted == "always":
            self.redirect(authenticator.provider_logout_url)
        elif self._provider_page or authenticator.provider_logout_url:
            self.finish(await self.render_template("logout.html", **self._left_to_people()))
        else:
            await super().render_logout_page()

    def _left_to_people(self) -> dict[str, str]:
        authenticator = self.authenticator
        if not self._provider_page:
            found: dict[str, str] = authenticator.left_to_people()
            return found
        # Without the ID token, which has no place in a page; the provider asks instead.
        address = authenticator.end_session_address(self._provider_page, None, self)
        return {"provider_logout_url": address, "provider_name": authenticator.brand()}
