"""Comments that silence a rule: `# fedhub: ignore RULE-ID`, on the line or alone above it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from fedhub.checks.problem import Problem

_IGNORE = re.compile(r"#\s*fedhub:\s*ignore\s+(?P<ids>[\w-]+(?:[\s,]+[\w-]+)*)")


def not_silenced(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems that no comment silences."""
    files: dict[str, list[str]] = {}
    for problem in problems:
        lines = files.setdefault(problem.position.file, _lines(problem.position.file))
        if problem.id not in silenced(lines, problem.position.line):
            yield problem


def silenced(lines: list[str], number: int) -> set[str]:
    """Return the rules that comments silence on a line.

    Args:
        lines: of the file.
        number: of the line, from 1.
    """
    found = _ids(lines[number - 1]) if number <= len(lines) else set()
    above = number - 2
    while 0 <= above < len(lines) and lines[above].lstrip().startswith("#"):
        found |= _ids(lines[above])
        above -= 1
    return found


def _ids(line: str) -> set[str]:
    """Return the ids of a comment; words that say why may follow them."""
    match = _IGNORE.search(line)
    return set(re.split(r"[\s,]+", match["ids"])) if match else set()


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        return []
