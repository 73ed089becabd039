"""Ends what keeps somebody logged in at the hub, in every browser.

JupyterHub 5.5 knows no list of sessions. What a browser holds is

- the hub's cookie, which repeats `cookie_id` of the user's row (`BaseHandler._user_for_cookie`):
  another `cookie_id` makes every such cookie worthless;
- for each server and service an API token with a `session_id`, made by an OAuth code
  (`orm.APIToken`, `orm.OAuthCode`): without their rows they are worthless as well. Servers and
  services ask the hub about a token at most every `cache_max_age`, five minutes by default.

Tokens that people asked for themselves, and those of their servers, have no `session_id` and stay.
Without tokens in auth_state the next refresh refuses them too, until somebody logs in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyterhub import orm

from fedhub_authenticators.locks import per_user
from fedhub_authenticators.oidc_issuer import HubIssuer


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
        forget_codes(user, db)
        # Saving commits, and so commits all of the above.
        await user.save_auth_state(dict(keep) if keep else None)
        user._auth_refreshed = None


def forget_codes(user: Any, db: Any, **which: str | None) -> None:
    """Make codes worthless that are on the way to an application; the caller commits.

    A token made of one after a logout would outlive it: JupyterHub's logout ends tokens, and leaves
    codes (`BaseHandler.clear_login_cookie`).

    Args:
        user: JupyterHub's user.
        db: the hub's database session.
        which: `session_id`, for those of one session alone.
    """
    wanted = {"user_id": user.id, **which}
    for code in db.query(orm.OAuthCode).filter_by(**wanted):
        db.delete(code)
    HubIssuer.codes.drop(lambda code: wanted.items() <= vars(code).items())
