"""Fresh access tokens of the provider for people's servers, asked for when they are needed.

A token in a server's environment would stand in the pod's specification, and be old an hour later.
So a server is told an address, and its own API token may ask there:

    hub starts   the scope SCOPE exists, the role ROLE holds it, spawners get two hooks
    at spawn     the person gets the role; the server's API token gets the scope, its environment
                 the address
    any time     GET <address> → a token that still lives, renewed first where it must be

Only the scope itself counts, not that a token may do all that its owner may, and no cookie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from time import time
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError
from traitlets import Bool, Integer

from fedhub_authenticators import events
from fedhub_authenticators.access_tokens import (
    EXPIRES_AT,
    answer,
    half_life,
    number,
    seconds_left,
    unverified_claims,
)
from fedhub_authenticators.client_credentials import CLIENT, ClientCredentials
from fedhub_authenticators.fetching import ClientRefusedError, Fetching, reason_of
from fedhub_authenticators.locks import per_user
from fedhub_authenticators.refusals import Reason
from fedhub_authenticators.server_hooks import PATH, SCOPE, hook_into_spawners, provider_of

_PROVIDER = "provider"
"""The key of auth_state that says through which provider somebody came."""

_KEPT = ("access_token", "refresh_token", "id_token", "scope")
"""What a renewal may bring anew."""


class NoTokenError(HTTPError):
    """Why there is no token, as JSON; JupyterHub's API sends the headers along."""

    def __init__(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, "%s", words)
        self.headers = dict(headers or {})


class TokensForServers(ClientCredentials, Fetching, OAuthenticator):
    """Lets people's servers ask for their access token."""

    tokens_for_servers = Bool(
        False,
        config=True,
        help="""Let people's servers ask for their access token of this provider, at
        `$FEDHUB_TOKEN_URL`. See docs/tokens.md.""",
    )
    renew_tokens_within = Integer(
        120,
        min=0,
        config=True,
        help="""An access token that a server asks for is renewed first when it lives for less
        than so many seconds.""",
    )

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Add the address where servers ask; only now is all of the configuration known."""
        pages: list[tuple[str, type[BaseHandler]]] = super().get_handlers(app)
        if self.tokens_for_servers:
            hook_into_spawners(app)
        return pages + ([] if getattr(self, "path", "") else token_pages([self]))

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Get tokens, and note when the access token ends: later nobody knows when it began."""
        found: dict[str, Any] = await super().get_token_info(handler, params)
        lifetime = found.get("expires_in") if isinstance(found, dict) else None
        if (seconds := number(lifetime)) is not None:
            found[EXPIRES_AT] = int(time() + seconds)
        return found

    async def fresh_token(self, user: Any) -> dict[str, Any]:
        """Return somebody's access token, renewed first where it is about to end.

        Args:
            user: a user of the hub.

        Returns:
            `access_token`, `token_type`, `expires_at` (seconds since 1970, or None where the
            provider does not say) and `scope`.

        Raises:
            HTTPError: there is none to be had; the text says what to do.
        """
        if not self.enable_auth_state:
            raise NoTokenError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "This hub keeps no tokens. Its operator can change that with enable_auth_state.",
            )
        async with per_user(user.name):
            state = await self._kept(user)
            left = seconds_left(state)
            if left is None or left >= min(self.renew_tokens_within, half_life(state)):
                return answer(state)
            if not state.get("refresh_token"):
                if left > 0:
                    return answer(state)
                raise NoTokenError(
                    HTTPStatus.FORBIDDEN,
                    f"Your access token has ended, and {self.login_service} gave the hub no "
                    "refresh token. Log in to the hub again; its operator can ask for a refresh "
                    "token with the scope that the provider has for it, often offline_access.",
                )
            try:
                return answer(await self._renewed(user, state))
            except HTTPError as error:
                if left > 0 and error.status_code != HTTPStatus.FORBIDDEN:
                    return answer(state)  # better than nothing
                raise

    async def _kept(self, user: Any) -> dict[str, Any]:
        state: dict[str, Any] = await user.get_auth_state() or {}
        came_by = state.get(_PROVIDER)
        mine = came_by is None or came_by == getattr(self, "provider_name", came_by)
        if not mine or not state.get("access_token"):
            raise self._log_in_again("The hub has no access token of yours.")
        return state

    async def _renewed(self, user: Any, state: dict[str, Any]) -> dict[str, Any]:
        """Return an auth state with new tokens, which is also kept. Call it under the lock."""
        self.use_client(state.get(CLIENT))
        params = self.build_refresh_token_request_params(state["refresh_token"])
        try:
            tokens = await self.get_token_info(None, params)
            if _somebody_else(state.get(self.user_auth_state_key), tokens.get("id_token")):
                raise ValueError("the new ID token is about somebody else")
        except (HTTPClientError, HTTPError, OSError, ValueError, TypeError, KeyError) as error:
            raise self._not_renewed(user, error) from error
        now = await user.get_auth_state()
        if not now or now.get("access_token") != state["access_token"]:
            # A login or a logout in the meantime, which no lock holds up, is newer than this.
            return await self._kept(user)
        renewed = {**state, **{key: tokens[key] for key in _KEPT if tokens.get(key)}}
        if isinstance(renewed.get("scope"), str):
            renewed["scope"] = renewed["scope"].split(" ")
        before = {
            key: value
            for key, value in (state.get("token_response") or {}).items()
            if key not in {EXPIRES_AT, "expires_in"}
        }
        renewed["token_response"] = {**before, **tokens}
        await user.save_auth_state(renewed)
        events.server_token(self.log, self.called, "renewed", user=user.name)
        return renewed

    def _not_renewed(self, user: Any, error: Exception) -> HTTPError:
        code = getattr(error, "status_code", getattr(error, "code", 0))
        refused = (
            HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR
            and code != HTTPStatus.TOO_MANY_REQUESTS
            and not isinstance(error, ClientRefusedError)
        )
        reason = Reason.SESSION_OVER if refused else reason_of(error)
        about = {"error": "" if refused else type(error).__name__, "user": user.name}
        events.server_token(self.log, self.called, "not-renewed", reason, **about)
        if refused:
            return self._log_in_again(f"{self.login_service} does not renew your access token.")
        if isinstance(error, HTTPClientError | OSError):
            return NoTokenError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self.login_service} does not answer. Try again in a minute.",
                {"Retry-After": "60"},
            )
        return NoTokenError(
            HTTPStatus.BAD_GATEWAY,
            f"The answer of {self.login_service} makes no sense to the hub. Try again in a few "
            "minutes; if that does not help, tell the hub's operator.",
        )

    def _log_in_again(self, what: str) -> HTTPError:
        words = f"{what} Log in to the hub again in a browser, then ask once more."
        return NoTokenError(HTTPStatus.FORBIDDEN, words)


# --- the address ----------------------------------------------------------------------------


class TokenPage(APIHandler):
    """Gives a server the access token of the person that it belongs to, and of nobody else."""

    # A page in the person's browser has no use for it, and could be any page of the hub's origin.
    _accept_cookie_auth = False

    def set_default_headers(self) -> None:
        """Keep everything that is said here out of caches (RFC 6749 section 5.1)."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    async def get(self) -> None:
        """Answer with a token."""
        user = self._asking()
        authenticator = provider_of(self.settings["authenticator"], user.name)
        if authenticator is None or not authenticator.tokens_for_servers:
            raise NoTokenError(
                HTTPStatus.FORBIDDEN,
                "Your login provider's tokens are not given to servers. The hub's operator can "
                "change that with tokens_for_servers.",
            )
        self.write(await authenticator.fresh_token(user))

    def _asking(self) -> Any:
        """Return whose token this is about: whoever the API token belongs to.

        Raises:
            HTTPError: it is no token of a person that has the scope.
        """
        token = self.get_token()
        if token is None or self.current_user is None:
            raise NoTokenError(
                HTTPStatus.UNAUTHORIZED,
                "Send the server's own API token: Authorization: Bearer $JUPYTERHUB_API_TOKEN. "
                "If you did, log in to the hub again in a browser.",
                {"WWW-Authenticate": "Bearer"},
            )
        # By name: whatever may do all that its owner may, may not do this.
        named = any(scope.partition("!")[0] == SCOPE for scope in token.scopes)
        is_person = isinstance(token.user, orm.User)
        if not (named and is_person and self.get_scope_filter(SCOPE)(self.current_user, "user")):
            raise NoTokenError(
                HTTPStatus.FORBIDDEN,
                f"This token does not have the scope {SCOPE}. Servers have it from their start "
                "on: stop yours and start it again.",
                {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{SCOPE}"'},
            )
        return self.current_user


def token_pages(authenticators: Iterable[Any]) -> list[tuple[str, type[BaseHandler]]]:
    """Return the address where servers ask; none where no provider's tokens are given out."""
    wanted = any(one.tokens_for_servers for one in authenticators)
    return [(PATH, TokenPage)] if wanted else []


def _somebody_else(user: Any, id_token: Any) -> bool:
    """Return whether a new ID token is about another person (OpenID Connect Core 1.0, 12.2)."""
    before = user.get("sub") if isinstance(user, Mapping) else None
    after = unverified_claims(id_token).get("sub")
    return before is not None and after is not None and before != after
