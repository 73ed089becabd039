"""A hub's merged values for a person or a script to read, secrets hidden, with what set each."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from fedhub.errors import UsageError
from fedhub.hub.credentials import without_secrets
from fedhub.hub.merge import KeyPath
from fedhub.hub.scalars import resolve
from fedhub.hub.values import Hub

_PLAIN_KEY = re.compile(r"[^\s.\[\]\"']+")
_PLAIN_TEXT = re.compile(r"[A-Za-z_./][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NEWLINE = "\n"
_BLOCK_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\uffff]*")


def shown(
    hub: Hub, key: str | None, *, output: Literal["text", "yaml", "json"], reveal: bool
) -> str:
    """Return the values below a key, and the position that set each.

    Args:
        hub: the hub.
        key: a dotted key; None for everything.
        output: `text` is one line for each value, `yaml` a values file whose comments say what
            set each, `json` an object of `values` and `set`, a list of positions.
        reveal: whether to show secrets too.

    Raises:
        UsageError: there is nothing at the key.
    """
    path = find(hub, key) if key else ()
    value: Any = hub.values
    for part in path:
        value = value[part]
    value = value if reveal else without_secrets(hub, value, path)
    if output == "json":
        return _json(hub, value, path)
    if output == "yaml":
        return "".join(_yaml(hub, value, path, indent=""))
    return _text(hub, value, path)


def find(hub: Hub, key: str) -> KeyPath:
    """Return the path that a dotted key means; keys may hold dots themselves.

    Raises:
        UsageError: there is nothing there.
    """
    path: KeyPath = ()
    value: Any = hub.values
    rest = key
    while rest:
        names = sorted(_names(value), key=lambda name: -len(name[0]))
        match = next((n for n in names if re.match(rf"{re.escape(n[0])}(?=[.\[]|$)", rest)), None)
        if match is None:
            raise _nothing_at(hub, key, path, rest, [name for name, _ in names])
        text, part = match
        path, value, rest = (*path, part), value[part], rest[len(text) :].removeprefix(".")
    return path


def _nothing_at(hub: Hub, key: str, path: KeyPath, rest: str, names: list[str]) -> UsageError:
    near = difflib.get_close_matches(rest.partition(".")[0], names, n=1)
    suggested = [(*path, near[0])] if near else [p for p in hub.positions if p[-1:] == (key,)]
    if suggested:
        fix = f"did you mean {' or '.join(map(dotted, suggested[:3]))}?"
    else:
        fix = "leave it out to see everything there is"
    return UsageError(f"{hub.name} has no value {key}", fix=fix)


def _names(value: Any) -> list[tuple[str, str | int]]:
    if isinstance(value, dict):
        return [(text, key) for key in value for text in (key, json.dumps(key, ensure_ascii=False))]
    if isinstance(value, list):
        return [(text, i) for i in range(len(value)) for text in (f"[{i}]", str(i))]
    return []


def dotted(path: KeyPath) -> str:
    """Return a path as people write it; a key that holds dots or spaces in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            quoted = part if _PLAIN_KEY.fullmatch(part) else json.dumps(part, ensure_ascii=False)
            text += f".{quoted}" if text else quoted
    return text


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            yield from _leaves(below, (*path, index))
    else:
        yield path, value


def _text(hub: Hub, value: Any, path: KeyPath) -> str:
    lines = []
    for leaf, below in _leaves(value, path):
        text = below if isinstance(below, str) and below else json.dumps(below)
        first, *more = text.splitlines() or [""]
        where = hub.position(*leaf)
        lines.append((f"{where.file}:{where.line}", f"{dotted(leaf)}: {first}{' …' * bool(more)}"))
    width = max((len(where) for where, _ in lines), default=0)
    return "".join(f"{where:<{width}}  {line}\n" for where, line in lines)


def _json(hub: Hub, value: Any, path: KeyPath) -> str:
    positions = [
        {"path": list(leaf), "file": where.file, "line": where.line, "column": where.column}
        for leaf, _ in _leaves(value, path)
        for where in [hub.position(*leaf)]
    ]
    return json.dumps({"values": value, "set": positions}, indent=2, ensure_ascii=False) + "\n"


def _yaml(hub: Hub, value: Any, path: KeyPath, indent: str) -> Iterator[str]:
    """Yield the lines of a values file that says the same, each leaf with what set it."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _entry(hub, f"{indent}{as_yaml(key)}:", below, (*path, key), indent)
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            yield from _entry(hub, f"{indent}-", below, (*path, index), indent)
    else:
        yield from _entry(hub, indent, value, path, indent)


def _entry(hub: Hub, start: str, value: Any, path: KeyPath, indent: str) -> Iterator[str]:
    if isinstance(value, (dict, list)) and value:
        yield f"{start}\n"
        yield from _yaml(hub, value, path, f"{indent}  ")
        return
    where = hub.position(*path)
    comment = f"  # {where.file}:{where.line}\n"
    start = f"{start} " if start else ""
    if isinstance(value, str) and _fits_a_block(value):
        yield f"{start}|{'' if value.endswith(_NEWLINE) else '-'}{comment}"
        for line in value.removesuffix(_NEWLINE).split(_NEWLINE):
            yield f"{indent}  {line}\n"
    else:
        yield f"{start}{as_yaml(value)}{comment}"


def _fits_a_block(text: str) -> bool:
    """Whether a text reads the same as a YAML block of lines."""
    lines = text.removesuffix(_NEWLINE).split(_NEWLINE)
    edges = (lines[0], lines[-1])
    return (
        len(lines) > 1
        and all(edge.strip() and edge == edge.lstrip() for edge in edges)
        and all(_BLOCK_LINE.fullmatch(line) for line in lines)
    )


def as_yaml(value: Any) -> str:
    """Return a single value as YAML writes it, in quotes where it needs them."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN_TEXT.fullmatch(value) and resolve(value, None, plain=True) == value:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
