"""Why a hub did not start, from its log: one paragraph instead of a traceback."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PREFIX = re.compile(r"^\[[A-Z] [^\]]*\]\s*")
_EXCEPTION = re.compile(
    r"^(?P<name>[\w.]+(?:Error|Exception|Exit|Warning|Invalid\w*)): ?(?P<text>.*)"
)
_LEVEL = re.compile(r"^\[[EC] ")


_BLOCK = re.compile(r'^File "hub\.extraConfig\.(?P<key>[^"]+)", line (?P<line>\d+)')


def block_from_log(lines: Sequence[str]) -> tuple[str, int] | None:
    """Return the entry of `hub.extraConfig`, and its line, that the last exception came from."""
    for line in reversed(lines):
        if found := _BLOCK.match(line.strip()):
            return found["key"], int(found["line"])
    return None


def reason_from_log(lines: Sequence[str]) -> str:
    """Return the most telling message of a log.

    The last exception with its continuation lines, else the last line logged as an error,
    else the last line at all.
    """
    for index in range(len(lines) - 1, -1, -1):
        if found := _EXCEPTION.match(lines[index].strip()):
            text = [found["text"], *_continuation(lines[index + 1 :])]
            return f"{found['name'].rpartition('.')[2]}: {' '.join(text)}".strip()
    for line in reversed(lines):
        if _LEVEL.match(line):
            return _PREFIX.sub("", line).strip()
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")


def _continuation(lines: Sequence[str]) -> list[str]:
    found = []
    for line in lines:
        if _PREFIX.match(line) or not line.strip():
            break
        found.append(line.strip())
    return found
