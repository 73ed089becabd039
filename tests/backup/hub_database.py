"""A hub's database, as JupyterHub and fedhub themselves write it, and what is in it.

Hides: JupyterHub's tables, the encryption of auth state, the table of bindings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fedhub_authenticators.bindings import TABLE
from jupyterhub import orm, roles
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, close_all_sessions
from sqlalchemy.pool import NullPool

KEY = b"k" * 32
TOKEN = "made-up-token-of-ada"
ADA = {"access_token": "made-up", "sub": "ada-1"}


def _session(url: str) -> Session:
    session: Session = orm.new_session_factory(url, poolclass=NullPool)()
    return session


def _keeper() -> CryptKeeper:
    return CryptKeeper(keys=[KEY])


def _result(function: Callable[[Any], Awaitable[Any]], argument: Any) -> Any:
    async def wait() -> Any:
        return await function(argument)

    return asyncio.run(wait())


def fill(url: str) -> None:
    """Have JupyterHub make its database, with one of each kind in it."""
    session = _session(url)
    for role in roles.get_default_roles():
        roles.create_role(session, role)
    session.add(orm.OAuthClient(identifier="jupyterhub"))  # which tokens are of
    ada = orm.User(name="ada", admin=True)
    session.add(ada)
    session.add(orm.Group(name="physics", users=[ada]))
    ada.encrypted_auth_state = _result(_keeper().encrypt, ADA)
    session.commit()
    roles.assign_default_roles(session, ada)
    orm.APIToken.new(token=TOKEN, user=ada)
    TABLE.create(session.connection())
    session.execute(
        insert(TABLE).values(name="ada", provider="https://cilogon.org", subject="ada-1", idp="u")
    )
    session.commit()
    close_all_sessions()


def add(url: str, name: str) -> None:
    """Let somebody in for the first time."""
    session = _session(url)
    session.add(orm.User(name=name))
    session.commit()
    close_all_sessions()


def names(url: str) -> set[str]:
    session = _session(url)
    found = {user.name for user in session.scalars(select(orm.User))}
    close_all_sessions()
    return found


def facts(url: str) -> dict[str, Any]:
    """Return what may not get lost. JupyterHub must take the database as its own."""
    session = _session(url)
    orm.check_db_revision(session.get_bind())
    ada = orm.User.find(session, "ada")
    token = orm.APIToken.find(session, TOKEN)
    found = {
        "groups": {group.name: [user.name for user in group.users] for group in ada.groups},
        "admin": ada.admin,
        "token of": token.user.name,
        "auth state": _result(_keeper().decrypt, ada.encrypted_auth_state),
        "bindings": [tuple(row) for row in session.execute(select(TABLE.c.name, TABLE.c.subject))],
    }
    close_all_sessions()
    return found


EXPECTED = {
    "groups": {"physics": ["ada"]},
    "admin": True,
    "token of": "ada",
    "auth state": ADA,
    "bindings": [("ada", "ada-1")],
}
