"""Where scripts exchange a token: RFC 8693 (token exchange) and RFC 7523 (JWT bearer).

No cookie counts here and none is set, so nothing needs protection against requests that a
browser is tricked into. Errors are those of RFC 6749 section 5.2.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import expand_scopes, has_scope, parse_scopes
from sqlalchemy.exc import SQLAlchemyError
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError, stream_request_body

from fedhub_authenticators import events
from fedhub_authenticators.failures import Failures
from fedhub_authenticators.fetching import ClientRefusedError, reason_of
from fedhub_authenticators.locks import per_user
from fedhub_authenticators.refusals import Reason, Refused
from fedhub_authenticators.subject_tokens import Presented, came_by_script

PATH = "/api/fedhub/token_exchange"
"""Where scripts come, below the hub's prefix."""

LARGEST = 16 * 1024
"""Bytes of a request: a token and a few words."""

LIVE_TOKENS = 50
"""How many tokens of one person may be good at a time; a loop must not fill a database."""

NOTE = "Exchanged by a script"
"""How these tokens' notes start, on the person's own page of tokens."""

_TYPE = "urn:ietf:params:oauth:token-type:"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

_TOKEN_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""What userinfo answers to a token that does not hold (RFC 6750 section 3.1)."""


class ExchangeError(HTTPError):
    """What a script is told (RFC 6749 section 5.2).

    Args:
        error: the code.
        words: what is wrong, and what to do.
        status: HTTP's.
        reason: for the log and the metrics.
    """

    def __init__(
        self,
        error: str,
        words: str,
        status: int = HTTPStatus.BAD_REQUEST,
        reason: str = Reason.MALFORMED,
    ) -> None:
        super().__init__(status, "%s", words)
        self.error = error
        self.words = words
        self.why = reason


@stream_request_body
class ExchangePage(APIHandler):
    """Gives a script a token of the hub."""

    _accept_cookie_auth = False
    _accept_token_auth = False

    failures = Failures()

    def initialize(self) -> None:
        """Begin with nothing read and no provider chosen."""
        self._body = bytearray()
        self._chosen: Any = None

    @property
    def authenticator(self) -> Any:
        """The provider whose token it is, as on its callback page."""
        return self._chosen or self.settings["authenticator"]

    def set_default_headers(self) -> None:
        """Keep everything that is said here out of caches (RFC 6749 section 5.1)."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    def check_xsrf_cookie(self) -> None:
        """There is nothing to check: cookies do not count."""

    async def prepare(self) -> None:
        """Look at a request before its body comes."""
        length = self.request.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST:
            raise self._too_large()
        self.request.connection.set_max_body_size(LARGEST)  # of one that does not say
        await super().prepare()
        if self.failures.too_many(self.request.remote_ip):
            raise ExchangeError(
                "temporarily_unavailable",
                "Too many requests failed. Wait a minute.",
                HTTPStatus.TOO_MANY_REQUESTS,
                Reason.TOO_MANY,
            )

    def data_received(self, chunk: bytes) -> None:
        """Take a part of the body."""
        self._body += chunk

    def _too_large(self) -> ExchangeError:
        self.set_header("Connection", "close")
        return ExchangeError(
            "invalid_request",
            f"Send no more than {LARGEST} bytes.",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )

    async def post(self) -> None:
        """Exchange a token."""
        form = self._form()
        self._chosen = self._provider(form.get("provider", ""))
        grant, token = _what_is_presented(form)
        try:
            user = await self._let_in(await self._checked(grant, token))
            answer = self._new_token(user, form.get("scope", ""))
        except ExchangeError:
            raise
        except (HTTPError, HTTPClientError, OSError, ValueError) as error:
            raise self._as_error(grant, error) from error
        if grant == _EXCHANGE:
            answer["issued_token_type"] = f"{_TYPE}access_token"
        events.exchange(self.log, self._chosen.called, "in", user=user.name)
        self.write(answer)

    # --- the request --------------------------------------------------------------------

    def _form(self) -> dict[str, str]:
        """Return the request's parameters.

        Raises:
            ExchangeError: it is no form, or one with a parameter twice (RFC 6749 section 3.2).
        """
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded" or self.request.query:
            raise ExchangeError(
                "invalid_request",
                "Send the parameters as the body of the request, as "
                "application/x-www-form-urlencoded, and none in the address.",
            )
        try:
            pairs = parse_qsl(
                self._body.decode(), strict_parsing=True, max_num_fields=20, errors="strict"
            )
        except ValueError as error:
            raise ExchangeError("invalid_request", "The body is no form.") from error
        form = dict(pairs)
        if len(form) != len(pairs):
            raise ExchangeError("invalid_request", "A parameter is there twice.")
        return form

    def _provider(self, name: str) -> Any:
        """Return the provider that a request names, or the only one that it can mean.

        Raises:
            ExchangeError: there is no such one, or there are several.
        """
        authenticator = self.settings["authenticator"]
        members = getattr(authenticator, "authenticators", None) or {
            authenticator.provider_name: authenticator
        }
        offered = {key: one for key, one in members.items() if one.token_exchange}
        if name in offered:
            return offered[name]
        if not name and len(offered) == 1:
            return next(iter(offered.values()))
        names = ", ".join(sorted(offered))
        raise ExchangeError("invalid_request", f"Say whose token it is: provider= one of {names}.")

    # --- the person ---------------------------------------------------------------------

    async def _checked(self, grant: str, token: str) -> Presented:
        claims = await self._chosen.check_token(token, as_assertion=grant == _BEARER)
        return Presented(token, claims)

    async def _let_in(self, presented: Presented) -> Any:
        """Do what a login does, with what a script sent in place of a callback.

        Raises:
            Refused: the rules do not let the person in.
        """
        if not self._chosen.can_tell_who():
            raise Refused(Reason.TOKEN, "This provider names people in ID tokens only.")
        model = await self._chosen.get_authenticated_user(self, presented)
        if not model:
            raise Refused(Reason.NOT_ALLOWED, "The hub does not let this account in.")
        async with per_user(model["name"]):
            known = self.find_user(model["name"])
            kept = await known.get_auth_state() if known else None
            if kept and not kept.get("token_response"):
                raise Refused(
                    Reason.TOKEN,
                    f"{self._chosen.login_service} has ended your session. Log in to the hub in a "
                    "browser first.",
                    status=400,
                )
            if kept and not came_by_script(kept):
                # The login's own tokens, one of which may be a refresh token, serve on.
                model["auth_state"] = kept
            user = await self.auth_to_user(model)
        user._auth_refreshed = time.monotonic()  # as JupyterHub's own login notes
        return user

    def _new_token(self, user: Any, requested: str) -> dict[str, Any]:
        authenticator = self._chosen
        try:
            scopes = narrowed(requested, authenticator.token_exchange_scopes, user.orm_user)
        except ValueError as error:
            allowed = " ".join(authenticator.token_exchange_scopes)
            raise ExchangeError(
                "invalid_scope", f"Ask for scopes among: {allowed}", reason=Reason.SCOPE
            ) from error
        self._check_number(user)
        most = self.settings.get("token_expires_in_max_seconds") or float("inf")
        lifetime = int(min(authenticator.token_exchange_lifetime, most))
        try:
            token = user.new_api_token(
                note=f"{NOTE} ({authenticator.called})", expires_in=lifetime, scopes=scopes
            )
        except (ValueError, KeyError) as error:
            raise ExchangeError(
                "invalid_scope",
                "You may not do all of that yourself. Ask for less.",
                reason=Reason.SCOPE,
            ) from error
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": " ".join(scopes),
        }

    def _check_number(self, user: Any) -> None:
        """Clear away what has ended, and make sure that not too many are left."""
        ours = [token for token in user.api_tokens if (token.note or "").startswith(NOTE)]
        for token in [token for token in ours if token.expired]:
            self.db.delete(token)
            ours.remove(token)
        self.db.commit()
        if len(ours) >= LIVE_TOKENS:
            raise ExchangeError(
                "temporarily_unavailable",
                "You have too many tokens of the hub. Use one of them, or wait until they end.",
                HTTPStatus.TOO_MANY_REQUESTS,
                Reason.TOO_MANY,
            )

    # --- what goes wrong ----------------------------------------------------------------

    def _as_error(self, grant: str, error: Exception) -> ExchangeError:
        """Return what a script is told of what stopped a login."""
        service = self._chosen.login_service
        if isinstance(error, HTTPError):
            # Not a refusal of ours: a hook of the operator's, or a class of upstream's.
            why = error.why if isinstance(error, Refused) else Reason.NOT_ALLOWED
            words = str(error.log_message or error.reason or "The hub does not let you in.")
            return _refusal(grant, why, words, error.status_code)
        refused = getattr(error, "code", 0) in _TOKEN_REFUSED
        if refused and not isinstance(error, ClientRefusedError):
            words = f"{service} does not say who this token is about: it does not hold there."
            return _refusal(grant, Reason.TOKEN, words)
        words = f"{service} does not answer as it should. Try again in a minute."
        return _refusal(grant, reason_of(error), words, HTTPStatus.SERVICE_UNAVAILABLE)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what went wrong, as RFC 6749 section 5.2 has it."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, SQLAlchemyError):
            self.db.rollback()
        code, words, reason = "server_error", "The hub failed. Tell its operator.", Reason.HUB
        if isinstance(error, ExchangeError):
            code, words, reason = error.error, error.words, Reason(error.why)
        elif status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            code, words, reason = "invalid_request", "Send a POST.", Reason.MALFORMED
        if status_code in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
            self.set_header("Retry-After", "60")
        if reason is not Reason.TOO_MANY:
            self.failures.note(self.request.remote_ip)
        outcome = "failed" if status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"
        events.exchange(self.log, getattr(self._chosen, "called", ""), outcome, reason)
        self.finish({"error": code, "error_description": _plain(words)})


def exchange_pages(authenticators: Iterable[Any]) -> list[tuple[str, type[BaseHandler]]]:
    """Return the address where scripts come; none where no provider lets them in."""
    wanted = any(one.token_exchange for one in authenticators)
    return [(PATH, ExchangePage)] if wanted else []


# --- what a request says --------------------------------------------------------------------


def _what_is_presented(form: Mapping[str, str]) -> tuple[str, str]:
    """Return the kind of grant, and the token.

    Raises:
        ExchangeError: the request is not as RFC 8693 section 2.1 or RFC 7523 section 2.1 has it.
    """
    grant = form.get("grant_type", "")
    if grant == _BEARER:
        return grant, _needed(form, "assertion")
    if grant != _EXCHANGE:
        raise ExchangeError("unsupported_grant_type", f"grant_type must be {_EXCHANGE}.")
    token = _needed(form, "subject_token")
    if _needed(form, "subject_token_type") not in {f"{_TYPE}access_token", f"{_TYPE}jwt"}:
        raise ExchangeError(
            "invalid_request", f"subject_token_type must be {_TYPE}access_token or {_TYPE}jwt."
        )
    if form.get("requested_token_type", f"{_TYPE}access_token") != f"{_TYPE}access_token":
        raise ExchangeError("invalid_request", f"There is nothing but {_TYPE}access_token.")
    if unwanted := [name for name in ("actor_token", "actor_token_type") if name in form]:
        raise ExchangeError("invalid_request", f"Leave {unwanted[0]} out: nobody acts for others.")
    if unwanted := [name for name in ("audience", "resource") if name in form]:
        words = f"Leave {unwanted[0]} out: the token is for this hub."
        raise ExchangeError("invalid_target", words)
    return grant, token


def _needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise ExchangeError("invalid_request", f"Send {name}.")
    return value


def narrowed(requested: str, allowed: list[str], owner: Any) -> list[str]:
    """Return the scopes of a token: those asked for, if they are no more than what is allowed.

    Args:
        requested: scopes with spaces between (RFC 6749 section 3.3); "" takes all that is allowed.
        allowed: what the operator allows.
        owner: whom the token is for, JupyterHub's `orm.User`.

    Raises:
        ValueError: it is more, or there is no such scope.
    """
    asked = list(dict.fromkeys(requested.split()))
    may = parse_scopes(expand_scopes(allowed, owner=owner))
    for scope in asked:
        try:
            means = expand_scopes([scope], owner=owner)
        except KeyError as error:
            raise ValueError("there is no such scope") from error
        # JupyterHub leaves out what it can't tell, as `!server` without one.
        if not means or not all(has_scope(one, may) for one in means):
            raise ValueError("a script may not do that much")
    return asked or list(allowed)


# --- what a script is told ------------------------------------------------------------------


def _refusal(
    grant: str, why: Reason, words: str, status: int = HTTPStatus.BAD_REQUEST
) -> ExchangeError:
    """Return a refusal as each standard has it: RFC 8693 section 2.2.2, RFC 7523 section 3.1."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ExchangeError("temporarily_unavailable", words, status, why)
    error = "invalid_grant" if grant == _BEARER else "invalid_request"
    return ExchangeError(error, words, reason=why)


def _plain(words: str) -> str:
    """Return what an `error_description` may hold: printable ASCII but for two signs."""
    text = words.translate({0x22: "'", 0x5C: "/", 0x201C: "'", 0x201D: "'", 0x2019: "'"})
    text = " ".join(text.split()).encode("ascii", "replace").decode()
    return "".join(sign for sign in text if sign.isprintable())
