"""What may stand in `hub.config`: classes, their traits, and which values each trait takes.

Read from `traits.json`, which `tools/generate_traits.py` writes from the real classes, so that
nothing here imports JupyterHub. The rules are traitlets': a section configures its class and
every subclass; a value is taken or refused before any of the class's own code sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Deprecation:
    """An old name of a trait.

    Attributes:
        use: the name to use today; "" where there is no plain replacement.
        since: the version that deprecated it; "" where unknown.
        refused: setting it keeps the hub from starting.
    """

    use: str = ""
    since: str = ""
    refused: bool = False


@dataclass(frozen=True)
class TraitClass:
    """A configurable class of the hub image.

    Attributes:
        name: what its section is called.
        module: where it is imported from.
        parents: names of its parents, nearest first.
        traits: by name, what each accepts (see `mismatch`); inherited ones included.
        deprecated: by name, old names; inherited ones included.
    """

    name: str
    module: str
    parents: tuple[str, ...] = ()
    traits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    deprecated: Mapping[str, Deprecation] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def sections(self) -> tuple[str, ...]:
        """Return the sections that configure it, most specific first."""
        return (self.name, *self.parents)


ELSEWHERE = {
    "FirstUseAuthenticator",
    "HMACAuthenticator",
    "LDAPAuthenticator",
    "LTI11Authenticator",
    "LTI13Authenticator",
    "LTIAuthenticator",
    "MultiAuthenticator",
    "NativeAuthenticator",
    "TmpAuthenticator",
}
"""Authenticators of other packages of the hub image, which this table knows by name only."""

_SHORT_NAMES_ELSEWHERE = {
    "firstuse": "FirstUseAuthenticator",
    "hmac": "HMACAuthenticator",
    "ldap": "LDAPAuthenticator",
    "lti11": "LTI11Authenticator",
    "lti13": "LTI13Authenticator",
    "multi": "MultiAuthenticator",
    "native": "NativeAuthenticator",
    "tmp": "TmpAuthenticator",
}


@lru_cache(maxsize=1)
def classes() -> Mapping[str, TraitClass]:
    """Return every known class by its name."""
    entries = _table()["classes"]
    return {name: _class(name, entries) for name in entries}


@lru_cache(maxsize=1)
def short_names() -> Mapping[str, str]:
    """Return which class each registered name stands for, as in `authenticator_class: github`."""
    return {**_table()["names"], **_SHORT_NAMES_ELSEWHERE}


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    path = Path(__file__).with_name("traits.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _class(name: str, entries: Mapping[str, Any]) -> TraitClass:
    entry = entries[name]
    traits: dict[str, Mapping[str, Any]] = {}
    deprecated: dict[str, Deprecation] = {}
    for cls in reversed((name, *entry["parents"])):
        traits.update(entries[cls]["traits"])
        # A subclass that declares a trait anew takes it back into use.
        deprecated = {k: v for k, v in deprecated.items() if k not in entries[cls]["traits"]}
        deprecated.update({k: Deprecation(**v) for k, v in entries[cls]["deprecated"].items()})
    return TraitClass(name, entry["module"], tuple(entry["parents"]), traits, deprecated)


def class_name(named: str) -> str:
    """Return the name of the class that a short name or a dotted path means.

    JupyterHub looks a registered name up first, without regard to case, and imports a dotted
    path otherwise. The last part of a path stands for the class, wherever it is imported from.
    """
    short = short_names().get(named.lower())
    return short or re.split(r"[.:]", named)[-1]


def with_section(section: str) -> Iterator[TraitClass]:
    """Yield the known classes that a section configures: its own, and the subclasses."""
    return (cls for cls in classes().values() if section in cls.sections)


# --- Values ------------------------------------------------------------------------------

_NAMES = {
    "Unicode": "a string",
    "CUnicode": "a string",
    "Bool": "true or false",
    "Int": "a whole number",
    "Float": "a number",
    "Set": "a list",
    "List": "a list",
    "Dict": "a mapping",
    "Callable": "a Python function",
    "Command": "a string or a list of strings",
    "ByteSpecification": "a number of bytes, or a string such as 2G",
    "EntryPointType": "a registered name or a dotted path",
    "Bytes": "bytes",
    "Instance": "a Python object",
}

_BOUNDS = {"min": "from", "max": "to"}


def wanted(accepts: Mapping[str, Any]) -> str:
    """Return in words what a trait takes."""
    kind = accepts["kind"]
    if kind == "Union":
        return " or ".join(dict.fromkeys(wanted(one) for one in accepts["any"]))
    if kind in ("Enum", "CaselessStrEnum"):
        return "one of " + ", ".join(str(value) for value in accepts["values"])
    name = _NAMES.get(kind, "any value")
    bounds = [f" {word} {accepts[at]}" for at, word in _BOUNDS.items() if at in accepts]
    if bounds:
        return name + "".join(bounds)
    inside = accepts.get("of", {}).get("kind")
    of = {"Unicode": "strings", "Int": "whole numbers", "Dict": "mappings", "Bool": "booleans"}
    return f"{name} of {of[inside]}" if inside in of else name


def mismatch(accepts: Mapping[str, Any], value: Any) -> tuple[Any, ...] | None:
    """Return where a value is not what a trait takes: () for itself, keys and indexes inside.

    Args:
        accepts: what the trait takes, as the table has it.
        value: as YAML or a Python literal gives it.

    Returns:
        None where traitlets would take the value.
    """
    kind = accepts["kind"]
    if value is None:
        fits = accepts.get("none") or kind == "Any"
    elif kind == "Union":
        fits = any(mismatch(one, value) is None for one in accepts["any"])
    else:
        fits = _fits(kind, accepts, value)
    if not fits:
        return ()
    return next(_wrong_inside(kind, accepts, value), None)


def _wrong_inside(kind: str, accepts: Mapping[str, Any], value: Any) -> Iterator[tuple[Any, ...]]:
    """Yield where an entry is wrong, of a value that is of the right kind itself."""
    if value is None or isinstance(value, str) or kind not in ("Set", "List", "Dict", "Command"):
        return
    of = {"kind": "Unicode"} if kind == "Command" else accepts.get("of", {"kind": "Any"})
    for key, below in value.items() if kind == "Dict" else enumerate(value):
        if kind == "Set" and isinstance(below, list | Mapping | set):
            # A set can't hold what may change, whatever the trait says of its entries.
            yield (key,)
        wrong = mismatch(of, below)
        if wrong is not None:
            yield (key, *wrong)


_TYPES: Mapping[str, tuple[type, ...]] = {
    "Unicode": (str, bytes),
    "EntryPointType": (str,),
    "Bool": (bool,),
    "Set": (list, tuple, set, frozenset),
    "List": (list, tuple),
    "Dict": (Mapping,),
    "Command": (str, list, tuple),
    "Bytes": (bytes,),
    "Callable": (),
    "Instance": (),
}
_BYTES = re.compile(r"\d+(\.\d+)?[KMGT]")


def _long_enough(accepts: Mapping[str, Any], value: Any) -> bool:
    return isinstance(value, str) or len(value) >= accepts["least"] if "least" in accepts else True


def _is_number(kind: str, value: Any) -> bool:
    if kind == "Int" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int if kind == "Int" else int | float)


def _within_bounds(accepts: Mapping[str, Any], value: float) -> bool:
    return not (value < accepts.get("min", value) or value > accepts.get("max", value))


def _fits(kind: str, accepts: Mapping[str, Any], value: Any) -> bool:
    """Return whether the value itself, without what is inside, is of a kind."""
    if kind in ("Int", "Float"):
        return _is_number(kind, value) and _within_bounds(accepts, value)
    if kind in _TYPES:
        return isinstance(value, _TYPES[kind]) and _long_enough(accepts, value)
    if kind == "ByteSpecification":
        number = isinstance(value, int | float)
        return number or (isinstance(value, str) and bool(_BYTES.fullmatch(value)))
    if kind == "Enum":
        return value in accepts["values"]
    if kind == "CaselessStrEnum":
        return str(value).lower() in [str(allowed).lower() for allowed in accepts["values"]]
    return True
