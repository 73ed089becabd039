"""One values file as a tree: what Helm reads from it, and where each value stands.

libyaml, of which Helm's own parser is a port, splits the text into events; the tree is built here,
so that duplicate keys, alias bombs and deep nesting are refused while reading, at their position.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import yaml

from fedhub.errors import FedhubError, Position
from fedhub.hub.scalars import Scalar, key_text, resolve

MAX_DEPTH = 100
MAX_VALUES = 100_000
"""Values in one file with its aliases written out; a Kubernetes Secret could not hold as many."""

# libyaml's reader.c, and Helm's; looked for here because libyaml says where in bytes.
_NOT_ALLOWED = re.compile(
    r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_MERGE_TAG = "tag:yaml.org,2002:merge"


class Node(NamedTuple):
    """A value, and where it stands.

    Attributes:
        content: a scalar, or the nodes below. Aliases share nodes: never change one.
        key: where the value's key stands; for an entry of a list, the entry itself.
        start: where the value itself starts.
        size: how many values this is with everything below.
    """

    content: Scalar | dict[str, Node] | list[Node]
    key: Position
    start: Position
    size: int = 1


def parse(text: str, file: str, kind: str = "a values file") -> Node:
    """Return a values file's tree; its root is a map.

    Args:
        text: the file's content, without a byte order mark.
        file: its name, for positions.
        kind: what it should be, for errors.

    Raises:
        FedhubError: Helm could not read it, or reads something other than what it seems to say.
    """
    if refused := _NOT_ALLOWED.search(text):
        raise FedhubError(
            f"character U+{ord(refused[0]):04X} is not allowed in YAML",
            fix="remove it, or write it as an escape between double quotes",
            position=_position_of(text, refused.start(), file),
        )
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = _Reader(yaml.parse(text, Loader=loader), file).document()
    except yaml.MarkedYAMLError as error:
        _refuse_syntax(error, text, file)
    if root.content is None:
        return root._replace(content={})
    if not isinstance(root.content, dict):
        found = "a list" if isinstance(root.content, list) else "a single value"
        raise FedhubError(
            f"{kind} is a map of keys to values, and this is {found}",
            fix="start with `key: value` lines",
            position=root.start,
        )
    return root


class _Reader:
    """Builds the tree of one document from libyaml's events."""

    def __init__(self, events: Iterator[yaml.Event], file: str) -> None:
        self._events = events
        self._file = file
        self._anchors: dict[str, Node] = {}
        self._open_anchors: set[str] = set()
        self._keys: dict[str, Scalar] = {}  # anchored scalars before they became values
        self._size = 0

    def document(self) -> Node:
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            nothing = Position(self._file, 1, 1)
            return Node({}, nothing, nothing)
        if event.version not in {None, (1, 1)}:
            self._refuse(event, "Helm reads YAML 1.1 only", "remove the %YAML line")
        root = self._node(next(self._events), depth=0)
        end = next(self._events)
        if not self._is_over():
            self._refuse(
                end,
                "the first YAML document ends here, and Helm reads no other",
                "put all values into one document",
            )
        return root

    def _is_over(self) -> bool:
        try:
            return isinstance(next(self._events), yaml.StreamEndEvent)
        except yaml.MarkedYAMLError:
            return False

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            self._refuse(event, f"nested more than {MAX_DEPTH} levels deep", "flatten it")
        before = self._size
        self._count(event, 1)
        if event.anchor is not None:
            self._open_anchors.add(event.anchor)
        content: Any
        if isinstance(event, yaml.ScalarEvent):
            content = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            content = self._sequence(depth)
        else:
            content = self._mapping(depth)
        start = self._position(event)
        node = Node(content, start, start, self._size - before)
        if event.anchor is not None:
            self._open_anchors.discard(event.anchor)
            self._anchors[event.anchor] = node
        if isinstance(content, float) and not math.isfinite(content):
            self._refuse(event, "not a finite number, which Helm refuses", "quote it, or remove it")
        return node

    def _alias(self, event: Any) -> Node:
        if event.anchor in self._open_anchors:
            self._refuse(
                event,
                f"*{event.anchor} stands inside &{event.anchor} and would contain itself",
                "write the value out",
            )
        if event.anchor not in self._anchors:
            self._refuse(
                event,
                "an alias of nothing: no such anchor above",
                "define it first, or quote the value",
            )
        node = self._anchors[event.anchor]
        self._count(event, node.size)
        return node._replace(key=self._position(event))

    def _scalar(self, event: Any) -> Scalar:
        try:
            value = resolve(event.value, event.tag, plain=not event.style)
        except ValueError as error:
            self._refuse(event, str(error), "correct the value or remove the tag")
        if event.anchor is not None:
            self._keys[event.anchor] = value
        return value

    def _sequence(self, depth: int) -> list[Node]:
        entries = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            entries.append(self._node(event, depth + 1))
        return entries

    def _mapping(self, depth: int) -> dict[str, Node]:
        content: dict[str, Node] = {}
        seen: dict[str, Position] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if _is_merge(event):
                # As in Helm, what stands later wins: a merge after a key replaces that key.
                for source in self._merge_sources(self._node(next(self._events), depth + 1)):
                    content.update(source)
                continue
            key, position = self._key(event), self._position(event)
            if key in seen:
                raise FedhubError(
                    f"{key!r} stands twice in the same map, first in line {seen[key].line}",
                    fix="merge the two or remove one",
                    position=position,
                )
            seen[key] = position
            content[key] = self._node(next(self._events), depth + 1)._replace(key=position)
        return content

    def _key(self, event: Any) -> str:
        if isinstance(event, yaml.ScalarEvent):
            key = self._scalar(event)
            self._count(event, 0)
            if event.anchor is not None:
                at = self._position(event)
                self._anchors[event.anchor] = Node(key, at, at)
        elif isinstance(event, yaml.AliasEvent) and event.anchor in self._keys:
            key = self._keys[event.anchor]
        else:
            self._refuse(
                event,
                "a map or a list can't be a key",
                "quote it, if it is text such as a {{ template }}",
            )
        try:
            return key_text(key)
        except ValueError as error:
            self._refuse(event, str(error), "quote it")

    def _merge_sources(self, node: Node) -> Iterator[dict[str, Node]]:
        """Yield the maps that `<<` brings in, the one with the last word last."""
        nodes = reversed(node.content) if isinstance(node.content, list) else [node]
        for source in nodes:
            if not isinstance(source.content, dict):
                raise FedhubError(
                    "`<<` merges maps, and this is something else",
                    fix="give it a map, an alias of a map, or a list of these",
                    position=source.key,
                )
            yield source.content

    def _count(self, event: Any, values: int) -> None:
        self._size += values
        if self._size > MAX_VALUES:
            self._refuse(
                event,
                f"more than {MAX_VALUES:,} values, aliases written out",
                "remove aliases of aliases, or values nobody reads",
            )

    def _position(self, event: Any) -> Position:
        mark = event.start_mark
        return Position(self._file, mark.line + 1, mark.column + 1)

    def _refuse(self, event: Any, message: str, fix: str) -> NoReturn:
        raise FedhubError(message, fix=fix, position=self._position(event))


def _is_merge(event: Any) -> bool:
    """Whether a key is the merge key `<<` (go-yaml v2, `decode.go`, isMerge)."""
    return getattr(event, "value", None) == "<<" and (event.implicit[0] or event.tag == _MERGE_TAG)


def _refuse_syntax(error: yaml.MarkedYAMLError, text: str, file: str) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    if line < len(lines) and lines[line][column : column + 1] == "\t":
        message, fix = "a tab where YAML takes only spaces", "indent with spaces"
    else:
        problem = error.problem or "not YAML"
        context = f" {error.context}" if error.context else ""
        message = f"not valid YAML: {problem}{context}"
        fix = _FIXES.get(problem, "mend the lines around it")
    raise FedhubError(message, fix=fix, position=Position(file, line + 1, column + 1)) from None


_FIXES = {
    "mapping values are not allowed in this context": "indent the key as its siblings are, or "
    "put quotes round a value that holds a colon and a space",
    "did not find expected key": "indent the line as its siblings are, or close the quotes above",
    "could not find expected ':'": "add the colon after the key, or indent the line as text",
    "found character that cannot start any token": "put quotes round the value",
}


def _position_of(text: str, offset: int, file: str) -> Position:
    before = text[:offset]
    return Position(file, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)
