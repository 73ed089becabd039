"""Adding a key to a values file's text, or taking one away; every other byte stays.

A change is judged by reading the text again, as Helm does: where it would say anything but the old
values and the change, it is refused, and the file is the operator's to edit.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import yaml

from fedhub.errors import FedhubError, Position
from fedhub.hub.document import parse
from fedhub.hub.merge import plain
from fedhub.hub.show import as_yaml

Keys = tuple[str, ...]
_STEP = "  "


def added(text: str, file: str, path: Keys, value: Any) -> str:
    """Return a values file with one more key.

    Args:
        text: the file's text, its line ends as they are.
        file: its name, for positions.
        path: where the key is to stand; its last part must not be there yet.
        value: maps, lists and single values.

    Raises:
        FedhubError: the key can't be written there without changing something else.
    """
    root = _compose(text)
    parents, at = _followed(root, path)
    if len(parents) > len(path):
        raise _refused(file, at, path, "written")
    given, missing = value, path[len(parents) - 1 :]
    for key in reversed(missing[1:]):
        value = {key: value}
    inside = parents[-1]
    if isinstance(inside, yaml.MappingNode) and inside.flow_style:
        ways = [_in_flow(text, inside, f"{as_yaml(missing[0])}: {_flow(value)}")]
    else:
        entry = {missing[0]: value}
        ways = [_in_block(text, inside, at, entry), _first_in_block(text, inside, entry)]
    wanted = _with(_values(text, file), path, given)
    for changed in ways:
        if _read_again(changed, file) == wanted:
            return changed
    raise _refused(file, at, path, "written")


def taken_away(text: str, file: str, path: Keys) -> str:
    """Return a values file without a key, nor the maps that would be left empty.

    Nothing may stay empty: null in Helm's values deletes the chart's defaults.

    Raises:
        FedhubError: the key can't be taken away without changing something else.
    """
    root = _compose(text)
    parents, at = _followed(root, path)
    if len(parents) <= len(path):
        raise _refused(file, at, path, "removed")
    while len(path) > 1 and len(parents[len(path) - 1].value) == 1:
        path = path[:-1]
    parent = parents[len(path) - 1]
    key, below = next(pair for pair in parent.value if pair[0].value == path[-1])
    changed = _out_of_flow(text, key, below) if parent.flow_style else _cut(text, key, below)
    if _read_again(changed, file) != _without(_values(text, file), path):
        raise _refused(file, key, path, "removed")
    return changed


def _compose(text: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.compose(text, Loader=loader)
    except yaml.YAMLError:
        return None  # which reading it again reports, at its place


def _values(text: str, file: str) -> Any:
    return plain(parse(text, file))


def _read_again(text: str, file: str) -> Any:
    try:
        return _values(text, file)
    except FedhubError:
        return None


def _followed(root: Any, path: Keys) -> tuple[list[Any], Any]:
    """Return the nodes along a path as far as it is there, and the key of the last of them."""
    nodes, at = [root], None
    for part in path:
        if not isinstance(nodes[-1], yaml.MappingNode):
            break
        pair = next((pair for pair in nodes[-1].value if pair[0].value == part), None)
        if pair is None:
            break
        at = pair[0]
        nodes.append(pair[1])
    return nodes, at


# --- in block style ------------------------------------------------------------------------


def _in_block(text: str, inside: Any, at: Any, entry: Mapping[str, Any]) -> str:
    """Write below what is there already, and below the comments that belong to it."""
    if isinstance(inside, yaml.MappingNode) and inside.value:
        column = inside.value[0][0].start_mark.column
        end = _end_of(text, inside)
    elif at is None:
        column, end = 0, len(text)
    else:
        column = at.start_mark.column + len(_STEP)
        end = _line_end(text, at.end_mark.index)
    end = _past_comments(text, end, column)
    ending = "\r\n" if "\r\n" in text else "\n"
    before = text[:end]
    if before and not before.endswith("\n"):
        before += ending
    lines = (f"{' ' * column}{line}{ending}" for line in _lines(entry))
    return before + "".join(lines) + text[end:]


def _first_in_block(text: str, inside: Any, entry: Mapping[str, Any]) -> str:
    """Write above what is there: a text block at the end of the file has no line after it."""
    if not isinstance(inside, yaml.MappingNode) or not inside.value:
        return text
    mark = inside.value[0][0].start_mark
    start = mark.index - mark.column
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = (f"{' ' * mark.column}{line}{ending}" for line in _lines(entry))
    return text[:start] + "".join(lines) + text[start:]


def _cut(text: str, key: Any, below: Any) -> str:
    start = key.start_mark.index - key.start_mark.column
    end = max(_end_of(text, below), _line_end(text, key.end_mark.index))
    return text[:start] + text[_past_comments(text, end, key.start_mark.column + 1) :]


def _end_of(text: str, node: Any) -> int:
    """Return where the line after a value starts; a block ends with what is last in it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return _line_end(text, node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    if index and text[index - 1] == "\n":  # as after a block of lines
        return index
    return text.find("\n", index) + 1 or len(text)


def _past_comments(text: str, end: int, column: int) -> int:
    """Return where the comments end that follow a place, at least as far in as a column."""
    at = end
    while at < len(text):
        line_end = _line_end(text, at + 1) if text[at] != "\n" else at + 1
        line = text[at:line_end]
        bare = line.lstrip(" ")
        if bare.startswith("#") and len(line) - len(bare) >= column:
            end = line_end
        elif line.strip():
            break
        at = line_end
    return end


def _lines(value: Mapping[str, Any]) -> list[str]:
    found = []
    for key, below in value.items():
        if isinstance(below, Mapping) and below:
            found.append(f"{as_yaml(key)}:")
            found += [_STEP + line for line in _lines(below)]
        else:
            found.append(f"{as_yaml(key)}: {_flow(below)}")
    return found


# --- in flow style -------------------------------------------------------------------------


def _in_flow(text: str, inside: Any, entry: str) -> str:
    end = inside.end_mark.index - 1
    comma = ", " if inside.value and not text[:end].rstrip().endswith(",") else ""
    return text[:end] + comma + entry + text[end:]


def _out_of_flow(text: str, key: Any, below: Any) -> str:
    before, after = text[: key.start_mark.index], text[below.end_mark.index :]
    if after.lstrip().startswith(","):
        return before + after.lstrip().removeprefix(",").lstrip(" ")
    return before.rstrip().removesuffix(",") + after


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{as_yaml(key)}: {_flow(below)}' for key, below in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return as_yaml(value)


# --- what the text is to say afterwards ----------------------------------------------------


def _with(values: Any, path: Keys, value: Any) -> Any:
    values = copy.deepcopy(values)
    node = values
    for part in path[:-1]:
        if node.get(part) is None:
            node[part] = {}
        node = node[part]
        if not isinstance(node, dict):
            return None
    node[path[-1]] = value
    return values


def _without(values: Any, path: Keys) -> Any:
    values = copy.deepcopy(values)
    node = values
    for part in path[:-1]:
        node = node[part]
    del node[path[-1]]
    return values


def _refused(file: str, at: Any, path: Keys, done: str) -> FedhubError:
    mark = at.start_mark if at is not None else None
    where = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
    return FedhubError(
        f"{'.'.join(path)} can't be {done} here without changing something else: an alias, a null "
        "or a single value is in the way",
        fix="write the maps above it as `key:` and indented lines, or edit it by hand",
        position=where,
    )
