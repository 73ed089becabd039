"""Write `src/fedhub/hub/traits.json`: what may stand in `hub.config`, as the classes say it.

The command line must not import JupyterHub to check a values file, so it reads this table. Run
it after every change of the hub image's pins or of `fedhub_authenticators`:

    .venv/bin/python tools/generate_traits.py

`tests/unit/checks/test_traits_table.py` fails while the table is not what the classes say.
"""

from __future__ import annotations

import importlib
import json
import math
import pkgutil
import re
import sys
from importlib.metadata import entry_points, version
from pathlib import Path
from types import ModuleType
from typing import Any

from traitlets import TraitType
from traitlets.config import Configurable

TABLE = Path(__file__).resolve().parent.parent / "src" / "fedhub" / "hub" / "traits.json"

PACKAGES = ("jupyterhub", "oauthenticator", "kubespawner", "fedhub_authenticators")
MODULES = (
    "jupyterhub.app",
    "jupyterhub.auth",
    "jupyterhub.authenticators.shared",
    "jupyterhub.crypto",
    "jupyterhub.metrics",
    "jupyterhub.proxy",
    "jupyterhub.spawner",
    "kubespawner.spawner",
    "kubespawner.proxy",
)
DISTRIBUTIONS = ("jupyterhub", "oauthenticator", "jupyterhub-kubespawner")
GROUPS = ("jupyterhub.authenticators", "jupyterhub.spawners", "jupyterhub.proxies")

_KINDS = (
    "Command",  # before List
    "ByteSpecification",  # before Int
    "CUnicode",  # before Unicode
    "EntryPointType",
    "CaselessStrEnum",  # before Enum
    "Enum",
    "Unicode",
    "Bool",
    "Int",
    "Float",
    "Set",
    "List",
    "Dict",
    "Instance",  # after the containers, which are made of it
    "Union",
    "Callable",
    "Bytes",
)
"""Traitlets classes that accept different values; a trait of any other class accepts all."""

_DIRECTIVE = re.compile(
    r"\.\. (?P<how>deprecated|versionremoved):: *(?P<since>[\d.]+)(?P<rest>.*)", re.S
)
_SENTENCE = re.compile(
    r"(PENDING )?DEPRECAT(ED|ION)\b(?P<rest>.*?)(?=\.\s|$)|.*?\. Deprecated in (?P<later>.*)",
    re.S | re.I,
)
_SINCE = re.compile(r"(?:since version|since|in(?: \w+)?|deprecated::)\s+(\d[\d.]*\d)")
_USE = re.compile(r"\b[Uu]se:?\s+(?::attr:)?[`]?\.?(?:c\.)?((?:[A-Z]\w*\.)?[a-z]\w*)")


def main() -> None:
    """Write the table."""
    TABLE.write_text(render(table()), encoding="utf-8")
    sys.stdout.write(f"{TABLE}\n")


def table() -> dict[str, Any]:
    """Return what the installed classes say."""
    classes = _classes()
    return {
        "versions": {name: version(name) for name in DISTRIBUTIONS},
        "names": _names(),
        "classes": {name: _describe(classes[name]) for name in sorted(classes)},
    }


def render(found: dict[str, Any]) -> str:
    """Return the table as JSON with one trait per line, so that a diff can be read."""

    def entry(name: str, value: Any, depth: int) -> str:
        pad = " " * depth
        if depth < 4 and isinstance(value, dict) and value:  # noqa: PLR2004 - below: one line
            inside = ",\n".join(entry(key, below, depth + 1) for key, below in value.items())
            return f"{pad}{json.dumps(name)}: {{\n{inside}\n{pad}}}"
        return f"{pad}{json.dumps(name)}: {json.dumps(value)}"

    return "{\n" + ",\n".join(entry(key, value, 1) for key, value in found.items()) + "\n}\n"


def _names() -> dict[str, str]:
    """Return which class each registered short name stands for."""
    found = {}
    for group in GROUPS:
        for point in sorted(entry_points(group=group)):
            if group == GROUPS[0] or point.name != "default":
                found[point.name] = point.attr
    # Names that `global.fedhub.login` takes beside the registered ones.
    from fedhub_authenticators.providers import OWN

    found.update({name: path.rpartition(".")[2] for name, path in OWN.items()})
    return dict(sorted(found.items()))


def _classes() -> dict[str, type[Configurable]]:
    # MediaWiki's class needs a package that no hub of ours has; its traits are known without.
    sys.modules.setdefault("mwoauth", ModuleType("mwoauth")).__dict__.update(
        ConsumerToken=object, Handshaker=object
    )
    sys.modules.setdefault("mwoauth.tokens", ModuleType("mwoauth.tokens")).__dict__.update(
        RequestToken=object
    )
    names = list(MODULES)
    for package in ("oauthenticator", "fedhub_authenticators"):
        folder = importlib.import_module(package).__path__
        names += [f"{package}.{found.name}" for found in pkgutil.iter_modules(folder)]
    for name in names:
        if not name.endswith(".tests"):
            importlib.import_module(name)
    return {
        cls.__name__: cls
        for cls in _subclasses(Configurable)
        if _is_listed(cls) and not cls.__name__.startswith("_")
    }


def _subclasses(cls: type) -> set[type]:
    below = set(cls.__subclasses__())
    return below.union(*(_subclasses(sub) for sub in below))


def _own_traits(cls: type[Configurable]) -> dict[str, TraitType[Any, Any]]:
    """Return a class's own traits, and those it has from classes outside of our packages.

    A hub of ours runs oauthenticator's classes with what ours add, so they have our traits, too.
    """
    from fedhub_authenticators.providers import ours

    listed = [parent for parent in cls.__mro__[1:] if _is_listed(parent)]
    inherited = {
        trait.this_class
        for parent in listed
        if ours(parent) is not parent
        for trait in ours(parent).class_traits(config=True).values()
    }.union(listed)
    return {
        name: trait
        for name, trait in sorted(ours(cls).class_traits(config=True).items())
        if trait.this_class not in inherited
    }


def _is_listed(cls: type) -> bool:
    """Return whether a class is a section of its own; our own mixins are not."""
    package = cls.__module__.split(".")[0]
    ours = package == "fedhub_authenticators" and f"{cls.__module__}.{cls.__name__}" not in _own()
    return package in PACKAGES and issubclass(cls, Configurable) and not ours


def _own() -> set[str]:
    from fedhub_authenticators.providers import OWN

    return set(OWN.values())


def _describe(cls: type[Configurable]) -> dict[str, Any]:
    own = _own_traits(cls)
    return {
        "module": cls.__module__,
        "parents": [parent.__name__ for parent in cls.__mro__[1:] if _is_listed(parent)],
        "traits": {name: _accepts(trait) for name, trait in own.items()},
        "deprecated": dict(sorted(_deprecated(cls, own).items())),
    }


def _accepts(trait: TraitType[Any, Any]) -> dict[str, Any]:
    """Return what values a trait takes: its kind, and the kinds inside."""
    kind = next((k for k in _KINDS if k in {c.__name__ for c in type(trait).__mro__}), "Any")
    found: dict[str, Any] = {"kind": kind}
    if trait.allow_none:
        found["none"] = True
    if kind in ("Set", "List", "Dict"):
        inside = getattr(trait, "_value_trait" if kind == "Dict" else "_trait", None)
        if inside is not None and type(inside).__name__ != "Any":
            found["of"] = _accepts(inside)
    if least := getattr(trait, "_minlen", 0):
        found["least"] = least
    for bound in ("min", "max"):
        limit = getattr(trait, bound, None)
        if kind in ("Int", "Float") and limit is not None and math.isfinite(limit):
            found[bound] = limit
    if kind == "Union":
        found["any"] = [_accepts(one) for one in trait.trait_types]  # type: ignore[attr-defined]
    if kind in ("Enum", "CaselessStrEnum"):
        found["values"] = list(trait.values)  # type: ignore[attr-defined]
    return found


def _deprecated(cls: type[Configurable], own: dict[str, Any]) -> dict[str, Any]:
    """Return the old names of a class: what replaces each, since when, and if it is refused."""
    found: dict[str, Any] = {}
    for name, trait in own.items():
        if note := _from_help(trait.help or ""):
            found[name] = note
    aliases = {
        **vars(cls).get("_deprecated_aliases", {}),
        **vars(cls).get("_deprecated_traits", {}),
        **vars(cls).get("_deprecated_oauth_aliases", {}),
    }
    for old, (new, since, *same) in aliases.items():
        if old in found or old in own or "_deprecated_traits" in vars(cls):
            found[old] = {"use": new, "since": since}
            # oauthenticator raises where old and new are not of the same type.
            if same == [False]:
                found[old]["refused"] = True
    return {old: note | {"use": _current(cls, found, note["use"])} for old, note in found.items()}


def _current(cls: type[Configurable], notes: dict[str, Any], name: str) -> str:
    """Return the name to use today; "" when what the help text says is no trait's name."""
    while name in notes and notes[name]["use"] != name:
        name = notes[name]["use"]
    known = name in cls.class_trait_names(config=True) or re.match(r"[A-Z]\w+\.\w+$", name)
    return name if known else ""


def _from_help(text: str) -> dict[str, Any]:
    text = " ".join(text.split())
    match = _DIRECTIVE.search(text) or _SENTENCE.match(text)
    if not match:
        return {}
    groups = match.groupdict()
    rest = groups.get("rest") or groups.get("later") or ""
    use = _USE.search(rest) or _USE.search(text)
    since = groups.get("since") or next(iter(_SINCE.findall(text)), "")
    found: dict[str, Any] = {"use": use.group(1) if use else "", "since": since}
    return found | ({"refused": True} if groups.get("how") == "versionremoved" else {})


if __name__ == "__main__":
    main()
