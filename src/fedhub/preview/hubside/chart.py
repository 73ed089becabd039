"""What the z2jh chart's own configuration file makes of the values in a hub pod.

Reference: z2jh 4.4.0, "Configuration reference", sections hub, singleuser, cull, debug.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from fedhub.preview.hubside.setup import Setup
from fedhub.preview.hubside.z2jh import get_config, set_config_if_not_none

_JUPYTERHUB_TRAITS = {
    "base_url": "hub.baseUrl",
    "concurrent_spawn_limit": "hub.concurrentSpawnLimit",
    "active_server_limit": "hub.activeServerLimit",
    "allow_named_servers": "hub.allowNamedServers",
    "named_server_limit_per_user": "hub.namedServerLimitPerUser",
    "authenticate_prometheus": "hub.authenticatePrometheus",
    "redirect_to_server": "hub.redirectToServer",
    "shutdown_on_logout": "hub.shutdownOnLogout",
    "template_paths": "hub.templatePaths",
    "template_vars": "hub.templateVars",
}

CODE = "hub.extraConfig."
"""What the names of code in a traceback start with, before the entry's key."""

_CHART_SECRETS = {
    "JupyterHub": {"proxy_auth_token", "cookie_secret", "services"},
    "ConfigurableHTTPProxy": {"auth_token"},
    "CryptKeeper": {"keys"},
}
"""Traits under `hub.config` that the chart takes from its Secret; a preview makes its own."""


def environment(declared: Any) -> Iterator[tuple[str, str]]:
    """Yield the variables of an `extraEnv`, which z2jh takes as a list or as a map.

    Those whose value comes from a cluster (`valueFrom`) are left out.
    """
    entries = (
        declared.items()
        if isinstance(declared, Mapping)
        else ((entry.get("name"), entry) for entry in declared or [])
    )
    for name, entry in entries:
        value = entry.get("value") if isinstance(entry, Mapping) else entry
        if name and isinstance(value, str):
            yield name, value


def apply(c: Any, setup: Setup) -> None:
    """Set the traits, services and roles that the chart sets before `hub.config`."""
    os.environ.update(environment(get_config("hub.extraEnv")))
    c.JupyterHub.authenticator_class = "dummy"  # the chart's default
    c.JupyterHub.cleanup_servers = True
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
    for trait, key in _JUPYTERHUB_TRAITS.items():
        set_config_if_not_none(c.JupyterHub, trait, key)
    set_config_if_not_none(c.Spawner, "default_url", "singleuser.defaultUrl")
    set_config_if_not_none(c.Spawner, "cmd", "singleuser.cmd")
    set_config_if_not_none(c.Spawner, "start_timeout", "singleuser.startTimeout")
    c.Spawner.environment = dict(environment(get_config("singleuser.extraEnv")))
    if get_config("debug.enabled"):
        c.JupyterHub.log_level = "DEBUG"
    c.JupyterHub.services = [*_culler(setup), *_services()]
    c.JupyterHub.load_roles = [*_culler_role(), *_roles()]
    c.JupyterHub.cookie_secret = secrets.token_bytes(32)
    c.CryptKeeper.keys = [secrets.token_bytes(32)]
    _hub_config(c)


def _culls() -> bool:
    # On by default in the chart; here only where the values speak of it.
    return bool(get_config("cull")) and get_config("cull.enabled", True) is True


def _culler(setup: Setup) -> Iterator[dict[str, Any]]:
    if not _culls():
        return
    base = str(get_config("hub.baseUrl", "/")).rstrip("/")
    command = [
        sys.executable,
        "-m",
        "jupyterhub_idle_culler",
        f"--url=http://127.0.0.1:{setup.hub_port}{base}/hub/api",
    ]
    options = {
        "timeout": "timeout",
        "cull-every": "every",
        "concurrency": "concurrency",
        "max-age": "maxAge",
    }
    for option, key in options.items():
        if value := get_config(f"cull.{key}"):
            command.append(f"--{option}={value}")
    if get_config("cull.users"):
        command.append("--cull-users")
    if get_config("cull.adminUsers") is False:
        command.append("--cull-admin-users=false")
    if get_config("cull.removeNamedServers"):
        command.append("--remove-named-servers")
    yield {"name": "jupyterhub-idle-culler", "command": command}


def _culler_role() -> Iterator[dict[str, Any]]:
    if _culls():
        scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
        if get_config("cull.users"):
            scopes.append("admin:users")
        yield {
            "name": "jupyterhub-idle-culler",
            "scopes": scopes,
            "services": ["jupyterhub-idle-culler"],
        }


def _services() -> Iterator[dict[str, Any]]:
    for key, declared in (get_config("hub.services") or {}).items():
        service = {name: value for name, value in declared.items() if name != "apiToken"}
        service.setdefault("name", key)
        token = declared.get("apiToken") or declared.get("api_token")
        service["api_token"] = token or secrets.token_hex(32)
        yield service


def _roles() -> Iterator[dict[str, Any]]:
    for key, role in (get_config("hub.loadRoles") or {}).items():
        yield {"name": key, **role}


def _hub_config(c: Any) -> None:
    for section, traits in (get_config("hub.config") or {}).items():
        if not section[:1].isupper():
            raise ValueError(
                f"hub.config.{section} is not a section: sections are class names such as "
                "JupyterHub; put the setting under the class it belongs to"
            )
        kept = _CHART_SECRETS.get(section, set())
        c[section].update({name: value for name, value in traits.items() if name not in kept})


def extra_config(namespace: dict[str, Any]) -> None:
    """Execute `hub.extraConfig` in the order of its keys, as the pod does."""
    for key, code in sorted((get_config("hub.extraConfig") or {}).items()):
        exec(compile(code, f"{CODE}{key}", "exec"), namespace)  # noqa: S102 - the feature
