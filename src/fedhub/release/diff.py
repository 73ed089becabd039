"""How a hub's values differ from what is installed: in values and in objects, no secret shown.

What is installed may hold secrets that the values don't have any more, so of it only that is shown
which the values still have in the open.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from fedhub.hub.credentials import HIDDEN, is_secret, masked, names_credential, secret_strings
from fedhub.hub.merge import KeyPath
from fedhub.hub.show import dotted
from fedhub.hub.values import Hub, value_at
from fedhub.release.installed import Installed
from fedhub.release.manifests import Manifest

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_CONTEXT = 3  # lines
_SHORTEST = 6
"""Characters below which an old value is too common a word to look for in objects."""
_MISSING = object()


@dataclass(frozen=True)
class Change:
    """One thing that is different.

    Attributes:
        subject: `values`, or an object's kind and name.
        kind: what becomes of it.
        lines: how; each starts with `+`, `-`, `~` for a secret that changes, `@` for a place, or a
            space.
        restarts: whether pods start anew.
    """

    subject: str
    kind: Literal["added", "removed", "changed"]
    lines: tuple[str, ...] = ()
    restarts: bool = False


def difference(hub: Hub, before: Installed | None, after: Installed) -> list[Change]:
    """Return what an upgrade would change.

    Args:
        hub: its values.
        before: what is installed; None where nothing is.
        after: what the upgrade would make.
    """
    old = {one.key: one for one in before.objects} if before else {}
    new = {one.key: one for one in after.objects}
    found = list(_values(hub, before.values)) if before else []
    changes = [Change("values", "changed", tuple(found))] if found else []
    secrets = [*secret_strings(hub), *(_old_texts(hub, before.values) if before else ())]
    secrets.sort(key=len, reverse=True)
    for key in dict.fromkeys([*new, *old]):
        if key not in new:
            changes.append(Change(key, "removed"))
        elif key not in old:
            changes.append(Change(key, "added"))
        elif old[key].content != new[key].content:
            changes.append(_changed(old[key], new[key], secrets))
    return changes


# --- Values ------------------------------------------------------------------------------


def _values(hub: Hub, before: Mapping[str, Any]) -> Iterator[str]:
    old, new = dict(_leaves(before)), dict(_leaves(hub.values))
    for path in dict.fromkeys([*new, *old]):
        was, becomes = old.get(path, _MISSING), new.get(path, _MISSING)
        if json.dumps(was, default=str) == json.dumps(becomes, default=str):
            continue
        in_open = _in_open(hub, path)
        if was is not _MISSING and becomes is not _MISSING and not in_open:
            yield f"~ {dotted(path)}"
            continue
        if was is not _MISSING:
            yield f"- {dotted(path)}: {_shown(hub, was) if in_open else HIDDEN}"
        if becomes is not _MISSING:
            yield f"+ {dotted(path)}: {_shown(hub, becomes) if in_open else HIDDEN}"


def _in_open(hub: Hub, path: KeyPath) -> bool:
    """Whether a value may be shown: the values have it, or what its list has, in the open."""
    here = path if path in hub.positions else path[:-1]
    listed = here == path or isinstance(path[-1], int)
    return listed and here in hub.positions and not is_secret(hub, here)


def _shown(hub: Hub, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    first, *more = masked(text, secret_strings(hub)).splitlines() or [""]
    return f"{first}{' …' * bool(more)}"


def _leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            yield from _leaves(below, (*path, index))
    elif path:
        yield path, value


def _old_texts(hub: Hub, before: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was installed of values that may not be shown."""
    for path, value in _leaves(before):
        if isinstance(value, str) and len(value) >= _SHORTEST and not _in_open(hub, path):
            yield value


# --- Objects -----------------------------------------------------------------------------


def _changed(old: Manifest, new: Manifest, secrets: list[str]) -> Change:
    was, becomes = _readable(old, secrets), _readable(new, secrets)
    lines = [
        *_unified(was, becomes),
        *(f"~ {dotted(path)}" for path in _hidden(old.content, new.content, was, becomes)),
    ]
    templates = [value_at(one.content, ("spec", "template")) for one in (old, new)]
    return Change(new.key, "changed", tuple(lines), restarts=templates[0] != templates[1])


def _readable(manifest: Manifest, secrets: list[str]) -> Any:
    """Return an object without its secrets."""
    if not manifest.is_secret:
        return _without(manifest.content, secrets)
    rest = {key: _without(below, secrets) for key, below in manifest.content.items()}
    for key in ("data", "stringData"):
        if isinstance(rest.get(key), Mapping):
            rest[key] = dict.fromkeys(rest[key], HIDDEN)
    return rest


def _without(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, Mapping):
        found = {key: _without(below, secrets) for key, below in value.items()}
        if "value" in found and names_credential(str(found.get("name", ""))):
            found["value"] = HIDDEN
        return found
    if isinstance(value, list):
        return [_without(below, secrets) for below in value]
    return masked(value, secrets) if isinstance(value, str) else value


def _unified(was: Any, becomes: Any) -> Iterator[str]:
    before, after = (
        yaml.dump(one, Dumper=_DUMPER, sort_keys=False, width=10_000, allow_unicode=True)
        for one in (was, becomes)
    )
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=_CONTEXT, lineterm="")
    return (line for line in lines if not line.startswith(("---", "+++")))


def _hidden(old: Any, new: Any, was: Any, becomes: Any) -> Iterator[KeyPath]:
    """Yield where two objects differ in what is not shown of them."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    shown_before, shown_after = dict(_leaves(was)), dict(_leaves(becomes))
    for path in before.keys() & after.keys():
        same_to_see = shown_before.get(path) == shown_after.get(path)
        if before[path] != after[path] and same_to_see:
            yield path
