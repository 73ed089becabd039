"""What `hub.extraConfig` says, read without running it.

Each entry is Python that z2jh executes with the configuration as `c`, in the order of the
keys. Here its syntax tree is read for what is certain without executing: assignments
`c.Section.trait = <literal>`, imports, and classes. Everything else is named as unknown, so
that a reader can stay closed on doubt.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from fedhub.errors import Position

CONFIG = "c"
"""The name of the configuration in every entry."""


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""The value of a trait that only executing the code would tell."""


@dataclass(frozen=True)
class Assignment:
    """One `c.Section.trait = value`.

    Attributes:
        section: the class's section.
        trait: the trait.
        value: the literal; UNKNOWN where there is none, or where the statement may not run.
        text: the dotted name on the right, as in `authenticator_class = module.Class`.
        position: where the target starts.
        value_position: where the value starts.
    """

    section: str
    trait: str
    value: Any
    text: str
    position: Position
    value_position: Position


class NamedString(NamedTuple):
    """A string in the code, and the name it goes by.

    Attributes:
        name: the last part of what it is assigned to, its keyword, or its key.
        value: the string.
        position: where it starts.
    """

    name: str
    value: str
    position: Position


@dataclass(frozen=True)
class Block:
    """One entry of `hub.extraConfig`.

    Attributes:
        path: the keys that lead to it.
        assignments: in the order of the code.
        imports: by the name in the block, the dotted path it was imported from.
        classes: by the name of each class of the block, its bases and its attributes.
        error: what is wrong with the syntax, and where.
        strings: every string that the code gives a name to, by assignment, as a keyword
            argument or under a key.
        opaque: the configuration goes where reading can't follow, as in `configure(c)`.
    """

    path: tuple[str | int, ...]
    assignments: list[Assignment] = field(default_factory=list)
    imports: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, tuple[tuple[str, ...], frozenset[str]]] = field(default_factory=dict)
    error: tuple[str, Position] | None = None
    strings: list[NamedString] = field(default_factory=list)
    opaque: bool = False


@dataclass(frozen=True)
class Text:
    """Where the text of a block stands in its file.

    Attributes:
        start: where the value starts: the `|` of a block scalar.
        first_line: the line of the file that holds the first line of the text; None where
            lines can't be told apart (folded, quoted, encrypted).
        indent: how many columns the file adds to each line.
    """

    start: Position
    first_line: int | None = None
    indent: int = 0

    def at(self, line: int, column: int) -> Position:
        """Return the place in the file of a place in the text (line from 1, column from 0)."""
        if self.first_line is None:
            return self.start
        return Position(
            self.start.file, self.first_line + line - 1, self.indent + max(column, 0) + 1
        )


def read_block(path: tuple[str | int, ...], code: str, text: Text) -> Block:
    """Return what one entry says; a syntax error is part of the answer."""
    try:
        with warnings.catch_warnings():
            # An invalid escape is the author's to see in the hub, not ours to print.
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except SyntaxError as error:
        where = text.at(error.lineno or 1, (error.offset or 1) - 1)
        return Block(path, error=(error.msg, where))
    except (ValueError, RecursionError, MemoryError) as error:
        # A null byte, or nesting that Python's own parser gives up on.
        return Block(path, error=(str(error) or type(error).__name__, text.at(1, 0)))
    places = _Places(text, code.splitlines())
    return Block(
        path,
        list(_assignments(tree, places)),
        dict(_imports(tree)),
        dict(_classes(tree)),
        strings=list(_strings(tree, places)),
        opaque=_opaque(tree),
    )


@dataclass(frozen=True)
class _Places:
    """Turns a node into a place in the file; ast counts columns in UTF-8 bytes."""

    text: Text
    lines: list[str]

    def of(self, node: ast.expr | ast.stmt) -> Position:
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        column = len(line.encode()[: node.col_offset].decode(errors="replace"))
        return self.text.at(node.lineno, column)


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a chain of names; "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _trait_of(node: ast.AST) -> tuple[str, str] | None:
    """Return section and trait of `c.Section.trait`."""
    parts = dotted(node).split(".")
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == CONFIG else None  # noqa: PLR2004


def _assignments(tree: ast.Module, places: _Places) -> Iterator[Assignment]:
    for statement in tree.body:
        yield from _of_statement(statement, places, certain=True)


def _of_statement(statement: ast.stmt, places: _Places, *, certain: bool) -> Iterator[Assignment]:
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _to_target(target, value, places, certain=certain)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _to_target(target, value, places, certain=certain)
        case ast.AugAssign(target=target, value=value):
            yield from _to_target(target, value, places, certain=False)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=changed)) as call):
            # c.Section.trait.append(…) and the like.
            yield from _to_target(changed, call, places, certain=False)
        case _:
            for below in ast.iter_child_nodes(statement):
                yield from _nested(below, places)


def _nested(node: ast.AST, places: _Places) -> Iterator[Assignment]:
    if isinstance(node, ast.stmt):
        yield from _of_statement(node, places, certain=False)
    elif not isinstance(node, ast.expr):
        for below in ast.iter_child_nodes(node):
            yield from _nested(below, places)


def _to_target(
    target: ast.expr, value: ast.expr, places: _Places, *, certain: bool
) -> Iterator[Assignment]:
    if isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            yield from _to_target(one, value, places, certain=False)
        return
    while isinstance(target, ast.Subscript):
        target, certain = target.value, False
    named = _trait_of(target)
    if named:
        literal = _literal(value) if certain else UNKNOWN
        text = dotted(value) if certain else ""
        yield Assignment(*named, literal, text, places.of(target), places.of(value))


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                yield name.asname or name.name, f"{node.module}.{name.name}"
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield (
                    name.asname or name.name.split(".")[0],
                    (name.name if name.asname else name.name.split(".")[0]),
                )


def _classes(tree: ast.Module) -> Iterator[tuple[str, tuple[tuple[str, ...], frozenset[str]]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            own = set()
            for statement in node.body:
                targets = statement.targets if isinstance(statement, ast.Assign) else []
                own |= {target.id for target in targets if isinstance(target, ast.Name)}
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    own.add(statement.target.id)
            yield node.name, (tuple(dotted(base) for base in node.bases), frozenset(own))


def _opaque(tree: ast.Module) -> bool:
    """Return whether `c` is used other than as `c.Section.trait`."""
    followed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _trait_of(node):
            inner = node.value
            assert isinstance(inner, ast.Attribute)
            followed.add(id(inner.value))
    return any(
        isinstance(node, ast.Name) and node.id == CONFIG and id(node) not in followed
        for node in ast.walk(tree)
    )


def _strings(tree: ast.Module, places: _Places) -> Iterator[NamedString]:
    for name, node in _named_values(tree):
        found = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
        for value in found:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield NamedString(name, value.value, places.of(value))


def _named_values(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield _last_name(target), value
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield _last_name(target), value
            case ast.keyword(arg=str() as name, value=value):
                yield name, value
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant):
                        yield str(key.value), value


def _last_name(target: ast.expr) -> str:
    match target:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str() as name)):
            return name
        case _:
            return ""
