"""Tells somebody who is not let in why, in plain words.

JupyterHub shows the text of an `HTTPError` on its error page, escaped. Upstream shows the same
sentence to everybody whom no rule lets in, and "Internal Server Error" when a provider fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jupyterhub.utils import maybe_future, url_path_join
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthenticator, _deserialize_state
from tornado.httpclient import HTTPClientError
from tornado.httputil import url_concat
from tornado.web import HTTPError

from fedhub_authenticators import events
from fedhub_authenticators.fetching import ClientRefusedError, reason_of
from fedhub_authenticators.inside import inside
from fedhub_authenticators.refusals import LogsNoQuery, Reason, Refused

if TYPE_CHECKING:
    from fedhub_authenticators.who_tried import Tried

LONGEST = 300
"""How many characters of somebody else's text are shown."""

_NO_ANSWER = 599
"""tornado's code for a connection that failed or took too long."""


class PlainCallback(LogsNoQuery, OAuthCallbackHandler):
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
            await self._log_in()
        except Refused as refused:
            refused.username = refused.username or (
                self.who_tried.username if self.who_tried else ""
            )
            about = {"user": refused.username, "idp": tidy(refused.idp)}
            events.login(self.log, self.authenticator.called, "refused", refused.why, **about)
            raise
        except Exception as error:
            reason = Reason.HUB
            about = {"error": type(error).__name__}
            events.login(self.log, self.authenticator.called, "failed", reason, **about)
            raise

    async def _log_in(self) -> None:
        try:
            await super().get()
        except Refused:
            raise
        except HTTPError as error:
            # The operator's own hook, or upstream's class; or nobody said why.
            words = self.authenticator.words_of(error, self.who_tried)
            raise Refused(_reason(error), words, status=error.status_code) from error
        except (HTTPClientError, OSError, json.JSONDecodeError) as error:
            words = without_secrets(self.authenticator.provider_failed(error), self._secrets())
            raise Refused(reason_of(error), words, status=502) from error

    def _secrets(self) -> list[str]:
        """Return what a provider was sent in this login, and may repeat."""
        begun = _deserialize_state(self.get_state_cookie()) if self.get_state_cookie() else {}
        sent = [self.get_argument(name, "") for name in ("code", "state")]
        sent += [str(begun.get(name) or "") for name in ("state_id", "code_verifier")]
        return [*sent, *self.authenticator.secrets_in_use()]

    async def login_user(self, data: Any = None) -> Any:
        """Log somebody in, and note that."""
        user = await super().login_user(data)
        if user is not None:
            events.login(self.log, self.authenticator.called, "in", user=user.name)
        return user

    who_tried: Tried | None = None

    @property
    def template_namespace(self) -> dict[str, Any]:
        """Say who tried, and how to go on, for the page that refuses them."""
        found: dict[str, Any] = super().template_namespace
        begun = _deserialize_state(self._state_cookie) if self._state_cookie else {}
        wanted = inside(begun.get("next_url"), self.base_url)
        following = {"next": wanted} if wanted else {}
        another = url_path_join(self.authenticator.pages_path(self), "another_account")
        return found | {
            "who_tried": self.who_tried,
            "another_account_url": url_concat(another, following),
            "sign_in_url": url_concat(self.settings["login_url"], following),
        }

    async def show_logged_out(self) -> None:
        """Show what JupyterHub shows after a logout, or how to log out of what is left."""
        authenticator = self.authenticator
        left = authenticator.left_to_people() if authenticator.behind() else {}
        if self.current_user or not (left or authenticator.auto_login):
            self.redirect(self.settings["login_url"])
        elif left and authenticator.logout_of_provider == "always":
            self.redirect(left["provider_logout_url"])
        else:
            self.finish(await self.render_template("logout.html", **left))

    def check_state(self) -> None:
        """Refuse a login that this browser did not begin.

        Raises:
            Refused: it did not, or the cookie that says so is gone.
        """
        try:
            super().check_state()
        except (HTTPError, ValueError) as error:  # or the state is no text that can be one
            raise Refused(
                Reason.NOT_BEGUN_HERE,
                "This login was not begun in this browser, or too long ago. Start again from the "
                "hub's login page.",
                status=400,
            ) from error

    def check_error(self) -> None:
        """Repeat the provider's words, when it was asked by this browser.

        Anybody can link to a callback URL with words of their own.

        Raises:
            Refused: the provider sent an error instead of a code (RFC 6749 section 4.1.2.1).
        """
        error = self.get_argument("error", "")
        if not error:
            return
        self.check_state()
        words = tidy(self.get_argument("error_description", "")) or tidy(error)
        status = 403 if error == "access_denied" else 400
        said = f"{self.authenticator.login_service} did not log you in. It says: “{words}”"
        raise Refused(Reason.DENIED, said, status=status)


class PlainWords(OAuthenticator):
    """Says who was refused, where they signed in, and whom to ask."""

    callback_handler = PlainCallback

    async def check_allowed(self, username: str, auth_model: dict[str, Any] | None) -> bool:
        """Refuse with a sentence where upstream refuses without.

        Raises:
            Refused: no rule lets this account in. The operator's `custom_403_message`, if there
                is one, is what it says.
        """
        if await maybe_future(super().check_allowed(username, auth_model)):
            return True
        self._refuse(Reason.NOT_ALLOWED, username, auth_model)
        return False

    async def check_blocked_users(
        self, username: str, authentication: dict[str, Any] | None = None
    ) -> bool:
        """Refuse a blocked account with the same sentence.

        Raises:
            Refused: the account is in `blocked_users`.
        """
        if await maybe_future(super().check_blocked_users(username, authentication)):
            return True
        self._refuse(Reason.BLOCKED, username, authentication)
        return False

    def _refuse(self, why: Reason, username: str, auth_model: dict[str, Any] | None) -> None:
        if auth_model is None:
            return
        user = (auth_model.get("auth_state") or {}).get(self.user_auth_state_key)
        name = user.get("idp_name") if isinstance(user, Mapping) else None
        institution = name if isinstance(name, str) else ""
        raise Refused(why, self._refusal(username, institution), username=username)

    def _refusal(self, username: str, institution: str) -> str:
        """Return what a person reads whom no rule lets in: the operator's words, or ours."""
        words = str(self.custom_403_message)
        if words != self.trait_defaults("custom_403_message"):
            return words
        account = f"as {tidy(username)} " if username else ""
        where = f"at {tidy(institution)}" if institution else f"with {self.login_service}"
        return (
            f"You signed in {account}{where}, but this hub does not let that account in. Ask the "
            "hub's operator for access, or sign in with another account."
        )

    def words_of(self, error: HTTPError, tried: Tried | None) -> str:
        """Return what a person reads of an error that is not ours, as JupyterHub would have it.

        Args:
            error: a hook's, or upstream's, which raises one where a hook says nothing.
            tried: who it was, where that is known.
        """
        words = getattr(error, "jupyterhub_message", "") or error.reason or _message(error)
        if words and words != self.trait_defaults("custom_403_message"):
            return str(words)
        return self._refusal(tried.username, tried.institution) if tried else self._refusal("", "")

    def provider_failed(self, error: Exception) -> str:
        """Return what a person reads when the provider failed after they had signed in there."""
        if isinstance(error, OSError) or getattr(error, "code", 0) == _NO_ANSWER:
            return f"{self.login_service} does not answer. Try again in a few minutes."
        if isinstance(error, ClientRefusedError):
            return (
                f"{self.login_service} does not take this hub's registration. Tell the hub's "
                "operator."
            )
        words = _words_of(error)
        said = f" It says: “{words}”" if words else ""
        return (
            f"{self.login_service} did not finish your login.{said} Start again from the hub's "
            "login page; if that does not help, tell the hub's operator."
        )


def _message(error: HTTPError) -> str:
    return str(error.log_message or "") % error.args


def _reason(error: HTTPError) -> Reason:
    """Return what an error that is not ours is counted as."""
    return Reason.NOT_ALLOWED if error.status_code == HTTPStatus.FORBIDDEN else Reason.PROVIDER


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
    return tidy(words) if isinstance(words, str) else ""


_TOKEN = re.compile(r"eyJ[\w.+/=-]{10,}|(?=[\w+=~-]*\d)[\w+=~-]{20,}")
"""What looks like a token, a code or a secret: no word is that long and has a digit."""


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a provider's text without what it may repeat of the hub's secrets.

    Args:
        text: what the provider says.
        secrets: those that are known; what else looks like one goes as well.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "…")
    return _TOKEN.sub("…", text)


def tidy(text: str) -> str:
    """Return one line of readable length."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
