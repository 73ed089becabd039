"""How a server said no, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST = 300


@dataclass(frozen=True)
class Refusal:
    """What the server said.

    Attributes:
        status: of HTTP.
        code: such as `invalid_request`.
        words: its description, in one printable line.
        plain: whether it came in two lines, not as JSON.
    """

    status: int
    code: str
    words: str
    plain: bool

    def says(self, *parts: str) -> bool:
        """Whether one of these is in the words."""
        return any(part in self.words.lower() for part in parts)


def printable(text: str) -> str:
    """One short line that can't move a terminal's cursor."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
