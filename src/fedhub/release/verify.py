"""Is login really working: everything that it rests on, looked at from outside."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from fedhub.errors import FedhubError, UsageError
from fedhub.findings import Finding, failed, of_error, ok, skipped
from fedhub.hub.addresses import home_url, is_web_address
from fedhub.hub.providers import Provider, login, mapping
from fedhub.hub.values import Hub
from fedhub.registration.command import show
from fedhub.registration.settings import FILE
from fedhub.registration.targets import registrable
from fedhub.release import probes

Look = Callable[[], list[Finding]]
_AT_ONCE = 8


def verify(hub: Hub, *, address: str | None = None) -> list[Finding]:
    """Look at a running hub.

    Args:
        hub: its values.
        address: where it is asked, such as `http://127.0.0.1:8000` behind a port-forward, for what
            is the hub's own; None asks at its domain.

    Raises:
        UsageError: what is given is no address.
        FedhubError: the values name none.
    """
    if address is not None and not is_web_address(address):
        raise UsageError(
            f"{address!r} is no address of a hub", fix="give one such as http://127.0.0.1:8000"
        )
    home = home_url(hub)
    if home is None:
        raise FedhubError(
            f"the values of {hub.name} do not say where it is", fix="set global.fedhub.domain"
        )
    if address is not None:
        home = address.rstrip("/") + home[home.index("/", len("https://")) :]
    looks: list[Look] = [
        lambda: [probes.dns(home)],
        lambda: [probes.certificate(home)],
        lambda: [probes.health(home)],
        *_logins(hub),
        lambda: _registrations(hub),
        *_services(hub, home),
        lambda: _admins(hub),
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [one for found in pool.map(lambda look: look(), looks) for one in found]


def _logins(hub: Hub) -> list[Look]:
    providers = [one for one in login(hub).providers if one.is_a("OAuthenticator")]
    return [partial(_login, hub, one) for one in providers]


def _login(hub: Hub, provider: Provider) -> list[Finding]:
    return list(probes.login_of(hub, provider))


def _services(hub: Hub, home: str) -> list[Look]:
    declared = {
        **mapping(hub.z2jh_get("hub", "services")),
        **mapping(hub.get("global", "fedhub", "services")),
    }
    return [
        partial(_service, home, name, one)
        for name, one in declared.items()
        if mapping(one).get("oauth_redirect_uri")
    ]


def _service(home: str, name: str, declared: Any) -> list[Finding]:
    return [probes.service(home, name, declared)]


def _registrations(hub: Hub) -> list[Finding]:
    """Whether what is registered is what the values ask for."""
    providers = [one.name for one in login(hub).providers if registrable(one)]
    if not providers:
        return []
    main = next(file.path for file in hub.files if file.kind == "hub")
    folder: Path = main.parent
    if not (folder / FILE).exists():
        why = f"{folder / FILE} is not there, which says who may look"
        return [skipped("registration", name, why) for name in providers]
    found = []
    for name in providers:
        try:
            rows = [row for _, row in show(str(main), name, folder)]
        except FedhubError as error:
            found.append(of_error("registration", name, error))
            continue
        for row in rows:
            if row.state == "as wanted":
                found.append(ok("registration", name, row.client_id))
            else:
                fix = f"`fedhub register show {hub.name}` says more"
                found.append(failed("registration", name, row.state, fix))
    return found


def _admins(hub: Hub) -> list[Finding]:
    """Who the values make an admin."""
    found = []
    for provider in login(hub).providers:
        names = provider.value("admin_users")
        if isinstance(names, list | set) and names:
            found.append(ok("admins", provider.name, ", ".join(map(str, names))))
        elif not provider.value("admin_groups"):
            found.append(skipped("admins", provider.name, "the values name none"))
    return found
