"""External services that log their users in through the hub, and who may use them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from traitlets.config.loader import LazyConfigValue

WHO = ("users", "groups")
"""Keys of a service that say who may use it."""

OURS = (*WHO, "requirePkce")
"""Keys of a service that are not JupyterHub's."""


def add_services(c: Any, declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Add external services to the hub's configuration.

    JupyterHub answers 403 to everybody who lacks the scope `access:services!service=<name>`,
    so each service that says who may use it gets a role with that scope.

    Args:
        c: JupyterHub's configuration object.
        declared: `global.fedhub.services`.

    Raises:
        ValueError: a key or a scope is unknown, or the service is declared elsewhere in another
            way.
    """
    for name, entry in declared.items():
        _check_keys(name, entry)
        _check_scopes(name, entry.get("oauth_client_allowed_scopes") or [])
        service = {"name": name, "oauth_client_id": f"service-{name}"}
        service |= {
            key: value for key, value in entry.items() if key not in OURS and value is not None
        }
        _add(c, "services", service)
        members = {kind: list(entry[kind]) for kind in WHO if entry.get(kind)}
        if members:
            scopes = [f"access:services!service={name}"]
            _add(c, "load_roles", {"name": f"service-{name}-access", "scopes": scopes, **members})
    if declared and "auto_login_oauth2_authorize" not in c.Authenticator:
        # Otherwise the hub's own home page is where the service's users get stuck.
        c.Authenticator.auto_login_oauth2_authorize = True


def _check_keys(name: str, entry: Mapping[str, Any]) -> None:
    from jupyterhub.services.service import Service

    known = {*Service.class_traits(input=True), *OURS}
    if unknown := sorted(set(entry) - known):
        raise ValueError(
            f"global.fedhub.services.{name} has unknown keys: {', '.join(unknown)}; it takes "
            f"JupyterHub's own keys of a service, and {', '.join(OURS)}"
        )


def _check_scopes(name: str, scopes: Iterable[str]) -> None:
    """JupyterHub hands out tokens without a scope that it does not know, and says nothing.

    Custom scopes may be declared later, in the hub's own code.
    """
    from jupyterhub.scopes import scope_definitions

    for scope in scopes:
        called = scope.partition("!")[0]
        if called not in scope_definitions and not called.startswith("custom:"):
            close = difflib.get_close_matches(called, scope_definitions, n=1)
            hint = f"did you mean {close[0]}?" if close else "name a scope, not a role"
            raise ValueError(
                f"global.fedhub.services.{name}.oauth_client_allowed_scopes: JupyterHub has no "
                f"scope {called}; {hint}"
            )


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
