"""Ends what keeps somebody logged in at the hub, in one browser or in every.

JupyterHub 5.5 knows no list of sessions. What a browser holds is

- the hub's cookie, which repeats `cookie_id` of the user's row (`BaseHandler._user_for_cookie`):
  another `cookie_id` makes every such cookie worthless;
- for each server and service an API token with a `session_id`, made by an OAuth code
  (`orm.APIToken`, `orm.OAuthCode`): without their rows they are worthless as well. Servers and
  services ask the hub about a token at most every `cache_max_age`, five minutes by default.

Tokens that people asked for themselves, and those of their servers, have no `session_id` and stay.
Without tokens in auth_state the next refresh refuses them too, until somebody logs in again.

JupyterHub's logout ends the tokens of one browser's session, and not its codes: an application that
comes with one afterwards would get a token for two weeks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers import LogoutHandler

from fedhub_authenticators.locks import per_user
from fedhub_authenticators.short_memory import ShortMemory

CODE_SECONDS = 60
"""How long a code of the hub as an issuer is good, which stands in no database."""

LOGGED_OUT = ShortMemory[bool](seconds=CODE_SECONDS, most=10_000)
"""Sessions of browsers, each with its user, that have ended since such a code was made."""


def has_ended(user: orm.User, session_id: str) -> bool:
    """Return whether somebody has just logged out in the browser of a session."""
    return _key(user, session_id) in LOGGED_OUT


def _key(user: orm.User, session_id: str) -> str:
    return f"{user.id} {session_id}"


class EndsCodes(LogoutHandler):
    """Ends the codes of a browser's session with its tokens."""

    async def default_handle_logout(self) -> None:
        """Do so, for whoever is logged in: anybody can claim to be of a session."""
        user, session_id = self.current_user, self.get_session_cookie()
        if user and session_id:
            for code in self.db.query(orm.OAuthCode).filter_by(
                user_id=user.id, session_id=session_id
            ):
                self.db.delete(code)
            self.db.commit()
            LOGGED_OUT.put(_key(user, session_id), True)
        await super().default_handle_logout()


async def end_sessions(user: Any, db: Any, keep: Mapping[str, Any] | None) -> None:
    """End all sessions of a user of the hub, and forget the tokens that their login brought.

    Args:
        user: JupyterHub's user.
        db: the hub's database session.
        keep: what stays of their auth_state; None for nothing.
    """
    async with per_user(user.name):
        user.cookie_id = orm.new_token()
        for token in db.query(orm.APIToken).filter(
            orm.APIToken.user_id == user.id, orm.APIToken.session_id.isnot(None)
        ):
            db.delete(token)
        for code in db.query(orm.OAuthCode).filter_by(user_id=user.id):
            db.delete(code)
        # Saving commits, and so commits all of the above.
        await user.save_auth_state(dict(keep) if keep else None)
        user._auth_refreshed = None
