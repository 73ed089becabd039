"""The services that a hub's values declare, under `global.fedhub` and as z2jh has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fedhub.errors import Position, UsageError
from fedhub.hub.load import load_alone
from fedhub.hub.providers import mapping
from fedhub.hub.values import Hub

FEDHUB = ("global", "fedhub", "services")
_TOKENS = ("api_token", "apiToken")
"""What z2jh calls it, and what it called it before (z2jh 4.4.0, values.schema.yaml)."""


@dataclass(frozen=True)
class Service:
    """An application that logs its users in through the hub.

    Attributes:
        name: its name at the hub.
        path: where it is declared.
        position: the same, in a file.
        client_id: its client id at the hub.
        redirect_uri: its callback URL; "" where the hub's default counts.
        scopes: what it may ask for beside who somebody is; those of its own roles as well.
        users: who may use it.
        groups: whose members may use it.
        entry: all that is declared; it may hold the token.
    """

    name: str
    path: tuple[str, ...]
    position: Position
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    users: tuple[str, ...]
    groups: tuple[str, ...]
    entry: Mapping[str, Any] = field(repr=False)

    @property
    def token_path(self) -> tuple[str, ...]:
        """Where its token is, or belongs."""
        return (*self.path, next((key for key in _TOKENS if self.entry.get(key)), _TOKENS[0]))

    @property
    def token(self) -> str:
        """Its token at the hub, which is its client secret; "" for none."""
        found = self.entry.get(self.token_path[-1])
        return found if isinstance(found, str) else ""


def in_z2jh(hub: Hub) -> tuple[str, ...]:
    """Return where z2jh's values have services."""
    return (*map(str, hub.z2jh_at), "hub", "services")


def role_path(hub: Hub, name: str) -> tuple[str, ...]:
    """Return where the role stands that lets people use a service of a plain z2jh file."""
    return (*map(str, hub.z2jh_at), "hub", "loadRoles", f"service-{name}-access")


def access_scope(name: str) -> str:
    """Return the scope without which JupyterHub answers 403 to a service's user."""
    return f"access:services!service={name}"


def services(hub: Hub) -> list[Service]:
    """Return the services that log people in, in the order of the values.

    A service that only uses the hub's API, without a callback URL or an address, is none. Nor is
    one of which the values have the token alone.
    """
    found = []
    for base in (FEDHUB, in_z2jh(hub)):
        for key, entry in mapping(hub.get(*base)).items():
            if isinstance(entry, Mapping) and (entry.get("oauth_redirect_uri") or entry.get("url")):
                found.append(_service(hub, (*base, key), entry))
    return found


def role_scope(name: str, role: str) -> str:
    """Return the scope that says that somebody has a role of a service's own."""
    return f"custom:{name}:{role}"


def roles_in(name: str, scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the roles of a service that scopes say."""
    before = role_scope(name, "")
    return tuple(one.removeprefix(before) for one in scopes if one.startswith(before))


def find(hub: Hub, name: str) -> Service:
    """Return one service.

    Raises:
        UsageError: the hub has no such service.
    """
    known = {service.name: service for service in services(hub)}
    if name not in known:
        names = ", ".join(known) or "it has none"
        raise UsageError(f"{hub.name} has no service {name}", fix=f"its services: {names}")
    return known[name]


def _service(hub: Hub, path: tuple[str, ...], entry: Mapping[str, Any]) -> Service:
    name = str(entry.get("name") or path[-1])
    own = mapping(entry.get("roles")) if path[:-1] == FEDHUB else {}
    roles = {role: people for role, people in own.items() if isinstance(people, Mapping)}
    people = [entry, *roles.values()] if path[:-1] == FEDHUB else list(_roles(hub, name))
    return Service(
        name=name,
        path=path,
        position=_declared_at(hub, path, entry),
        client_id=str(entry.get("oauth_client_id") or f"service-{name}"),
        redirect_uri=str(entry.get("oauth_redirect_uri") or ""),
        scopes=(
            *texts(entry.get("oauth_client_allowed_scopes")),
            *(role_scope(name, role) for role in roles),
        ),
        users=_named(people, "users"),
        groups=_named(people, "groups"),
        entry=entry,
    )


def _declared_at(hub: Hub, path: tuple[str, ...], entry: Mapping[str, Any]) -> Position:
    """Return the position of what declares a service; the token alone declares nothing."""
    key = next(key for key in ("oauth_redirect_uri", "url") if entry.get(key))
    alone, _ = load_alone(hub.source(*path, key).path)
    return alone.position(*path)


def _roles(hub: Hub, name: str) -> Iterator[Mapping[str, Any]]:
    for role in mapping(hub.z2jh_get("hub", "loadRoles")).values():
        if {"access:services", access_scope(name)} & set(texts(mapping(role).get("scopes"))):
            yield role


def _named(people: Iterable[Mapping[str, Any]], kind: str) -> tuple[str, ...]:
    """Return all names of a kind, each once."""
    return tuple(dict.fromkeys(name for one in people for name in texts(one.get(kind))))


def texts(value: Any) -> tuple[str, ...]:
    """Return the texts in what may be a list; nothing of anything else."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
