"""Tells somebody who is not let in why, in plain words.

JupyterHub shows the text of an `HTTPError` on its error page, escaped. Upstream shows the same
sentence to everybody whom no rule lets in, and "Internal Server Error" when a provider fails.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError

LONGEST = 300
"""How many characters of somebody else's text are shown."""

_NO_ANSWER = 599
"""tornado's code for a connection that failed or took too long."""


class PlainCallback(OAuthCallbackHandler):
    """Takes people back from a provider, and says what went wrong there."""

    async def get(self) -> None:
        """Log somebody in, or show that they are logged out when a provider's logout sent them.

        A logout must lead to an address that the provider knows, and the callback URL is the
        one it surely knows (OpenID Connect RP-Initiated Logout 1.0 section 3).
        """
        if not any(self.get_argument(name, "") for name in ("code", "error")):
            await self.show_logged_out()
            return
        try:
            await super().get()
        except (HTTPClientError, OSError, json.JSONDecodeError) as error:
            self.log.warning("Login failed: %s", type(error).__name__, exc_info=True)
            raise HTTPError(502, self.authenticator.provider_failed(error)) from error

    async def show_logged_out(self) -> None:
        """Show what JupyterHub shows after a logout."""
        if self.authenticator.auto_login:
            self.finish(await self.render_template("logout.html"))
        else:
            self.redirect(self.settings["login_url"])

    def check_state(self) -> None:
        """Refuse a login that this browser did not begin.

        Raises:
            HTTPError: it did not, or the cookie that says so is gone.
        """
        try:
            super().check_state()
        except HTTPError as error:
            self.log.warning("%s", error.log_message)
            raise HTTPError(
                400,
                "This login was not begun in this browser, or too long ago. Start again from the "
                "hub's login page.",
            ) from error

    def check_error(self) -> None:
        """Repeat the provider's words, when it was asked by this browser.

        Anybody can link to a callback URL with words of their own.

        Raises:
            HTTPError: the provider sent an error instead of a code (RFC 6749 section 4.1.2.1).
        """
        error = self.get_argument("error", "")
        if not error:
            return
        self.check_state()
        words = _tidy(self.get_argument("error_description", "")) or _tidy(error)
        status = 403 if error == "access_denied" else 400
        raise HTTPError(
            status, f"{self.authenticator.login_service} did not log you in. It says: “{words}”"
        )


class PlainWords(OAuthenticator):
    """Says who was refused, where they signed in, and whom to ask."""

    callback_handler = PlainCallback

    async def check_allowed(self, username: str, auth_model: dict[str, Any] | None) -> bool:
        """Refuse with a sentence where upstream refuses without.

        Raises:
            HTTPError: nobody's rule lets this account in. The operator's `custom_403_message`,
                if there is one, is left to upstream to show.
        """
        if await maybe_future(super().check_allowed(username, auth_model)):
            return True
        self._refuse(username, auth_model)
        return False

    async def check_blocked_users(
        self, username: str, authentication: dict[str, Any] | None = None
    ) -> bool:
        """Refuse a blocked account with the same sentence.

        Raises:
            HTTPError: the account is in `blocked_users`.
        """
        if await maybe_future(super().check_blocked_users(username, authentication)):
            return True
        self._refuse(username, authentication)
        return False

    def _refuse(self, username: str, auth_model: dict[str, Any] | None) -> None:
        unchanged = self.trait_defaults("custom_403_message")
        if auth_model is not None and self.custom_403_message == unchanged:
            raise HTTPError(403, self.refusal(username, auth_model))

    def refusal(self, username: str, auth_model: dict[str, Any]) -> str:
        """Return what a person reads whom no rule lets in."""
        return (
            f"You signed in as {_tidy(username)} {self.signed_in_where(auth_model)}, but this hub "
            "does not let that account in. Ask the hub's operator for access, or sign in with "
            "another account."
        )

    def signed_in_where(self, auth_model: dict[str, Any]) -> str:
        """Return the institution, where the provider names one, or the provider."""
        user = (auth_model.get("auth_state") or {}).get(self.user_auth_state_key)
        name = user.get("idp_name") if isinstance(user, Mapping) else None
        return f"at {_tidy(name)}" if isinstance(name, str) and name else self._with_service()

    def _with_service(self) -> str:
        return f"with {self.login_service}"

    def provider_failed(self, error: Exception) -> str:
        """Return what a person reads when the provider failed after they had signed in there."""
        if isinstance(error, OSError) or getattr(error, "code", 0) == _NO_ANSWER:
            return f"{self.login_service} does not answer. Try again in a few minutes."
        words = _words_of(error)
        said = f" It says: “{words}”" if words else ""
        return (
            f"{self.login_service} did not finish your login.{said} Start again from the hub's "
            "login page; if that does not help, tell the hub's operator."
        )


class CILogonWords(PlainWords):
    """The same for CILogon, where the institution decides."""

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """Refuse other institutions' accounts with their institution's name.

        Raises:
            HTTPError: 403, the institution is not among `idps`.
        """
        idp = user_info.get("idp")
        if idp and not self.idps.get(idp):
            self.log.warning("Refused an account of %s, which is not in idps", _tidy(str(idp)))
            name = _tidy(str(user_info.get("idp_name") or idp))
            raise HTTPError(
                403,
                f"You signed in at {name}, but this hub takes accounts of other institutions. "
                "Sign in with another account, or ask the hub's operator for access.",
            )
        found = super().user_info_to_username(user_info)
        assert not isawaitable(found)
        return str(found)


def speaking(handler: type[OAuthCallbackHandler]) -> type[OAuthCallbackHandler]:
    """Return a callback handler that speaks plainly and otherwise does what the given one does."""
    if issubclass(handler, PlainCallback):
        return handler
    if issubclass(PlainCallback, handler):
        return PlainCallback
    return type(handler.__name__, (PlainCallback, handler), {"__module__": __name__})


def _words_of(error: Exception) -> str:
    """Return a provider's own explanation: RFC 6749 section 5.2, or gRPC's `message`."""
    body = getattr(getattr(error, "response", None), "body", None) or b""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(said, Mapping):
        return ""
    words = said.get("error_description") or said.get("message") or said.get("error")
    return _tidy(words) if isinstance(words, str) else ""


def _tidy(text: str) -> str:
    """Return one line of readable length."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
