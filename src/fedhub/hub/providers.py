"""The login providers of a hub, as they can be seen without running anything.

Three places can declare them, and a later one wins: `hub.config` of z2jh, `global.fedhub.login`,
`hub.extraConfig`. A trait counts for a provider when it stands in a section of its class or of
a parent, the more specific section first, as traitlets has it. Each trait keeps the place it
came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedhub.errors import Position
from fedhub.hub.extra_config import Assignment, Block, Text, read_block
from fedhub.hub.merge import KeyPath
from fedhub.hub.traits import Deprecation, TraitClass, class_name, classes, with_section

if TYPE_CHECKING:
    from fedhub.hub.values import Hub

SINGLE = "login"
"""The name of the only provider of a plain z2jh file."""

CHART_DEFAULT = "dummy"
"""`hub.config.JupyterHub.authenticator_class` in z2jh's own values."""


@dataclass(frozen=True)
class Setting:
    """One trait, set somewhere.

    Attributes:
        section: the section of `hub.config` or `c`, or the provider's class.
        trait: its name.
        value: UNKNOWN where only running the code would tell.
        path: the keys that lead to it; to the block for a line of `hub.extraConfig`.
        position: where it is set.
        value_position: where its value starts.
    """

    section: str
    trait: str
    value: Any
    path: KeyPath
    position: Position
    value_position: Position


@dataclass(frozen=True)
class Provider:
    """One way to log in.

    Attributes:
        name: as under `global.fedhub.login`; `login` for a plain z2jh file.
        authenticator: the name of the class; "" where only running the code would tell.
        cls: the class as the table knows it; None for a class from elsewhere.
        traits: what is set, by trait.
        path: the keys that declare it.
        position: where it is declared.
        prefix: what `global.fedhub.login` puts before user names; None where it says nothing.
        opaque: code that reading can't follow may change it.
    """

    name: str
    authenticator: str
    cls: TraitClass | None
    traits: Mapping[str, Setting]
    path: KeyPath
    position: Position
    prefix: str | None = None
    opaque: bool = False

    def value(self, trait: str, default: Any = None) -> Any:
        """Return what a trait is set to; UNKNOWN where only running the code would tell."""
        return self.traits[trait].value if trait in self.traits else default

    def is_a(self, *names: str) -> bool:
        """Return whether its class is one of these, or a subclass."""
        own = self.cls.sections if self.cls else (self.authenticator,)
        return any(name in own for name in names)


@dataclass(frozen=True)
class Login:
    """All that a hub says about logging in.

    Attributes:
        providers: in the order of the file.
        settings: every trait that is set anywhere, applied or not.
        blocks: `hub.extraConfig` as read, in the order it runs.
        local: classes that `hub.extraConfig` defines.
        declared: whether anything chooses an authenticator; z2jh's default counts as nothing.
    """

    providers: tuple[Provider, ...]
    settings: tuple[Setting, ...]
    blocks: tuple[Block, ...]
    local: Mapping[str, TraitClass | None]
    declared: bool

    def find_class(self, name: str) -> TraitClass | None:
        """Return a class of the table or of `hub.extraConfig` by its name."""
        return self.local[name] if name in self.local else classes().get(name)

    def applied_classes(self, section: str) -> tuple[TraitClass, ...]:
        """Return the classes that a section configures here: its own, then those in use.

        Of authenticators only the providers' own are in use; of the rest, every subclass.
        """
        own = self.find_class(section)
        if own is None:
            return ()
        below = [provider.cls for provider in self.providers if provider.cls]
        if "Authenticator" not in own.sections:
            below += with_section(section)
        return (own, *(cls for cls in below if section in cls.parents))


_last: list[tuple[Hub, Login]] = []


def login(hub: Hub) -> Login:
    """Return what a hub says about logging in; the same object when asked twice in a row."""
    if not _last or _last[0][0] is not hub:
        _last[:] = [(hub, _login(hub))]
    return _last[0][1]


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value where it is a mapping, an empty one otherwise."""
    return value if isinstance(value, Mapping) else {}


def _login(hub: Hub) -> Login:
    blocks = tuple(_blocks(hub))
    local = _local_classes(blocks)
    config = tuple(_config_settings(hub))
    extra = tuple(_extra_settings(hub, blocks))
    plain = _plain_class(config, blocks)
    declared = mapping(hub.get("global", "fedhub", "login"))
    chosen_by_code = plain is not None and plain[1].path[-2:-1] == ("extraConfig",)
    opaque = any(block.opaque for block in blocks)
    find = Login((), (), (), local, False).find_class
    if declared and not chosen_by_code:
        providers = tuple(
            _declared(hub, name, entry, config + extra, find, opaque)
            for name, entry in declared.items()
        )
    else:
        providers = (_plain(hub, plain, config + extra, find, opaque),)
    inside = tuple(
        setting
        for provider in providers
        for setting in provider.traits.values()
        if setting.path[:3] == ("global", "fedhub", "login")
    )
    return Login(providers, config + extra + inside, blocks, local, bool(declared or plain))


# --- global.fedhub.login ----------------------------------------------------------------


def _declared(
    hub: Hub, name: str, entry: Any, settings: tuple[Setting, ...], find: Any, opaque: bool
) -> Provider:
    path: KeyPath = ("global", "fedhub", "login", name)
    entry = mapping(entry)
    authenticator = class_name(str(entry.get("authenticator") or ""))
    cls = find(authenticator)
    traits = _applied(authenticator, cls, settings)
    for trait, value in mapping(entry.get("config")).items():
        at = (*path, "config", trait)
        traits[trait] = Setting(authenticator, trait, value, at, hub.position(*at), hub.start(*at))
    prefix = entry.get("prefix")
    return Provider(
        name,
        authenticator,
        cls,
        traits,
        path,
        hub.position(*path),
        prefix if isinstance(prefix, str) else None,
        opaque,
    )


# --- hub.config and hub.extraConfig ------------------------------------------------------


def _plain_class(
    config: tuple[Setting, ...], blocks: tuple[Block, ...]
) -> tuple[str, Setting] | None:
    """Return the class that z2jh's own settings choose, and where."""
    found = None
    for setting in config:
        if (setting.section, setting.trait) == ("JupyterHub", "authenticator_class"):
            found = (class_name(str(setting.value)), setting)
    imports: dict[str, str] = {}
    for block in blocks:
        imports.update(block.imports)
        for assignment in block.assignments:
            if (assignment.section, assignment.trait) == ("JupyterHub", "authenticator_class"):
                found = (_assigned_class(assignment, imports), _setting(assignment, block.path))
    return found


def _assigned_class(assignment: Assignment, imports: Mapping[str, str]) -> str:
    if isinstance(assignment.value, str):
        return class_name(assignment.value)
    first, _, rest = assignment.text.partition(".")
    return class_name(".".join(filter(None, (imports.get(first, first), rest))))


def _plain(
    hub: Hub,
    chosen: tuple[str, Setting] | None,
    settings: tuple[Setting, ...],
    find: Any,
    opaque: bool,
) -> Provider:
    if chosen:
        authenticator, path, position = chosen[0], chosen[1].path, chosen[1].position
    else:
        authenticator = class_name(CHART_DEFAULT)
        path = (*hub.z2jh_at, "hub", "config", "JupyterHub", "authenticator_class")
        position = hub.position(*path)
    cls = find(authenticator)
    traits = _applied(authenticator, cls, settings)
    return Provider(SINGLE, authenticator, cls, traits, path, position, None, opaque)


def _applied(
    authenticator: str, cls: TraitClass | None, settings: tuple[Setting, ...]
) -> dict[str, Setting]:
    """Return the settings that count for a class; the more specific section wins."""
    # Any authenticator has these, so they count for a class that the table doesn't know.
    sections = cls.sections if cls else (authenticator, "OAuthenticator", "Authenticator")
    found: dict[str, Setting] = {}
    for section in reversed(sections):
        for setting in settings:
            if setting.section == section:
                found[setting.trait] = setting
    return found


def _config_settings(hub: Hub) -> Iterator[Setting]:
    for section, traits in mapping(hub.z2jh_get("hub", "config")).items():
        for trait, value in mapping(traits).items():
            path = (*hub.z2jh_at, "hub", "config", section, trait)
            yield Setting(section, trait, value, path, hub.position(*path), hub.start(*path))


def _extra_settings(hub: Hub, blocks: tuple[Block, ...]) -> Iterator[Setting]:
    for block in blocks:
        for assignment in block.assignments:
            yield _setting(assignment, block.path)


def _setting(assignment: Assignment, path: KeyPath) -> Setting:
    return Setting(
        assignment.section,
        assignment.trait,
        assignment.value,
        path,
        assignment.position,
        assignment.value_position,
    )


def _blocks(hub: Hub) -> Iterator[Block]:
    entries = mapping(hub.z2jh_get("hub", "extraConfig"))
    for key, code in sorted(entries.items()):
        if isinstance(code, str):
            path = (*hub.z2jh_at, "hub", "extraConfig", key)
            yield read_block(path, code, _text(hub.start(*path), code))


def extra_config_position(hub: Hub, key: str, line: int) -> Position:
    """Return where a line (from 1) of an entry of `hub.extraConfig` stands in its file."""
    path = (*hub.z2jh_at, "hub", "extraConfig", key)
    return _text(hub.start(*path), str(hub.get(*path))).at(line, 0)


_BLOCK_SCALAR = re.compile(r"\|[-+\d]*\s*(#.*)?$")


def _text(start: Position, code: str) -> Text:
    """Return where the lines of a literal block scalar stand in its file."""
    try:
        lines = Path(start.file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return Text(start)
    header = lines[start.line - 1] if start.line <= len(lines) else ""
    inside = code.splitlines()
    first = next((number for number, line in enumerate(inside) if line.strip()), None)
    if not _BLOCK_SCALAR.search(header) or first is None or start.line + first >= len(lines):
        return Text(start)
    in_file = lines[start.line + first]
    indent = len(in_file) - len(inside[first])
    return Text(start, start.line + 1, indent) if in_file[indent:] == inside[first] else Text(start)


def _local_classes(blocks: tuple[Block, ...]) -> dict[str, TraitClass | None]:
    """Return the classes that code defines; None for one whose parents are not all known."""
    found: dict[str, TraitClass | None] = {}
    for block in blocks:
        for name, (bases, own) in block.classes.items():
            parents = [class_name(block.imports.get(base, base)) for base in bases]
            known = [found.get(parent) or classes().get(parent) for parent in parents]
            found[name] = _local_class(name, [cls for cls in known if cls], own)
            if not known or None in known:
                found[name] = None
    return found


def _local_class(name: str, parents: list[TraitClass], own: frozenset[str]) -> TraitClass:
    sections = dict.fromkeys(section for parent in parents for section in parent.sections)
    traits: dict[str, Mapping[str, Any]] = {}
    deprecated: dict[str, Deprecation] = {}
    for parent in reversed(parents):
        traits.update(parent.traits)
        deprecated.update(parent.deprecated)
    traits.update({trait: {"kind": "Any"} for trait in own})
    return TraitClass(name, "", tuple(sections), traits, deprecated)
