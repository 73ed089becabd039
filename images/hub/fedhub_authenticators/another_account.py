"""Lets somebody who was refused sign in with another account, at the provider itself.

A person with one account at a provider is signed in there without being asked, so "try again"
leads to the same refusal. What helps depends on the provider:

- one with an `end_session_endpoint` ends its session, and leads back to a new login; where
  CILogon is behind it, as behind Custos, to the page below;
- Google, GitHub and Azure show their account chooser (`prompt=select_account`);
- CILogon's logout leads nobody back (`/logout/`), and its `prompt=select_account` shows the list
  of institutions, but a session there still counts for the same institution (cilogon/service-lib
  @2da9f06, Content.php). So a page of ours explains, links to it, and goes on from there;
- any other is asked with `prompt=login` (OpenID Connect Core 1.0 section 3.1.2.1).

A refused login leaves no session at the hub, so its ID token, which spares people a question at
the provider, is kept here in memory, found again by a random value in a cookie.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_path_join
from oauthenticator.oauth2 import (
    OAuthCallbackHandler,
    OAuthenticator,
    OAuthLoginHandler,
    _deserialize_state,
)
from tornado.httputil import url_concat
from tornado.web import HTTPError
from traitlets import Unicode, default

from fedhub_authenticators.inside import inside
from fedhub_authenticators.logout import LogoutPage, LogsOut
from fedhub_authenticators.short_memory import ShortMemory

PAGE = "/another_account"

MINUTES = 10
"""How long a refused login is remembered, and how long people have for signing in anew."""

MOST = 1000
"""How many refused logins are remembered."""

_DAYS = MINUTES / (24 * 60)
"""The same, as cookies count."""

REFUSED = "fedhub-refused"
"""The cookie that finds a refused login again."""

ANEW = "fedhub-anew"
"""The cookie that makes the next login ask who is there."""

CHOOSERS = ("GoogleOAuthenticator", "GitHubOAuthenticator", "AzureAdOAuthenticator")
"""Providers with an account chooser that needs no logout."""


@dataclass(frozen=True)
class RefusedLogin:
    """What is remembered of a login that was refused."""

    id_token: str | None = field(repr=False)
    next_url: str


class OffersAnotherAccount(LogsOut, OAuthenticator):
    """Remembers refused logins, and serves the page."""

    another_account_prompt = Unicode(
        config=True,
        help="""What `prompt` the provider is sent when somebody wants to use another account;
        default: `select_account` for CILogon, Google, GitHub and Azure AD, `login` for others.""",
    )

    @default("another_account_prompt")
    def _default_another_account_prompt(self) -> str:
        chooses = self.is_a("CILogonOAuthenticator", *CHOOSERS)
        return "select_account" if chooses else "login"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.refused_logins = ShortMemory[RefusedLogin](seconds=MINUTES * 60, most=MOST)

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Add the page."""
        return [*super().get_handlers(app), (PAGE, AnotherAccount)]

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Leave a login's ID token with its request, should it be refused later on."""
        tokens: dict[str, Any] = await super().get_token_info(handler, params)
        if params.get("grant_type") == "authorization_code":
            handler.id_token_of_login = tokens.get("id_token")
        return tokens

    def chooses_accounts(self) -> bool:
        """Return whether the provider lets people choose without a logout."""
        return bool(self.another_account_prompt) and self.is_a(*CHOOSERS)

    def pages_path(self, handler: BaseHandler) -> str:
        """Return where the provider's pages are on the hub."""
        return str(url_path_join(handler.hub.base_url, getattr(self, "path", ""), "/"))


class RemembersRefused(OAuthCallbackHandler):
    """Remembers who was refused, and brings people who logged out to a new login."""

    id_token_of_login: str | None = None

    async def get(self) -> None:
        """Log somebody in; remember what the way to another account needs when refused."""
        try:
            await super().get()
        except HTTPError:
            self._remember()
            raise

    def _remember(self) -> None:
        begun = _deserialize_state(self.get_state_cookie()) if self.get_state_cookie() else {}
        login = RefusedLogin(self.id_token_of_login, inside(begun.get("next_url"), self.base_url))
        if not (login.id_token or login.next_url):
            return
        key = secrets.token_urlsafe(32)
        self.authenticator.refused_logins.put(key, login)
        _set_short_cookie(self, REFUSED, key)

    async def show_logged_out(self) -> None:
        """Go on to a new login where that is what the logout was for."""
        if _wants_anew(self) is None:
            await super().show_logged_out()
        elif self.authenticator.behind():
            await _explain(self, _sign_in_address(self))
        else:
            self.redirect(_sign_in_address(self))


class AsksAnew(OAuthLoginHandler):
    """Makes the provider ask who is there, once, where somebody wants another account."""

    def authorize_redirect(self, *args: Any, **kwargs: Any) -> None:
        """Add the prompt."""
        if _wants_anew(self) is not None:
            self.clear_cookie(ANEW, path=self.authenticator.pages_path(self))
            if prompt := self.authenticator.another_account_prompt:
                kwargs.setdefault("extra_params", {})["prompt"] = prompt
        super().authorize_redirect(*args, **kwargs)

    def _get_next_url(self) -> str | None:
        """Return where to go after the login, if that is inside the hub."""
        return inside(super()._get_next_url(), self.base_url) or None


class AnotherAccount(LogoutPage):
    """Ends the provider's session and begins a new login."""

    async def get(self) -> None:
        """Do so; another site's page can't bring anybody further than the login page."""
        if self.asked_elsewhere():
            self.redirect(self.settings["login_url"])
            return
        refused = self._refused()
        wanted = inside(self.get_argument("next", ""), self.base_url) or refused.next_url
        self._kept = {"id_token": refused.id_token}
        _set_short_cookie(self, ANEW, json.dumps({"next": wanted}))
        self._next = wanted
        await super().get()

    def _refused(self) -> RefusedLogin:
        """Return the refused login of this browser, once."""
        key = (self.get_secure_cookie(REFUSED, max_age_days=_DAYS) or b"").decode(
            "ascii", "replace"
        )
        self.clear_cookie(REFUSED, path=self.authenticator.pages_path(self))
        return self.authenticator.refused_logins.take(key) or RefusedLogin(None, "")

    async def render_logout_page(self) -> None:
        """Go to the provider's logout, or to a new login, or explain how to get there."""
        authenticator = self.authenticator
        sign_in = _sign_in_address(self, self._next)
        ends = authenticator.logout_of_provider != "never"
        if self._provider_page and ends:
            id_token = self._kept.get("id_token")
            page = self._provider_page
            self.redirect(authenticator.end_session_address(page, id_token, self))
        elif authenticator.chooses_accounts() or not authenticator.provider_logout_url:
            self.redirect(sign_in)
        else:
            await _explain(self, sign_in)


async def _explain(handler: BaseHandler, sign_in_url: str) -> None:
    """Show what to do where nothing but a person ends the session that is in the way."""
    left = handler.authenticator.left_to_people()
    handler.finish(
        await handler.render_template("another_account.html", sign_in_url=sign_in_url, **left)
    )


def _set_short_cookie(handler: BaseHandler, name: str, value: str) -> None:
    path = handler.authenticator.pages_path(handler)
    handler._set_cookie(name, value, path=path, expires_days=_DAYS)


def _wants_anew(handler: BaseHandler) -> str | None:
    """Return where somebody goes who wants another account, "" for nowhere; None: they don't."""
    cookie = handler.get_secure_cookie(ANEW, max_age_days=_DAYS)
    if cookie is None:
        return None
    return inside(json.loads(cookie)["next"], handler.base_url)


def _sign_in_address(handler: BaseHandler, next_url: str | None = None) -> str:
    """Return where a login begins, which leads to `next_url` or where the cookie says."""
    authenticator = handler.authenticator
    wanted = _wants_anew(handler) if next_url is None else next_url
    address = authenticator.login_url(authenticator.pages_path(handler))
    return str(url_concat(address, {"next": wanted} if wanted else {}))
