"""What a hub asks of a Custos tenant, and where it keeps what the tenant is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from fedhub.errors import FedhubError, UsageError
from fedhub.hub.addresses import callback_url, home_url
from fedhub.hub.merge import KeyPath
from fedhub.hub.providers import Provider, login
from fedhub.hub.values import Hub
from fedhub.registration.clients import Credentials
from fedhub.registration.custos.replies import TenantCredentials
from fedhub.registration.settings import FILE, Custos, Settings
from fedhub.registration.stored import Place, place_of, stored
from fedhub.registration.tag import Tag

PUBLIC = "prod.custos.usecustos.org"
"""The host that a hub takes for Custos unless told otherwise."""
SCOPES = ("openid", "email", "profile", "org.cilogon.userinfo")
"""What Custos' client at CILogon may ask for; with fewer, no flavour learns who somebody is."""
CUSTOS_SECRET = "custos_client_secret"  # noqa: S105 - the trait's name
KEYCLOAKS = ("v1", "keycloak")
"""Flavours that use the secret that Keycloak makes."""


@dataclass(frozen=True)
class TenantTarget:
    """One tenant that a hub asks for.

    Attributes:
        hub: the hub.
        provider: its login provider.
        settings: of the folder, for its Custos.
        owner: in the tag.
        wanted: fields of Custos' message `Tenant`, but for the owner's user name.
        place: where id and secret are kept.
        stored: what is kept there; None for nothing.
    """

    hub: Hub
    provider: Provider
    settings: Custos
    owner: str
    wanted: Mapping[str, Any]
    place: Place
    stored: Credentials | None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.hub.name} ({self.provider.name})"

    @property
    def uses_keycloaks(self) -> bool:
        """Whether the hub's flavour uses Keycloak's secret."""
        return self.provider.value("flavour", "legacy") in KEYCLOAKS

    @property
    def custos_secret_at(self) -> KeyPath:
        """Where Custos' secret is kept beside Keycloak's."""
        found = self.provider.traits.get(CUSTOS_SECRET)
        if found is not None and "extraConfig" not in found.path:
            return found.path
        if self.provider.path[:3] == ("global", "fedhub", "login"):
            return (*self.provider.path, "config", CUSTOS_SECRET)
        return (*self.hub.z2jh_at, "hub", "config", self.provider.authenticator, CUSTOS_SECRET)

    @property
    def known_to_custos(self) -> Credentials | None:
        """Id and secret as Custos knows them; None where there are none."""
        if self.stored is None:
            return None
        beside = self.hub.get(*self.custos_secret_at)
        if isinstance(beside, str) and beside:
            return Credentials(self.stored.client_id, SecretStr(beside))
        return self.stored

    def to_store(self, both: TenantCredentials) -> tuple[Credentials, dict[KeyPath, str]]:
        """Return what an active tenant's hub has to have, and what is kept beside it."""
        if not self.uses_keycloaks:
            return both.custos, {}
        custos = both.custos.client_secret.get_secret_value()
        return both.keycloak, {self.custos_secret_at: custos}

    def has(self, both: TenantCredentials) -> bool:
        """Whether all of that is stored."""
        credentials, beside = self.to_store(both)
        kept = all(self.hub.get(*path) == value for path, value in beside.items())
        return kept and self.stored == credentials

    def new_tag(self) -> Tag:
        """The tag of a tenant that is to be requested."""
        return Tag.new(self.owner, self.hub.name, self.provider.name)

    def owns(self, tag: Tag | None) -> bool:
        """Whether a tag is one of this hub's and provider's."""
        mine = (self.owner, self.hub.name, self.provider.name)
        return tag is not None and (tag.owner, tag.hub, tag.provider) == mine


def tenant_target(hub: Hub, settings: Settings, provider: str | None) -> TenantTarget:
    """Return what a hub asks of Custos.

    Args:
        hub: the hub.
        settings: of the folder.
        provider: which of its login providers; None for the only one that is Custos.

    Raises:
        UsageError: there are several, or none of this name.
        FedhubError: it can't be requested: what is wanted can't be told from values and settings.
    """
    chosen = _provider(hub, provider)
    if settings.contact is None:
        raise FedhubError(f"{FILE} names no contact, who requests the tenant", fix="add `contact:`")
    custos = _settings(chosen, settings)
    target = TenantTarget(
        hub,
        chosen,
        custos,
        settings.owner,
        {**_wanted(hub, chosen, settings.contact), **_owner(custos)},
        place_of(hub, chosen),
        stored(hub, place_of(hub, chosen)),
    )
    try:
        target.new_tag()
    except ValueError as error:
        raise FedhubError(
            f"{hub.name} can't be named in a registration: {error}",
            fix="rename the hub's files",
            position=chosen.position,
        ) from None
    return target


def _provider(hub: Hub, name: str | None) -> Provider:
    declared = login(hub).providers
    found = [
        one for one in declared if one.is_a("CustosOAuthenticator") and name in (None, one.name)
    ]
    if len(found) > 1:
        names = " or ".join(f"--provider {one.name}" for one in found)
        raise UsageError(f"{hub.name} has several logins by Custos", fix=f"add {names}")
    if not found and name is not None and name not in [one.name for one in declared]:
        names = ", ".join(one.name for one in declared)
        raise UsageError(f"{hub.name} has no login provider {name}", fix=f"its providers: {names}")
    if not found:
        first = next(one for one in declared if name in (None, one.name))
        raise FedhubError(
            f"{first.authenticator or first.name} does not log people in by Custos",
            fix="register it at CILogon or Keycloak with `fedhub register create`",
            position=first.position,
        )
    return found[0]


def _settings(provider: Provider, settings: Settings) -> Custos:
    asked = provider.value("custos_url")
    if not isinstance(asked, str) or not asked:
        asked = f"https://{provider.value('custos_host') or PUBLIC}"
    for one in settings.custos:
        if one.address == asked.rstrip("/"):
            return one
    raise FedhubError(
        f"{FILE} names no custos for {provider.name}, which is at {asked}",
        fix=f"add it under custos in {FILE}",
        position=provider.position,
    )


def _wanted(hub: Hub, provider: Provider, contact: str) -> dict[str, Any]:
    callback = callback_url(hub, provider)
    home = urlsplit(home_url(hub) or callback or "")
    if callback is None or not home.hostname:
        raise FedhubError(
            f"the callback URL of {provider.name} can't be told from the values",
            fix="set global.fedhub.domain, or oauth_callback_url as text",
            position=provider.position,
        )
    asked = provider.value("scope", [])
    more = [one for one in asked if isinstance(one, str)] if isinstance(asked, list) else []
    return {
        "client_name": home.hostname,
        "requester_email": contact,
        "contacts": [contact],
        "redirect_uris": [callback],
        "client_uri": f"{home.scheme}://{home.netloc}",
        "scope": " ".join(dict.fromkeys([*SCOPES, *more])),
        "domain": home.hostname,
        "application_type": "web",
    }


def _owner(settings: Custos) -> dict[str, str]:
    owner = settings.owner
    return {
        "admin_first_name": owner.first_name,
        "admin_last_name": owner.last_name,
        "admin_email": owner.email,
    }
