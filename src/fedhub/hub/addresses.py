"""A hub's addresses: the host names that its values give it, and its callback URLs."""

from __future__ import annotations

import ipaddress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fedhub.hub.merge import KeyPath
from fedhub.hub.providers import Provider, login, mapping
from fedhub.hub.values import Hub


class Hosts(NamedTuple):
    """Host names that one place of the values gives the hub."""

    label: str
    path: KeyPath
    names: tuple[str, ...]

    def cover(self, host: str) -> bool:
        """Return whether a host is one of these; `*.` stands for one label."""
        host = host.lower()
        return any(
            name.lower() == host
            or (name.startswith("*.") and name[2:].lower() == host.partition(".")[2])
            for name in self.names
        )


def hosts(hub: Hub) -> list[Hosts]:
    """Return where the values say under which names the hub is reached."""
    domain = hub.get("global", "fedhub", "domain")
    ingress = mapping(hub.z2jh_get("ingress"))
    route = mapping(hub.z2jh_get("httpRoute"))
    https = mapping(mapping(hub.z2jh_get("proxy")).get("https"))
    tls = [
        host
        for entry in _entries(ingress.get("tls"))
        for host in _entries(mapping(entry).get("hosts"))
    ]
    found = [Hosts("the domain", ("global", "fedhub", "domain"), _names([domain]))]
    for label, section, keys, names in (
        ("the ingress host", ingress, ("ingress", "hosts"), ingress.get("hosts")),
        ("the ingress TLS host", ingress, ("ingress", "tls"), tls),
        ("the HTTPRoute host", route, ("httpRoute", "hostnames"), route.get("hostnames")),
        ("the proxy's HTTPS host", https, ("proxy", "https", "hosts"), https.get("hosts")),
    ):
        if section.get("enabled") is not False:
            found.append(Hosts(label, (*hub.z2jh_at, *keys), _names(names)))
    return [one for one in found if one.names]


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(values: Any) -> tuple[str, ...]:
    return tuple(value for value in _entries(values) if isinstance(value, str) and value)


def host_of(address: str) -> str:
    """Return the host of an address; "" where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_web_address(text: str) -> bool:
    """Return whether text is the address of a host, by https or http."""
    web = text.startswith(("https://", "http://"))
    return web and host_of(text) != "" and text.isprintable() and " " not in text


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine; a name that begins like its address is not."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def callback_path(hub: Hub, provider: Provider) -> str:
    """Return where below a host the hub takes a provider's answers.

    oauthenticator answers at `oauth_callback` below the hub, which z2jh puts below `hub.baseUrl`;
    of several providers under `global.fedhub.login`, each has a path of its own.
    """
    own = f"{provider.name}/" if len(login(hub).providers) > 1 else ""
    return f"{_root(hub)}/{own}oauth_callback"


def callback_url(hub: Hub, provider: Provider) -> str | None:
    """Return where a provider sends people back to; None where the values don't say."""
    configured = provider.value("oauth_callback_url")
    if configured:
        return configured if isinstance(configured, str) else None
    home = home_url(hub)
    return f"{home.removesuffix(_root(hub))}{callback_path(hub, provider)}" if home else None


def home_url(hub: Hub) -> str | None:
    """Return the hub's own address; the first of several, None where there is none."""
    named = [name for found in hosts(hub) for name in found.names if not name.startswith("*.")]
    return f"https://{named[0]}{_root(hub)}" if named else None


def _root(hub: Hub) -> str:
    base = hub.z2jh_get("hub", "baseUrl")
    return f"/{base.strip('/')}/hub".replace("//", "/") if isinstance(base, str) else "/hub"
