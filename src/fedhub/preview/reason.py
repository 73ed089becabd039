"""Why a hub did not start, from its log: one paragraph instead of a traceback."""

from __future__ import annotations

import re

_PREFIX = re.compile(r"^\[[A-Z] [^\]]*\]\s*")
_EXCEPTION = re.compile(
    r"^(?P<name>[\w.]+(?:Error|Exception|Exit|Warning|Invalid\w*)): ?(?P<text>.*)"
)
_LEVEL = re.compile(r"^\[[EC] ")


def reason_from_log(lines: list[str]) -> str:
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


def _continuation(lines: list[str]) -> list[str]:
    found = []
    for line in lines:
        if _PREFIX.match(line) or not line.strip():
            break
        found.append(line.strip())
    return found
