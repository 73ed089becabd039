"""Logging out of Custos and Keycloak, not of the hub alone.

The hub's logout clears the hub's cookies; Keycloak's single-sign-on cookie lives on and logs the
next person at the same browser straight back in (airavata-custos issue 264). So the session is
ended with its refresh token, and the browser is sent to the realm's logout page, which clears
the cookie and sends it back (OpenID Connect RP-Initiated Logout 1.0).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from oauthenticator.oauth2 import OAuthenticator, OAuthLogoutHandler
from tornado.httpclient import HTTPClientError
from tornado.httputil import url_concat
from traitlets import Unicode

PATIENCE = 3.0
"""Seconds to wait for a provider while somebody logs out."""


class CustosLogoutHandler(OAuthLogoutHandler):
    """Logs somebody out of the hub, of Custos, and of Keycloak."""

    _tokens: Mapping[str, Any] = {}

    async def default_handle_logout(self) -> None:
        """Read the tokens before the hub forgets whose session it is."""
        user = self.current_user
        if user:
            self._tokens = await user.get_auth_state() or {}
        await super().default_handle_logout()

    async def handle_logout(self) -> None:
        """End the session there, as far as that can be done from here."""
        await super().handle_logout()
        await self.authenticator.end_session(self._tokens.get("refresh_token"))

    async def render_logout_page(self) -> None:
        """Send the browser to the realm's logout page, unless the operator knows better."""
        address = self.authenticator.logout_address(self._tokens.get("id_token"), self)
        if address and not self.authenticator.logout_redirect_url:
            self.redirect(address)
        else:
            await super().render_logout_page()


class CustosSession(OAuthenticator):
    """What a logout needs of the authenticator."""

    post_logout_redirect_uri = Unicode(
        config=True,
        help="""Where Keycloak's logout page sends people. It must be registered there;
        default: the callback URL, which is, and shows the hub's login page. With
        `logout_redirect_url` people go there, and Keycloak's page is left out.""",
    )

    def logout_address(self, id_token: str | None, handler: Any) -> str:
        """Return the realm's logout page, with where to go from there.

        Args:
            id_token: the login's, which spares people a question; None without auth_state.
            handler: the logout request.
        """
        page: str = self.realm_address("logout")
        if not page:
            return ""
        back = self.post_logout_redirect_uri or self.get_callback_url(handler)
        who = {"id_token_hint": id_token} if id_token else {"client_id": self.client_id}
        return str(url_concat(page, {**who, "post_logout_redirect_uri": back}))

    async def end_session(self, refresh_token: str | None) -> None:
        """End a session through its refresh token; a failure is logged and no more."""
        if not refresh_token:
            return
        limits = {"connect_timeout": PATIENCE, "request_timeout": PATIENCE}
        try:
            if self.flavour == "legacy":
                await self.custos(
                    self.token_url.removesuffix("/token") + "/user/logout",
                    label="logging out of Custos",
                    secret=self.client_secret,
                    method="POST",
                    headers={"Content-Type": "application/json"},
                    body=json.dumps({"refresh_token": refresh_token}),
                    **limits,
                )
            elif page := self.realm_address("logout"):
                form = {"client_id": self.client_id, "client_secret": self.client_secret}
                await self.httpfetch(
                    page,
                    label="logging out of Keycloak",
                    parse_json=False,
                    method="POST",
                    body=urlencode({**form, "refresh_token": refresh_token}),
                    validate_cert=self.validate_server_cert,
                    **limits,
                )
        except (HTTPClientError, OSError, ValueError) as error:
            self.log.warning("The provider's session may live on: %s", type(error).__name__)
