"""Where a rule that decided stands in a hub's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fedhub.errors import Position
from fedhub.hub import Hub
from fedhub.hub.extra_config import UNKNOWN
from fedhub.hub.providers import Login, Provider, Setting, login, mapping

RulePath = tuple[str | int, ...]
"""A trait, and the keys and the entry inside it: `("allowed_users", "ada")`."""


def rule_place(hub: Hub, provider: str, rule: RulePath) -> Position:
    """Return where a rule stands: its entry, else its trait, else the provider's declaration.

    What code in `hub.extraConfig` sets stands where the code does.

    Args:
        hub: the hub.
        provider: the name of the login provider whose rule it is.
        rule: the trait, and what is inside it.
    """
    found = login(hub)
    declared = _provider(found, provider)
    trait, inside = str(rule[0]), rule[1:]
    settings = list(_settings(found, declared, provider, trait))
    prefix = _prefix(declared, found)
    exact = (_inside(setting, inside, prefix) for setting in settings)
    for setting, path in zip(settings, exact, strict=True):
        if path is not None:
            return _start(hub, setting, path)
    for setting in settings:
        return setting.position
    return _elsewhere(hub, found, declared)


def provider_place(hub: Hub, provider: str, idp: str) -> Position:
    """Return where a rule for somebody would stand: at the institution, else the provider."""
    found = login(hub)
    declared = _provider(found, provider)
    for trait in ("idps", "allowed_idps"):
        for setting in _settings(found, declared, provider, trait):
            path = _inside(setting, (idp,), "")
            if path is not None:
                return _start(hub, setting, path)
    return declared.position


def code_place(hub: Hub, provider: str) -> Position:
    """Return where the class comes from that decides by itself."""
    found = login(hub)
    return _elsewhere(hub, found, _provider(found, provider))


def _provider(found: Login, name: str) -> Provider:
    named = [provider for provider in found.providers if provider.name == name]
    return (named or list(found.providers))[0]


def _prefix(provider: Provider, found: Login) -> str:
    """Return what the hub's names of a provider's users start with."""
    if provider.prefix is not None:
        return provider.prefix
    return f"{provider.name}:" if len(found.providers) > 1 else ""


def _settings(found: Login, provider: Provider, name: str, trait: str) -> Iterator[Setting]:
    """Yield where a trait of a provider is set, what wins first."""
    for one in _names(provider, trait):
        if one in provider.traits:
            yield provider.traits[one]
        yield from _of_several(provider, name, one)
        sections = provider.cls.sections if provider.cls else (provider.authenticator,)
        for section in (*sections, "OAuthenticator", "Authenticator"):
            for setting in reversed(found.settings):
                if (setting.section, setting.trait) == (section, one):
                    yield setting


def _names(provider: Provider, trait: str) -> list[str]:
    """Return a trait's name, and its old ones."""
    old = provider.cls.deprecated.items() if provider.cls else ()
    return [trait, *(name for name, about in old if about.use == trait)]


def _of_several(provider: Provider, name: str, trait: str) -> Iterator[Setting]:
    """Yield a trait from `FederatedAuthenticator.providers`, where a plain file has that."""
    setting = provider.traits.get("providers")
    if setting is None:
        return
    config = mapping(mapping(mapping(setting.value).get(name)).get("config"))
    if trait in config:
        path = (
            setting.path
            if "extraConfig" in setting.path
            else (*setting.path, name, "config", trait)
        )
        yield Setting(
            setting.section, trait, config[trait], path, setting.position, setting.value_position
        )


def _inside(setting: Setting, inside: RulePath, prefix: str) -> RulePath | None:
    """Return the keys that lead to an entry inside a setting; None where it is not there."""
    value = setting.value
    path: list[str | int] = []
    if value is UNKNOWN:
        return None
    for part in inside:
        if isinstance(value, str):
            return tuple(path) if _same(value, part, prefix) else None
        entries = value.items() if isinstance(value, Mapping) else enumerate(_list(value))
        wanted_key = isinstance(value, Mapping)
        for key, below in entries:
            if _same(key if wanted_key else below, part, prefix):
                path.append(key)
                value = below
                break
        else:
            return None
    return tuple(path)


def _same(written: Any, asked: str | int, prefix: str) -> bool:
    """Return whether an entry is the one meant: classes change the case, and add the prefix."""
    names = {str(asked).casefold(), f"{prefix}{asked}".casefold()}
    return str(written).strip().casefold() in names


def _list(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, list | tuple | set | frozenset) else []


def _start(hub: Hub, setting: Setting, inside: RulePath) -> Position:
    if "extraConfig" in setting.path or not inside:
        return setting.position
    return hub.position(*setting.path, *inside)


def _elsewhere(hub: Hub, found: Login, provider: Provider) -> Position:
    """Return where code may have set what no setting says; else where the provider stands."""
    for block in reversed(found.blocks):
        if block.opaque or provider.authenticator in block.classes:
            return hub.start(*block.path)
    return provider.position
