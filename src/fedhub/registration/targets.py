"""What there is to register: a hub's login providers that have an administrator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fedhub.errors import FedhubError, UsageError
from fedhub.hub.addresses import callback_url, home_url, host_of
from fedhub.hub.providers import Provider, login
from fedhub.hub.values import Hub
from fedhub.registration.clients import Credentials
from fedhub.registration.settings import FILE, Administrator, Settings
from fedhub.registration.stored import Place, place_of, stored
from fedhub.registration.tag import Tag
from fedhub.registration.wanted import Wanted

CILOGON_SCOPES = ["openid", "email", "org.cilogon.userinfo", "profile"]
"""oauthenticator's default."""
KEYCLOAK_SCOPES = ["openid", "email", "profile"]


@dataclass(frozen=True)
class Target:
    """One registration that a hub asks for.

    Attributes:
        hub: the hub.
        provider: its login provider.
        administrator: who may register it.
        owner: in the tag.
        wanted: what to register.
        place: where its id and secret are kept.
        stored: what is kept there; None for nothing.
    """

    hub: Hub
    provider: Provider
    administrator: Administrator
    owner: str
    wanted: Wanted
    place: Place
    stored: Credentials | None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.hub.name} ({self.provider.name})"

    def new_tag(self) -> Tag:
        """The tag of a client that is to be registered for it."""
        return Tag.new(self.owner, self.hub.name, self.provider.name)

    def owns(self, tag: Tag | None) -> bool:
        """Whether a tag is one of this registration's."""
        mine = (self.owner, self.hub.name, self.provider.name)
        return tag is not None and (tag.owner, tag.hub, tag.provider) == mine


def targets(hub: Hub, settings: Settings, provider: str | None = None) -> list[Target]:
    """Return what a hub asks to be registered.

    Args:
        hub: the hub.
        settings: of the folder.
        provider: only this login provider.

    Raises:
        UsageError: the hub has no such provider.
        FedhubError: a provider can't be registered: what is wanted can't be told from the values,
            or nobody may register it.
    """
    declared = [one for one in providers(hub) if provider in (None, one.name)]
    if provider is not None and not declared:
        names = ", ".join(one.name for one in login(hub).providers)
        raise UsageError(
            f"{hub.name} has no login provider {provider}", fix=f"its providers: {names}"
        )
    found = [_target(hub, one, settings) for one in declared if registrable(one)]
    if provider is not None and not found:
        raise FedhubError(
            f"{declared[0].authenticator} has no client management that fedhub knows",
            fix=_elsewhere(hub, declared[0]),
            position=declared[0].position,
        )
    return found


def providers(hub: Hub) -> tuple[Provider, ...]:
    """Return a hub's login providers.

    Raises:
        FedhubError: `global.fedhub` says something it can't say, so that they are in doubt.
    """
    hub.fedhub  # noqa: B018 - which raises
    return login(hub).providers


def one_target(hub: Hub, settings: Settings, provider: str | None) -> Target:
    """Return the only registration of a hub, or that of a provider.

    Raises:
        UsageError: there are several.
        FedhubError: there is none, or it can't be registered.
    """
    found = targets(hub, settings, provider)
    if len(found) > 1:
        names = " or ".join(f"--provider {one.provider.name}" for one in found)
        raise UsageError(f"{hub.name} has several login providers", fix=f"add {names}")
    if not found:
        first = login(hub).providers[0]
        raise FedhubError(
            f"no login provider of {hub.name} has a client management that fedhub knows",
            fix=_elsewhere(hub, first),
            position=first.position,
        )
    return found[0]


def _elsewhere(hub: Hub, provider: Provider) -> str:
    if provider.is_a("CustosOAuthenticator"):
        return f"`fedhub register tenant request {hub.name}` requests a tenant of Custos"
    return "register the callback URL by hand, where the provider has people do it"


def registrable(provider: Provider) -> bool:
    """Whether fedhub knows the client management of a provider."""
    return provider.is_a("CILogonOAuthenticator", "KeycloakOAuthenticator")


def _target(hub: Hub, provider: Provider, settings: Settings) -> Target:
    place = place_of(hub, provider)
    target = Target(
        hub,
        provider,
        _administrator(provider, settings),
        settings.owner,
        _wanted(hub, provider, settings),
        place,
        stored(hub, place),
    )
    try:
        target.new_tag()
    except ValueError as error:
        raise FedhubError(
            f"{hub.name} can't be named in a registration: {error}",
            fix="rename the hub's files",
            position=provider.position,
        ) from None
    return target


def _administrator(provider: Provider, settings: Settings) -> Administrator:
    for one in settings.administrators:
        if provider.is_a("CILogonOAuthenticator"):
            asked = provider.value("cilogon_host", "cilogon.org")
            if one.cilogon_host == asked:
                return one
        elif one.iam_url and (_realm(one.iam_url), one.realm) == (
            _realm(provider.value("iam_url")),
            provider.value("realm"),
        ):
            return one
    asked_for = provider.value("cilogon_host", "cilogon.org")
    if not provider.is_a("CILogonOAuthenticator"):
        asked_for = f"iam_url {provider.value('iam_url')} and realm {provider.value('realm')}"
    raise FedhubError(
        f"{FILE} names no administrator for {provider.name}, which is at {asked_for}",
        fix=f"add one under administrators in {FILE}",
        position=provider.position,
    )


def _realm(url: Any) -> tuple[str, str]:
    """Return what tells two addresses of Keycloak apart, but for the `/auth` of old ones."""
    parts = urlsplit(str(url))
    return parts.netloc, parts.path.rstrip("/").removesuffix("/auth")


def _wanted(hub: Hub, provider: Provider, settings: Settings) -> Wanted:
    callback = callback_url(hub, provider)
    if callback is None or not host_of(callback):
        raise FedhubError(
            f"the callback URL of {provider.name} can't be told from the values",
            fix="set global.fedhub.domain, or oauth_callback_url as an https:// address",
            position=provider.position,
        )
    return Wanted(
        name=host_of(callback),
        redirect_uris=(callback,),
        scopes=_scopes(provider),
        refresh_tokens=_refreshes(provider),
        contact=settings.contact or "",
        home_url=home_url(hub) or "",
    )


def _scopes(provider: Provider) -> tuple[str, ...]:
    cilogon = provider.is_a("CILogonOAuthenticator")
    scopes = provider.value("scope", CILOGON_SCOPES if cilogon else KEYCLOAK_SCOPES)
    if not isinstance(scopes, list) or not all(isinstance(one, str) and one for one in scopes):
        raise FedhubError(
            f"the scopes of {provider.name} can't be told from the values",
            fix="write them as a list of texts",
            position=provider.traits["scope"].value_position,
        )
    # Those that oauthenticator asks for anyway.
    always = ["openid", "org.cilogon.userinfo"] if cilogon else ["openid"]
    return tuple(dict.fromkeys([*scopes, *always]))


def _refreshes(provider: Provider) -> bool:
    """Whether the hub keeps logins; under `global.fedhub.login` it does unless told not to."""
    default = provider.path[:3] == ("global", "fedhub", "login")
    return provider.value("enable_auth_state", default) is not False
