"""The keys that a hub keeps for good, and which of them its values lack.

z2jh makes up a cookie secret, a crypt key, the proxy's token and tokens of services where the
values have none, and without a cluster makes up others at the next render
(zero-to-jupyterhub-k8s issue 2887). Such a key is 32 random bytes as hex: what JupyterHub's
CryptKeeper asks for, and what z2jh makes itself. Those that sign ID tokens are RSA keys.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fedhub.hub.merge import KeyPath
from fedhub.hub.values import value_at

_OF_EVERY_HUB: tuple[tuple[KeyPath, KeyPath | None], ...] = (
    (("hub", "config", "JupyterHub", "cookie_secret"), ("hub", "cookieSecret")),
    (("hub", "config", "CryptKeeper", "keys", 0), None),
    (("hub", "config", "ConfigurableHTTPProxy", "auth_token"), ("proxy", "secretToken")),
)
"""Where z2jh has them, and the older name that counts as well."""

_OIDC: KeyPath = ("global", "fedhub", "oidc")
_SIGNING = ("privateKey", "nextPrivateKey")


def missing_keys(values: Mapping[str, Any], z2jh_at: KeyPath) -> list[KeyPath]:
    """Return where values lack a key.

    Args:
        values: a hub's merged values.
        z2jh_at: where z2jh's stand in them; `()` in a plain z2jh file.
    """
    found = made_up_keys(values, z2jh_at)
    found.extend(_services(values, ("global", "fedhub", "services")))
    oidc = value_at(values, _OIDC)
    if isinstance(oidc, Mapping) and oidc.get("enabled"):
        found.extend((*_OIDC, name) for name in _SIGNING if not oidc.get(name))
    return found


def made_up_keys(values: Mapping[str, Any], z2jh_at: KeyPath) -> list[KeyPath]:
    """Return where values lack a key that z2jh then makes up, without a cluster at each render.

    Args:
        values: a hub's merged values.
        z2jh_at: where z2jh's stand in them; `()` in a plain z2jh file.
    """
    # A file of `global` alone is one for fedhub's chart.
    at: KeyPath = z2jh_at or (("jupyterhub",) if values.keys() <= {"global"} else ())
    found: list[KeyPath] = []
    for path, older in _OF_EVERY_HUB:
        if not value_at(values, (*at, *path)) and not (older and value_at(values, (*at, *older))):
            found.append((*at, *path))
    found.extend(_services(values, (*at, "hub", "services")))
    return found


def new_keys(paths: Iterable[KeyPath]) -> dict[KeyPath, str]:
    """Return a new key for each path."""
    return {path: _new_key(path) for path in paths}


def _new_key(path: KeyPath) -> str:
    if path[:-1] == _OIDC:
        from fedhub.secrets.signing import new_signing_key

        return new_signing_key()
    return secrets.token_hex(32)


def as_tree(keys: Mapping[KeyPath, str]) -> dict[str, Any]:
    """Return keys as nested values; a list may be begun, not gone on with."""
    root: dict[str, Any] = {}
    for path, key in keys.items():
        *parents, last = path
        if isinstance(last, int):
            *parents, last = parents
            value: Any = [key]
        else:
            value = key
        node = root
        for part in parents:
            node = node.setdefault(str(part), {})
        node[str(last)] = value
    return root


def _services(values: Mapping[str, Any], at: KeyPath) -> Iterator[KeyPath]:
    services = value_at(values, at)
    if not isinstance(services, Mapping):
        return
    for name, service in services.items():
        if isinstance(service, Mapping) and not (
            service.get("api_token") or service.get("apiToken")
        ):
            yield (*at, name, "api_token")
