"""Holds people who are logged in against the rules once more, whenever JupyterHub refreshes them.

JupyterHub asks `check_allowed` at login only: somebody taken out of an allowed group or
organisation would stay in for as long as their session lasts. A provider that does not answer is
no reason to throw anybody out, for a while.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from time import time
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError
from traitlets import Bool, Integer

from fedhub_authenticators import events
from fedhub_authenticators.client_credentials import CLIENT, ClientCredentials
from fedhub_authenticators.fetching import ClientRefusedError, Fetching, is_trouble, reason_of
from fedhub_authenticators.hub_sessions import end_sessions
from fedhub_authenticators.identity import addresses_of, identity_in
from fedhub_authenticators.locks import per_user
from fedhub_authenticators.refusals import Reason, Refused
from fedhub_authenticators.renewal import Refresh, refreshing, under_way

FAILING_SINCE = "provider_failing_since"
"""The key of auth_state that says since when somebody could not be refreshed, in seconds."""

NAME = "name_at_provider"
"""The key of auth_state that says what the provider called somebody when they logged in."""

FOR_GOOD = frozenset(
    {Reason.BLOCKED, Reason.NOT_ALLOWED, Reason.INSTITUTION, Reason.EMAIL, Reason.SUBJECT}
)
"""Reasons that say that somebody is out, not that something can't be told at the moment."""

_under_way: set[asyncio.Task[None]] = set()
"""Sessions being ended and servers being stopped; asyncio keeps no reference of its own."""


class StayingIn(ClientCredentials, Fetching, OAuthenticator):
    """Decides at each refresh whether somebody stays in."""

    refresh_grace = Integer(
        3600,
        min=0,
        config=True,
        help="""Seconds for which people stay in although the provider does not answer, counted
        from the first refresh of theirs that failed.""",
    )
    stop_servers_when_out = Bool(
        False,
        config=True,
        help="Stop the servers of whom no rule lets in any more.",
    )

    async def refresh_user(
        self, user: Any, handler: BaseHandler | None = None, **kwargs: Any
    ) -> bool | dict[str, Any]:
        """Refresh somebody, and hold them against the rules.

        Returns:
            What upstream returns; False, so that they must log in again, when no rule lets them
            in any more, or when the provider has not answered for longer than `refresh_grace`.
        """
        if not self.enable_auth_state:
            return True
        async with per_user(user.name):
            before = await user.get_auth_state() or {}
            if before and not before.get("token_response"):
                # The provider ended the session (`backchannel`); there is nothing to ask it with.
                return self._out(user, None, Reason.SESSION_OVER)
            self.use_client(before.get(CLIENT))
            with refreshing(before) as refresh:
                found = await self._refreshed(user, handler, refresh, **kwargs)
            if isinstance(found, dict):
                await _keep_new_tokens(user, before, found)
            return found

    async def _refreshed(
        self, user: Any, handler: BaseHandler | None, refresh: Refresh, **kwargs: Any
    ) -> bool | dict[str, Any]:
        refreshed: bool | dict[str, Any]
        try:
            refreshed = await super().refresh_user(user, handler, **kwargs)
            if isinstance(refreshed, dict):
                self._check_still_who_they_were(user, refresh.before, refreshed)
                await self._check_still_let_in(refreshed)
                self._keep_id_token(refresh.before, refreshed)
        except Refused as refused:
            return self._out(user, handler, refused.why)
        except HTTPError as error:
            # A hook of the operator's, or a class of upstream's, that refuses or fails.
            refuses = error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
            reason = Reason.NOT_ALLOWED if refuses else Reason.PROVIDER
            return self._out(user, handler, reason)
        except (HTTPClientError, OSError, ValueError, TypeError, KeyError) as error:
            refresh.trouble = refresh.trouble or type(error).__name__
            refreshed = False
        if not refreshed:
            if self.own_name(user.name) in self.blocked_users:
                return self._out(user, handler, Reason.BLOCKED)
            return self._out_or_grace(user, refresh)
        events.refresh(self.log, self.called, "kept", user=user.name)
        return refreshed

    def _keep_id_token(self, before: dict[str, Any], model: dict[str, Any]) -> None:
        """Keep the login's ID token where a renewal brings none (OpenID Connect Core 1.0, 12.2).

        Logouts need it, the provider's and ours.
        """
        state = model.get("auth_state") or {}
        if before.get("id_token") and not state.get("id_token"):
            state["id_token"] = before["id_token"]

    async def update_auth_model(self, auth_model: dict[str, Any]) -> dict[str, Any]:
        """Keep the name that the rules are asked about; take note of a provider in trouble."""
        with _noting_trouble():
            found: dict[str, Any] = await maybe_future(super().update_auth_model(auth_model))
        if found.get("auth_state"):
            found["auth_state"][NAME] = found["name"]
        return found

    def _check_still_who_they_were(
        self, user: Any, before: dict[str, Any], model: dict[str, Any]
    ) -> None:
        """Raise `Refused` for somebody of whom the provider now says that they are another.

        People may change their name at many providers. `admin_users` and `blocked_users` must
        not be asked about a new one while the hub goes on calling them by the old: a login
        decides whose name it is.
        """
        if not self.same_person(before, model.get("auth_state") or {}):
            raise Refused(Reason.SUBJECT, "the provider now answers about somebody else")
        if model["name"] != before.get(NAME, self.own_name(user.name)):
            raise Refused(Reason.NO_NAME, "the provider now calls them by another name")

    async def _check_still_let_in(self, model: dict[str, Any]) -> None:
        """Raise `Refused` for somebody whom the rules do not let in."""
        name = model["name"]
        if not self.validate_username(name):
            raise Refused(Reason.NO_NAME, "the user name is not valid")
        if not await maybe_future(self.check_blocked_users(name, model)):
            raise Refused(Reason.BLOCKED, "blocked")
        if not (self.allow_all or await maybe_future(self.check_allowed(name, model))):
            raise Refused(Reason.NOT_ALLOWED, "no rule lets them in")

    def own_name(self, hub_name: str) -> str:
        """Return what the provider calls a user of the hub."""
        return hub_name

    def same_person(self, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """Return whether two auth states are of one person, as far as they tell."""
        known, now = identity_in(self, before), identity_in(self, after)
        return known is None or (now is not None and now.continues(known, addresses_of(self)))

    # --- a provider that does not answer ------------------------------------------------

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Get tokens; take note of a provider in trouble, which upstream keeps to itself."""
        with _noting_trouble():
            found: dict[str, Any] = await super().get_token_info(handler, params)
        return found

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Ask who somebody is; take note as well."""
        with _noting_trouble():
            found: dict[str, Any] = await super().token_to_user(token_info)
        return found

    async def build_auth_state_dict(
        self, token_info: dict[str, Any], user_info: dict[str, Any]
    ) -> dict[str, Any]:
        """Build what is kept of a login; take note as well."""
        with _noting_trouble():
            found: dict[str, Any] = await maybe_future(
                super().build_auth_state_dict(token_info, user_info)
            )
        return found

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Return the hub's groups of somebody; take note as well."""
        with _noting_trouble():
            found: set[str] = await maybe_future(super().get_user_groups(auth_state))
        return found

    def _out_or_grace(self, user: Any, refresh: Refresh) -> bool | dict[str, Any]:
        if not refresh.trouble or not refresh.before:
            return self._out(user, None, Reason.SESSION_OVER)
        now = time()
        since = refresh.before.get(FAILING_SINCE)
        if not isinstance(since, int | float) or since > now:
            since = now
        if now - since >= self.refresh_grace:
            return self._out(user, None, refresh.reason, error=refresh.trouble)
        about = {"error": refresh.trouble, "user": user.name}
        events.refresh(self.log, self.called, "grace", refresh.reason, **about)
        state = {**refresh.state_with_new_tokens(), FAILING_SINCE: since}
        # `groups` None leaves them as they are.
        return {"name": user.name, "auth_state": state, "groups": None}

    # --- somebody who is out ------------------------------------------------------------

    def _out(
        self, user: Any, handler: BaseHandler | None, reason: Reason, *, error: str = ""
    ) -> bool:
        events.refresh(self.log, self.called, "out", reason, error=error, user=user.name)
        if handler is not None and reason in FOR_GOOD:
            # Not before the refresh is over, which holds the person's lock.
            _begin(self._end_sessions(user, handler))
            self.stop_servers_if_wanted(user, handler)
        return False

    async def _end_sessions(self, user: Any, handler: BaseHandler) -> None:
        try:
            await end_sessions(user, handler.db, await self.identity_kept(user))
        except Exception as error:  # noqa: BLE001 - the next request finds them out as well
            self.log.error("The sessions of %s were not ended: %s", user.name, error)

    def stop_servers_if_wanted(self, user: Any, handler: BaseHandler | None) -> None:
        """Begin to stop the servers of somebody who is out, where the operator wants that."""
        if self.stop_servers_when_out and handler is not None:
            _begin(self._stop_servers(user, handler))

    async def _stop_servers(self, user: Any, handler: BaseHandler) -> None:
        running = [
            name
            for name, spawner in user.spawners.items()
            if spawner.active and spawner.pending != "stop"
        ]
        for name in running:
            try:
                await handler.stop_single_user(user, name)
            except Exception as error:  # noqa: BLE001 - the next one must be stopped all the same
                self.log.error("A server of %s was not stopped: %s", user.name, error)


def _begin(what: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(what)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def _keep_new_tokens(user: Any, before: dict[str, Any], model: dict[str, Any]) -> None:
    """Keep new tokens while nobody else may use the old ones; JupyterHub does it too late."""
    state = model.get("auth_state") or {}
    if state.get("refresh_token") != before.get("refresh_token"):
        await user.save_auth_state(state)


@contextmanager
def _noting_trouble() -> Iterator[None]:
    """Remember that the provider is in trouble, if it is: not when it refuses the person."""
    try:
        yield
    except Exception as error:
        refresh = under_way()
        if refresh is not None and _in_trouble(error):
            refresh.trouble, refresh.reason = type(error).__name__, reason_of(error)
        raise


def _in_trouble(error: Exception) -> bool:
    if isinstance(error, HTTPClientError):
        return is_trouble(error.code) or isinstance(error, ClientRefusedError)
    return isinstance(error, OSError | json.JSONDecodeError)
