"""A problem that a rule found: what, where, how bad, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fedhub.errors import Position

Severity = Literal["error", "warning", "info"]
"""An error keeps people out, lets the wrong ones in, or has no effect; a warning may be meant;
an info is worth knowing."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a hub.

    Attributes:
        id: the rule that found it; `load` for what keeps a hub from being read.
        severity: how bad it is.
        position: where in the files.
        path: the keys that lead to it, with dots.
        message: what is wrong, in one line that holds no secret.
        fix: what to do, in the imperative.
    """

    id: str
    severity: Severity
    position: Position
    path: str
    message: str
    fix: str


def dotted(path: Iterable[str | int]) -> str:
    """Return a path of keys as people write it."""
    return ".".join(str(key) for key in path)


def as_json(problem: Problem) -> Mapping[str, Any]:
    """Return what `fedhub check --format json` prints of a problem; a stable interface."""
    return {
        "id": problem.id,
        "severity": problem.severity,
        "file": problem.position.file,
        "line": problem.position.line,
        "column": problem.position.column,
        "path": problem.path,
        "message": problem.message,
        "fix": problem.fix,
    }
