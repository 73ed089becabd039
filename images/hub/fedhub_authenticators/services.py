"""External services that log their users in through the hub, and who may use them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from itertools import permutations
from typing import Any

from traitlets.config.loader import LazyConfigValue

WHO = ("users", "groups")
"""Keys that say who may use a service, or has a role of it."""

OURS = (*WHO, "roles", "requirePkce")
"""Keys of a service that are not JupyterHub's."""

_SCOPE = re.compile(r"custom:[a-z0-9][a-z0-9_-]*:[a-z0-9]([a-z0-9_-]*[a-z0-9_])?")
"""What JupyterHub takes for a custom scope, as far as it is ours (jupyterhub/scopes.py)."""


def role_scope(service: str, role: str) -> str:
    """Return the scope that says that somebody has a role of a service."""
    return f"custom:{service}:{role}"


def client_id_of(name: str, entry: Mapping[str, Any]) -> str:
    """Return the client id of a service, which JupyterHub makes up where none is given."""
    return str(entry.get("oauth_client_id") or f"service-{name}")


def needing_pkce(declared: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the client ids of the services whose logins are refused without PKCE."""
    return {client_id_of(name, one) for name, one in declared.items() if one.get("requirePkce")}


def add_services(c: Any, declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Add external services to the hub's configuration.

    JupyterHub answers 403 to everybody who lacks the scope `access:services!service=<name>`,
    so each service that says who may use it gets a role with that scope. Whoever has one of its
    own roles may use it, too, and has a custom scope, which the service sees in the scopes of
    their access token.

    Args:
        c: JupyterHub's configuration object.
        declared: `global.fedhub.services`.

    Raises:
        ValueError: a key or a scope is unknown, people are no list, or the service is declared
            elsewhere in another way, or can't be told from another.
    """
    for name, entry in declared.items():
        where = f"global.fedhub.services.{name}"
        _check_keys(name, entry)
        _check_scopes(name, entry.get("oauth_client_allowed_scopes") or [])
        access = f"access:services!service={name}"
        _let_in(c, f"service-{name}-access", [access], _people(where, entry))
        scopes = []
        for role, people in _roles(name, entry).items():
            scopes.append(_defined(name, role))
            named = _people(f"{where}.roles.{role}", people)
            _let_in(c, f"service-{name}-role-{role}", [access, scopes[-1]], named)
        _add(c, "services", _of_jupyterhub(name, entry, scopes))
    if not declared:
        return
    _check_told_apart(c.JupyterHub.services, declared)
    if "auto_login_oauth2_authorize" not in c.Authenticator:
        # Otherwise the hub's own home page is where the service's users get stuck.
        c.Authenticator.auto_login_oauth2_authorize = True


def _people(where: str, entry: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return who is named, by kind.

    Raises:
        ValueError: it is no list of names; of one text, each letter would be somebody.
    """
    found = {kind: entry[kind] for kind in WHO if entry.get(kind)}
    for kind, names in found.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(
                f"{where}.{kind} must be a list of names; write {kind}: [one, another], and names "
                "that are numbers in quotes"
            )
    return found


def _let_in(c: Any, role: str, scopes: list[str], people: Mapping[str, list[str]]) -> None:
    """Give scopes to people by a role of JupyterHub's, where there are any."""
    if people:
        _add(c, "load_roles", {"name": role, "scopes": scopes, **people})


def _of_jupyterhub(name: str, entry: Mapping[str, Any], scopes: list[str]) -> dict[str, Any]:
    """Return a service as JupyterHub takes it."""
    kept = {key: value for key, value in entry.items() if key not in OURS and value is not None}
    if scopes:
        kept["oauth_client_allowed_scopes"] = [
            *kept.get("oauth_client_allowed_scopes", []),
            *scopes,
        ]
    return {"name": name} | kept | {"oauth_client_id": client_id_of(name, entry)}


def _roles(name: str, entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return a service's own roles, without those that Helm's `null` deletes."""
    where = f"global.fedhub.services.{name}.roles"
    roles = _map(where, entry.get("roles") or {}, "<role>: {groups: [one, another]}")
    found = {role: people for role, people in roles.items() if people is not None}
    for role, people in found.items():
        _map(f"{where}.{role}", people, "{groups: [one, another]}")
        if unknown := sorted(set(people) - set(WHO)):
            raise ValueError(
                f"{where}.{role} has unknown keys: {', '.join(unknown)}; it takes "
                f"{' and '.join(WHO)}"
            )
    return found


def _map(where: str, value: Any, example: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be a map; write {example}")
    return value


def _defined(name: str, role: str) -> str:
    """Tell JupyterHub of a role's scope, and return it.

    Not in `c.JupyterHub.custom_scopes`, which an operator's file may replace: JupyterHub does not
    start when a role has a scope that nobody defines.
    """
    from jupyterhub.scopes import define_custom_scopes

    scope = role_scope(name, role)
    if not _SCOPE.fullmatch(scope):
        raise ValueError(
            f"global.fedhub.services.{name}.roles.{role}: JupyterHub takes no scope {scope}; use "
            "lower-case letters, digits, hyphens and underscores for the names of the service and "
            "of its role"
        )
    define_custom_scopes({scope: {"description": f"Know that you have the role {role} of {name}."}})
    return scope


def define_gone_roles(db: Any) -> None:
    """Have tokens go on that were given with a role which the values have no more.

    JupyterHub answers 500 to a token with a scope that nobody defines. Defined, it is one that the
    token's owner lacks, and so not granted.

    Args:
        db: the hub's database session.
    """
    from jupyterhub import orm
    from jupyterhub.scopes import define_custom_scopes, scope_definitions

    for kind in (orm.APIToken, orm.OAuthCode):
        for row in db.query(kind):
            named = {scope.partition("!")[0] for scope in row.scopes or ()}
            for scope in named - scope_definitions.keys():
                if scope.startswith("custom:"):
                    define_custom_scopes({scope: {"description": "A role that is gone."}})


def without_lost_roles(scopes: Iterable[str], user: Any, client: Any) -> list[str]:
    """Return a code's scopes without those of roles that its person has lost since it was made.

    JupyterHub answers 500 when a token would have a scope that its owner lacks; an application may
    be given less than it asked for (RFC 6749 section 3.3).

    Args:
        scopes: what the code stands for.
        user: whose it is, in the hub's database.
        client: whom it was made for, there.
    """
    from jupyterhub.scopes import expand_scopes, get_scopes_for, has_scope

    held = get_scopes_for(user)

    def is_held(scope: str) -> bool:
        expanded = expand_scopes({scope}, owner=user, oauth_client=client)
        return all(has_scope(one, held) for one in expanded)

    return [scope for scope in scopes if not scope.startswith("custom:") or is_held(scope)]


def _check_told_apart(services: Iterable[Mapping[str, Any]], ours: Collection[str]) -> None:
    """Refuse two services with one client id or one token: each could act as the other."""
    for one, other in permutations(services, 2):
        for key, value in _identity(one).items():
            if one.get("name") in ours and value and value == _identity(other)[key]:
                raise ValueError(
                    f"global.fedhub.services.{one['name']} has the {key} of the service "
                    f"{other['name']}, and each could act as the other; give it one of its own"
                )


def _identity(service: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JupyterHub knows a service by."""
    client_id = client_id_of(service.get("name", ""), service)
    return {"oauth_client_id": client_id, "api_token": service.get("api_token")}


def _check_keys(name: str, entry: Mapping[str, Any]) -> None:
    from jupyterhub.services.service import Service

    known = {*Service.class_traits(input=True), *OURS}
    if unknown := sorted(set(entry) - known):
        raise ValueError(
            f"global.fedhub.services.{name} has unknown keys: {', '.join(unknown)}; it takes "
            f"JupyterHub's own keys of a service, and {', '.join(OURS)}"
        )


def _check_scopes(name: str, scopes: Any) -> None:
    """JupyterHub hands out tokens without a scope that it does not know, and says nothing.

    Custom scopes may be declared later, in the hub's own code.
    """
    from jupyterhub.scopes import scope_definitions

    where = f"global.fedhub.services.{name}.oauth_client_allowed_scopes"
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise ValueError(f"{where} must be a list of scopes; write [one, another]")
    for scope in scopes:
        called = scope.partition("!")[0]
        if called not in scope_definitions and not called.startswith("custom:"):
            close = difflib.get_close_matches(called, scope_definitions, n=1)
            hint = f"did you mean {close[0]}?" if close else "name a scope, not a role"
            raise ValueError(f"{where}: JupyterHub has no scope {called}; {hint}")


def _add(c: Any, trait: str, entry: dict[str, Any]) -> None:
    """Append to a list of the hub, once."""
    entries = c.JupyterHub.get(trait)
    if isinstance(entries, LazyConfigValue):
        entries = entries.get_value([])
    c.JupyterHub[trait] = entries = list(entries or [])
    same = [other for other in entries if other.get("name") == entry["name"]]
    if not same:
        entries.append(entry)
    elif same != [entry]:
        raise ValueError(
            f"{entry['name']} stands in JupyterHub.{trait} already, and differs from what "
            "global.fedhub.services says; declare it in one place"
        )
