"""What the owner of an application needs to know of the hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from fedhub.errors import FedhubError, UsageError
from fedhub.hub.addresses import home_url, host_of, is_web_address
from fedhub.hub.load import load_hub
from fedhub.hub.providers import mapping
from fedhub.hub.values import Hub
from fedhub.services.declared import FEDHUB, Service, find

DAY = 24 * 3600
"""Seconds."""
_COOKIE_DAYS = 14
"""JupyterHub's default of `cookie_max_age_days`, after which access tokens end, too."""


@dataclass(frozen=True)
class Handover:
    """One service, as its owner sees it.

    Attributes:
        hub: the hub's name.
        service: the service's name at the hub.
        client_id: its client id.
        secret: its client secret.
        redirect_uri: its callback URL.
        home: the hub's address, without a slash at the end.
        scopes: what it may ask for beside who somebody is.
        lifetime: of an access token, in seconds.
        issuer: its address as an OpenID Connect issuer; None where it is none.
        needs_pkce: whether a login without PKCE is refused.
    """

    hub: str
    service: str
    client_id: str
    secret: SecretStr
    redirect_uri: str
    home: str
    scopes: tuple[str, ...]
    lifetime: int
    issuer: str | None
    needs_pkce: bool = False

    @property
    def authorization_url(self) -> str:
        """Where the application sends people."""
        return f"{self.home}/api/oauth2/authorize"

    @property
    def token_url(self) -> str:
        """Where it exchanges the code."""
        return f"{self.home}/api/oauth2/token"

    @property
    def userinfo_url(self) -> str:
        """Where it asks who somebody is."""
        return f"{self.home}/api/user"

    @property
    def host(self) -> str:
        """The hub's host."""
        return host_of(self.home)


def handover(
    name: str, service: str, *, hub_url: str | None = None, folder: Path = Path("values")
) -> Handover:
    """Return what the owner of a service is handed.

    Args:
        name: the hub's name in the folder, or the path of a values file.
        service: the service's name.
        hub_url: where the hub is, with or without `/hub`; None for what the values say.
        folder: where hubs are looked for by name.

    Raises:
        UsageError: there is no such hub or service, or the values do not say where the hub is.
        FedhubError: it has no token, or no callback URL.
    """
    return handover_of(load_hub(name, folder=folder), service, hub_url=hub_url)


def handover_of(hub: Hub, service: str, *, hub_url: str | None = None) -> Handover:
    """Return the same of a hub that is loaded.

    Raises:
        UsageError: there is no such service, or the values do not say where the hub is.
        FedhubError: it has no token, or no callback URL.
    """
    found = find(hub, service)
    if not found.token:
        raise FedhubError(
            f"{service} has no token",
            fix=f"`fedhub secrets generate {hub.name}` makes it",
            position=found.position,
        )
    if not found.redirect_uri:
        raise FedhubError(
            f"{service} has no callback URL of its own",
            fix="write oauth_redirect_uri",
            position=found.position,
        )
    home = home_of(hub, hub_url)
    is_issuer = _is_issuer(hub, found)
    return Handover(
        hub=hub.name,
        service=service,
        client_id=found.client_id,
        secret=SecretStr(found.token),
        redirect_uri=found.redirect_uri,
        home=home,
        scopes=found.scopes,
        lifetime=_lifetime(hub),
        issuer=f"{home}/oidc" if is_issuer else None,
        needs_pkce=_needs_pkce(hub, found, is_issuer=is_issuer),
    )


def home_of(hub: Hub, hub_url: str | None) -> str:
    """Return a hub's address, without a slash at the end.

    Args:
        hub: its values.
        hub_url: where it is, with or without `/hub`; None for what the values say.

    Raises:
        UsageError: the values do not say it, or it is no address.
    """
    home = _below(hub_url) if hub_url is not None else home_url(hub)
    if home is None:
        raise UsageError(
            f"the values of {hub.name} do not say where the hub is",
            fix="add --hub-url https://…",
        )
    if not is_web_address(home):
        raise UsageError(
            f"{home!r} is no address of a hub", fix="give one such as https://hub.example.org"
        )
    return home


def _below(address: str) -> str:
    """Return where the hub is below an address, which may be that already."""
    return f"{address.rstrip('/').removesuffix('/hub')}/hub"


def _is_issuer(hub: Hub, service: Service) -> bool:
    """Whether a service may log people in by OpenID Connect; those of z2jh's values may not."""
    return service.path[:-1] == FEDHUB and hub.get("global", "fedhub", "oidc", "enabled") is True


def _needs_pkce(hub: Hub, service: Service, *, is_issuer: bool) -> bool:
    """Whether a service has to use PKCE, by the one way or the other."""
    own = service.entry.get("requirePkce") if service.path[:-1] == FEDHUB else False
    if own is None and is_issuer:
        own = hub.get("global", "fedhub", "oidc", "requirePkce")
    return own is True


def _lifetime(hub: Hub) -> int:
    """Return how long an access token lasts (jupyterhub/app.py, oauth_token_expires_in)."""
    config = mapping(hub.z2jh_get("hub", "config", "JupyterHub"))
    seconds = config.get("oauth_token_expires_in")
    if isinstance(seconds, int):
        return seconds
    days = config.get("cookie_max_age_days")
    return int((days if isinstance(days, (int, float)) else _COOKIE_DAYS) * DAY)
