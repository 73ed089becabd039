"""What several rules ask about a hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fedhub.errors import Position
from fedhub.hub.merge import KeyPath
from fedhub.hub.providers import SINGLE, Login, Provider, Setting, mapping
from fedhub.hub.values import Hub


def accepts(login: Login, setting: Setting) -> Mapping[str, Any] | None:
    """Return what a trait takes; None for a trait, or a class, that is not known."""
    for cls in login.applied_classes(setting.section):
        if setting.trait in cls.traits:
            return cls.traits[setting.trait]
    return None


def at(hub: Hub, setting: Setting, *inside: str | int) -> Position:
    """Return where something inside a setting starts; the setting's value for code."""
    if "extraConfig" in setting.path:
        return setting.value_position
    return hub.start(*setting.path, *inside)


def called(provider: Provider) -> str:
    """Return what a message calls a provider; the only one of a plain file has no name."""
    if provider.name == SINGLE and provider.authenticator:
        return provider.authenticator
    return f"{provider.name} ({provider.authenticator})"


class Idp(NamedTuple):
    """One identity provider of a CILogon provider.

    Attributes:
        entity_id: its entity ID.
        rule: what is set for it.
        setting: the trait that names it.
        position: where its entity ID stands.
        path: the keys that lead to it.
    """

    entity_id: str
    rule: Mapping[str, Any]
    setting: Setting
    position: Position
    path: KeyPath

    @property
    def derivation(self) -> Mapping[str, Any]:
        """Return how a user name is made."""
        return mapping(self.rule.get("username_derivation"))


def idps(hub: Hub, provider: Provider) -> Iterator[Idp]:
    """Yield the identity providers that a CILogon provider lists."""
    for trait in ("idps", "allowed_idps"):
        setting = provider.traits.get(trait)
        if setting is None or not provider.is_a("CILogonOAuthenticator"):
            continue
        in_code = "extraConfig" in setting.path
        for entity_id, rule in mapping(setting.value).items():
            if isinstance(entity_id, str):
                path = setting.path if in_code else (*setting.path, entity_id)
                where = setting.value_position if in_code else hub.position(*path)
                yield Idp(entity_id, mapping(rule), setting, where, path)


def set_to(provider: Provider, trait: str, wanted: object) -> bool:
    """Return whether a trait is set to exactly this value."""
    value = provider.value(trait)
    return type(value) is type(wanted) and bool(value == wanted)


def walk(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every scalar below a value, with the keys that lead to it."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from walk(below, (*path, key))
    elif isinstance(value, list | tuple):
        for index, below in enumerate(value):
            yield from walk(below, (*path, index))
    else:
        yield path, value
