"""Merging values the way Helm does, for trees of nodes and for a subchart's globals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fedhub.hub.scalars import as_json_number

if TYPE_CHECKING:
    from fedhub.errors import Position
    from fedhub.hub.document import Node

KeyPath = tuple[str | int, ...]


def merged(base: Node, over: Node) -> Node:
    """Return one values file laid over another, as `helm -f base -f over`.

    Maps merge key by key; everything else replaces what was there. A null replaces too: it takes
    a map away whole, so that a third file starts afresh, and stays in the result as null, where
    it deletes the chart's default (helm 3, `cli/values/options.go`, mergeMaps).
    """
    if not isinstance(base.content, dict) or not isinstance(over.content, dict):
        return over
    content = dict(base.content)
    for key, node in over.content.items():
        content[key] = merged(content[key], node) if key in content else node
    return over._replace(content=content)


def plain(node: Node) -> Any:
    """Return a tree's values as Helm has them after JSON; nothing in them is shared."""
    content = node.content
    if isinstance(content, dict):
        return {key: plain(below) for key, below in content.items()}
    if isinstance(content, list):
        return [plain(below) for below in content]
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        return as_json_number(content)
    return content


def positions(node: Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Position, Position]]:
    """Yield every value's path, the position of its key and its own."""
    yield path, node.key, node.start
    if isinstance(node.content, dict):
        for key, below in node.content.items():
            yield from positions(below, (*path, key))
    elif isinstance(node.content, list):
        for index, below in enumerate(node.content):
            yield from positions(below, (*path, index))


def with_globals(values: Mapping[str, Any], shared: Any) -> dict[str, Any]:
    """Return a subchart's values with its parent's `global` in them.

    The parent's win, except where one of the two has a map and the other has none: there the
    subchart's stays (helm 3, `chartutil/coalesce.go`, coalesceGlobals).
    """
    own = values.get("global")
    if not isinstance(shared, dict) or not isinstance(own, (dict, type(None))):
        return dict(values)
    result = dict(own or {})
    for key, value in shared.items():
        both = isinstance(value, dict), isinstance(result.get(key), dict)
        if both == (True, True):
            result[key] = _filled(value, result[key])
        elif key not in result or both == (False, False):
            result[key] = value
    return {**values, "global": result}


def _filled(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the first map with what only the second has."""
    result = dict(first)
    for key, value in second.items():
        if key not in first:
            result[key] = value
        elif isinstance(value, dict) and isinstance(first[key], dict):
            result[key] = _filled(first[key], value)
    return result
