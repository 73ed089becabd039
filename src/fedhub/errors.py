"""What went wrong, where, and what to do: the one kind of error a person is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file a person can open.

    Attributes:
        file: the path as the person gave it, or relative to the working folder.
        line: counted from 1.
        column: counted from 1, in characters.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class FedhubError(Exception):
    """A mistake or a failure that is reported in one message, never as a traceback.

    Args:
        message: what is wrong, in one sentence without a closing full stop.
        fix: what to do about it, in the imperative.
        position: where it is, when it is in a file.
    """

    exit_code = 1

    def __init__(self, message: str, *, fix: str = "", position: Position | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.position = position

    def __str__(self) -> str:
        where = f"{self.position}: " if self.position else ""
        then = f"; {self.fix}" if self.fix else ""
        return f"{where}{self.message}{then}"


class UsageError(FedhubError):
    """The command was used wrongly: an unknown hub, a bad option. Exit code 2."""

    exit_code = 2


class Problems(FedhubError):  # noqa: N818 - it is several errors, each with its position
    """Several mistakes of one kind, reported together, one line each.

    Args:
        errors: the mistakes, at least one, in the order they are shown.
    """

    def __init__(self, errors: Sequence[FedhubError]) -> None:
        super().__init__(errors[0].message, fix=errors[0].fix, position=errors[0].position)
        self.errors = tuple(errors)
        self.exit_code = max(error.exit_code for error in errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))


def for_terminal(text: str) -> str:
    """Return text that can't move a terminal's cursor; it may quote what others wrote."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)
