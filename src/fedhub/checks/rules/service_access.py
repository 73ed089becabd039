"""A service that nobody may use.

A service that logs its users in through the hub answers 403 to everybody but admins until a role
gives them `access:services`. A role `user` replaces JupyterHub's own, which has the scope `self`:
without it people lose their own server.

Bad:

    hub:
      services:
        grafana:
          oauth_redirect_uri: https://grafana.example.org/login/generic_oauth

Good:

    hub:
      services:
        grafana:
          oauth_redirect_uri: https://grafana.example.org/login/generic_oauth
      loadRoles:
        user:
          scopes: [self, access:services!service=grafana]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.extra_config import UNKNOWN
from fedhub.hub.providers import login, mapping
from fedhub.hub.values import Hub

ID = "service-access"
SEVERITY: Severity = "warning"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each OAuth service without a role, and for a `user` without `self`."""
    roles = mapping(hub.z2jh_get("hub", "loadRoles"))
    yield from _user_role(hub, roles)
    if _unknown_roles(hub):
        return
    granted = [scope for role in roles.values() for scope in _scopes(role)] + _in_code(hub)
    for name, service in mapping(hub.z2jh_get("hub", "services")).items():
        called = mapping(service).get("name", name)
        wanted = {"access:services", f"access:services!service={called}"}
        if not mapping(service).get("oauth_redirect_uri") or wanted & set(granted):
            continue
        path = (*hub.z2jh_at, "hub", "services", name)
        yield Problem(
            ID,
            SEVERITY,
            hub.position(*path),
            dotted(path),
            f"no role lets people use the service {called}: the hub answers 403",
            f"give a role in hub.loadRoles the scope access:services!service={called}",
        )


def _user_role(hub: Hub, roles: Mapping[str, Any]) -> Iterator[Problem]:
    for key, role in roles.items():
        scopes = _scopes(role)
        if mapping(role).get("name", key) == "user" and scopes and "self" not in scopes:
            path = (*hub.z2jh_at, "hub", "loadRoles", key, "scopes")
            yield Problem(
                ID,
                "error",
                hub.position(*path),
                dotted(path),
                "the role user replaces JupyterHub's own, and takes people's servers from them",
                "add the scope self",
            )


def _scopes(role: Any) -> list[str]:
    scopes = mapping(role).get("scopes")
    return [scope for scope in scopes if isinstance(scope, str)] if isinstance(scopes, list) else []


def _load_roles(hub: Hub) -> list[Any]:
    return [
        setting.value
        for setting in login(hub).settings
        if (setting.section, setting.trait) == ("JupyterHub", "load_roles")
    ]


def _unknown_roles(hub: Hub) -> bool:
    opaque = any(block.opaque or block.error for block in login(hub).blocks)
    return opaque or any(value is UNKNOWN for value in _load_roles(hub))


def _in_code(hub: Hub) -> list[str]:
    lists = [value for value in _load_roles(hub) if isinstance(value, list)]
    return [scope for roles in lists for role in roles for scope in _scopes(role)]
