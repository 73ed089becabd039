"""From `global.fedhub` to JupyterHub's configuration: the login providers."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from oauthenticator.oauth2 import OAuthenticator

from fedhub_authenticators import custos_tutorial, oauth_provider
from fedhub_authenticators.credentials import KEYS as CREDENTIAL_KEYS
from fedhub_authenticators.credentials import credential_files, files_of_chart
from fedhub_authenticators.federated import FederatedAuthenticator
from fedhub_authenticators.oidc_issuer import KEYS as OIDC_KEYS
from fedhub_authenticators.oidc_issuer import add_issuer
from fedhub_authenticators.profiles import show_profiles_by_group
from fedhub_authenticators.providers import find_class, ours
from fedhub_authenticators.server_hooks import keep_role
from fedhub_authenticators.services import add_services, needing_pkce

KEYS = frozenset({"domain", "login", "services", "oidc", "ingress", "httpRoute", "tls", "release"})
"""What may stand there; `ingress`, `httpRoute`, `tls` and `release` are not for the hub."""
PROVIDER_KEYS = frozenset({"authenticator", "label", "prefix", "config", "credentials"})


def configure_hub(
    c: Any, settings: Mapping[str, Any] | None, credentials_dir: str | Path | None
) -> None:
    """Do what `fedhub_authenticators.configure` says."""
    custos_tutorial.install()
    settings = _mapping(_from_values() if settings is None else settings, "global.fedhub", KEYS)
    if settings.get("login"):
        _Login(c, settings, credentials_dir).configure()
    else:
        _keep_stock_class_in_our_words(c)
    show_profiles_by_group(c)
    services = _entries(settings.get("services"), "global.fedhub.services")
    add_services(c, services)
    oauth_provider.install(needing_pkce(services))
    oidc = _mapping(settings.get("oidc") or {}, "global.fedhub.oidc", OIDC_KEYS)
    add_issuer(c, oidc, services, settings.get("domain"))


def _from_values() -> Mapping[str, Any]:
    from z2jh import get_config  # type: ignore[import-not-found]  # only in a hub pod

    found: Mapping[str, Any] = get_config("global.fedhub") or {}
    return found


def _keep_stock_class_in_our_words(c: Any) -> None:
    """Let plain z2jh files have our class where they name oauthenticator's."""
    named = c.JupyterHub.get("authenticator_class")
    if not isinstance(named, str | type):
        return
    try:
        found = find_class(named)
    except ValueError:
        return  # JupyterHub says what is wrong with it
    if issubclass(found, OAuthenticator | FederatedAuthenticator):
        c.JupyterHub.authenticator_class = ours(found)
        keep_role(c)


class _Login:
    """`global.fedhub.login`, and what it is read with."""

    def __init__(
        self, c: Any, settings: Mapping[str, Any], credentials_dir: str | Path | None
    ) -> None:
        self.c = c
        self.domain = settings.get("domain")
        self.credentials_dir = credentials_dir
        self.providers = _entries(settings["login"], "global.fedhub.login")

    def configure(self) -> None:
        """Set the hub's authenticator."""
        if not self.providers:
            # Not as if there were no login: z2jh's default lets everybody in under any name.
            raise ValueError(
                "every provider under global.fedhub.login is null; name one, or leave login out "
                "altogether"
            )
        if len(self.providers) == 1 and not next(iter(self.providers.values())).get("prefix"):
            self._one()
        else:
            self._several()
        keep_role(self.c)

    def _one(self) -> None:
        ((name, entry),) = self.providers.items()
        cls = self._class(name, entry)
        section = self.c[cls.__name__]
        section.update(self._traits(name, entry, cls, "oauth_callback"))
        if issubclass(cls, OAuthenticator):
            section.provider_name = name
        if entry.get("label"):
            section.login_service = entry["label"]
        self.c.JupyterHub.authenticator_class = cls

    def _several(self) -> None:
        below = "{}/oauth_callback" if len(self.providers) > 1 else "oauth_callback"
        members: dict[str, dict[str, Any]] = {}
        for name, entry in self.providers.items():
            cls = self._class(name, entry)
            members[name] = {
                "authenticator_class": cls,
                "config": self._traits(name, entry, cls, below.format(name)),
            }
            for key in ("label", "prefix"):
                if entry.get(key) is not None:
                    members[name][key] = entry[key]
        self.c.JupyterHub.authenticator_class = FederatedAuthenticator
        self.c.FederatedAuthenticator.providers = members

    def _class(self, name: str, entry: Mapping[str, Any]) -> type[Authenticator]:
        where = f"global.fedhub.login.{name}"
        _mapping(entry, where, PROVIDER_KEYS)
        if not entry.get("authenticator"):
            raise ValueError(f"{where} names no authenticator; add one, such as cilogon")
        try:
            return ours(find_class(entry["authenticator"]))
        except ValueError as error:
            raise ValueError(f"{where}.authenticator: {error}") from error

    def _traits(
        self, name: str, entry: Mapping[str, Any], cls: type[Authenticator], callback: str
    ) -> dict[str, Any]:
        """Return a provider's own traits: its config, credentials and callback URL."""
        where = f"global.fedhub.login.{name}"
        traits = dict(_mapping(entry.get("config") or {}, f"{where}.config"))
        _check_traits(traits, cls, f"{where}.config")
        declared = _mapping(entry.get("credentials") or {}, f"{where}.credentials", CREDENTIAL_KEYS)
        if declared.get("existingSecret"):
            traits |= credential_files(name, declared, self.credentials_dir)
        elif issubclass(cls, OAuthenticator) and not traits.get("client_secret"):
            traits |= files_of_chart(name)
        if issubclass(cls, OAuthenticator) and not traits.get("oauth_callback_url"):
            traits["oauth_callback_url"] = self._address(where, callback)
        return traits

    def _address(self, where: str, page: str) -> str:
        if not self.domain:
            raise ValueError(
                f"{where} needs a callback URL, which follows from global.fedhub.domain; set "
                "domain to the hub's host name"
            )
        base = str(self.c.JupyterHub.get("base_url", "")).strip("/")
        return "/".join(part for part in (f"https://{self.domain}", base, "hub", page) if part)


def _check_traits(traits: Mapping[str, Any], cls: type[Authenticator], where: str) -> None:
    known = cls.class_traits(config=True)
    for trait in traits:
        if trait not in known:
            close = difflib.get_close_matches(trait, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "remove it"
            raise ValueError(f"{where}.{trait}: {cls.__name__} has no such trait; {hint}")


def _entries(declared: Any, where: str) -> dict[str, Mapping[str, Any]]:
    """Return named entries, without those that Helm's `null` deletes."""
    found = {
        name: entry for name, entry in _mapping(declared or {}, where).items() if entry is not None
    }
    return {name: _mapping(entry, f"{where}.{name}") for name, entry in found.items()}


def _mapping(value: Any, where: str, known: frozenset[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be a mapping of keys to values")
    if known is not None and (unknown := sorted(map(str, set(value) - known))):
        raise ValueError(
            f"{where} has unknown keys: {', '.join(unknown)}; it takes {', '.join(sorted(known))}"
        )
    return value
