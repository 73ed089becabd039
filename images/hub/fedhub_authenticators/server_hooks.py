"""What a server gets at its start, so that it may ask for its owner's access token.

JupyterHub gives a server no scope that its owner lacks, hence a role for the owner. It makes the
server's API token before it calls `auth_state_hook`, which is too late for a scope: hence two
hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from jupyterhub import orm, roles
from jupyterhub.scopes import define_custom_scopes
from jupyterhub.utils import maybe_future, url_path_join
from traitlets.config.loader import LazyConfigValue

PATH = "/api/fedhub/token"
"""Where servers ask, below the hub's prefix."""

ADDRESS = "FEDHUB_TOKEN_URL"
"""The environment variable that tells a server where to ask."""

SCOPE = "custom:fedhub:provider-token"
"""What an API token must be allowed to do."""

ROLE = {
    "name": "fedhub-provider-token",
    "description": "Their own access token of the login provider",
    "scopes": [f"{SCOPE}!user"],
}

# Not in `c.JupyterHub.custom_scopes`, which an operator's file may replace: a hub whose database
# holds a scope that nobody defines answers nothing to whoever has it.
define_custom_scopes({SCOPE: {"description": "Read your access token of the login provider."}})


def keep_role(c: Any) -> None:
    """Have the hub keep the role over restarts; it deletes those that no configuration names."""
    known = c.JupyterHub.get("load_roles")
    if isinstance(known, LazyConfigValue):
        known = known.get_value([])
    c.JupyterHub.load_roles = known = list(known or [])
    if not any(role.get("name") == ROLE["name"] for role in known):
        known.append(dict(ROLE))


def hook_into_spawners(app: Any) -> None:
    """Put ours before the hooks that the operator configured for spawners, wherever that was."""
    for trait, ours in (("server_token_scopes", _scopes), ("auth_state_hook", _give_address)):
        theirs = _configured(app, trait)
        if not (isinstance(theirs, partial) and theirs.func is ours):
            app.config[app.spawner_class.__name__][trait] = partial(ours, theirs)


def provider_of(authenticator: Any, name: str) -> Any:
    """Return the provider of somebody's, among several or the only one; None when none is."""
    if hasattr(authenticator, "member_of"):
        return authenticator.member_of(name)
    return authenticator


def _configured(app: Any, trait: str) -> Any:
    for cls in app.spawner_class.__mro__:
        found = app.config[cls.__name__].get(trait) if cls.__name__ in app.config else None
        if isinstance(found, LazyConfigValue):
            found = found.get_value([])
        if found is not None:
            return found
    return None


def _given_to(spawner: Any) -> bool:
    provider = provider_of(spawner.authenticator, spawner.user.name)
    return bool(getattr(provider, "tokens_for_servers", False))


async def _scopes(theirs: Any, spawner: Any) -> list[str]:
    """Return what a server's API token may do: what it may without ours, and ask for a token."""
    wanted = await maybe_future(theirs(spawner)) if callable(theirs) else theirs
    db = spawner.user.db
    scopes = list(wanted or orm.Role.find(db, "server").scopes)
    if not _given_to(spawner):
        return scopes
    role = orm.Role.find(db, ROLE["name"]) or roles.create_role(db, dict(ROLE))
    roles.grant_role(db, entity=spawner.user.orm_user, role=role)
    return [*scopes, *ROLE["scopes"]]


async def _give_address(
    theirs: Callable[..., Any] | None, spawner: Any, auth_state: Mapping[str, Any] | None
) -> None:
    """Tell a server where to ask, if there is something to ask for; then the operator's hook."""
    environment = {key: value for key, value in spawner.environment.items() if key != ADDRESS}
    if _given_to(spawner) and (auth_state or {}).get("access_token"):
        # As JupyterHub makes $JUPYTERHUB_API_URL.
        api = spawner.hub.api_url
        if spawner.hub_connect_url is not None:
            api = url_path_join(spawner.hub_connect_url, urlsplit(api).path)
        environment[ADDRESS] = url_path_join(api, PATH.removeprefix("/api"))
    spawner.environment = environment
    if theirs is not None:
        await maybe_future(theirs(spawner, auth_state))
