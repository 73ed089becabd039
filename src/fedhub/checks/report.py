"""How problems are shown: as text, as JSON, as SARIF 2.1.0."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fedhub.checks.linter import LOAD, Result
from fedhub.checks.problem import Problem, as_json

if TYPE_CHECKING:
    from rich.text import Text

_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_SECRETIVE = re.compile(r"secret|token|passw|passphrase|keys?\b|_key", re.I)


def json_text(problems: Sequence[Problem]) -> str:
    """Return a list of problems as JSON; its keys are a stable interface."""
    return json.dumps([as_json(problem) for problem in problems], indent=2, ensure_ascii=False)


def line(problem: Problem) -> str:
    """Return `file:line:column: severity: message; fix [id]`."""
    then = f"; {problem.fix}" if problem.fix else ""
    head = f"{problem.position}: {problem.severity}: "
    return one_line(f"{head}{problem.message}{then} [{problem.id}]")


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters: a values file may hold any."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def summary(result: Result) -> str:
    """Return the closing line."""
    where = _count(result.hubs, "hub")
    counts = [
        _count(number, name) for name in ("error", "warning") if (number := result.count(name))
    ]
    if notes := result.count("info"):
        counts.append(_count(notes, "note"))
    return f"{', '.join(counts) or 'No problems'} in {where}"


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


# --- On a terminal -----------------------------------------------------------------------


def for_terminal(problem: Problem) -> Iterator[Text]:
    """Yield a problem with colours, the line of the file, and a caret below its place."""
    from rich.text import Text

    then = f"; {problem.fix}" if problem.fix else ""
    yield Text.assemble(
        (f"{problem.position}: ", "bold"),
        (problem.severity, _COLOURS[problem.severity]),
        one_line(f": {problem.message}{then} "),
        (f"[{problem.id}]", "dim"),
    )
    shown = shown_line(problem)
    if shown:
        source, column = shown
        yield Text(f"    {source}", style="dim")
        yield Text(f"    {' ' * (column - 1)}^", style=_COLOURS[problem.severity])


def shown_line(problem: Problem) -> tuple[str, int] | None:
    """Return the line of the file a problem is in, without secrets, and the column in it."""
    try:
        lines = Path(problem.position.file).read_text(encoding="utf-8-sig").splitlines()
        text = lines[problem.position.line - 1]
    except (OSError, ValueError, IndexError):
        return None
    indent = len(text) - len(text.lstrip())
    column = max(problem.position.column - indent, 1)
    return one_line(_without_secret(text.strip(), problem.path, column)), column


def _without_secret(text: str, path: str, column: int) -> str:
    """Return a line up to where a value may be secret, told by what it is called."""
    match = _SECRETIVE.search(text)
    if match:
        value = re.compile(r"[:=]\s*").search(text, match.end())
        return f"{text[: value.end()]}…" if value else f"{text[: match.end()]}…"
    if _SECRETIVE.search(path):
        return f"{text[: column - 1]}…"
    return text


# --- SARIF -------------------------------------------------------------------------------

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_text(problems: Sequence[Problem]) -> str:
    """Return problems as a SARIF 2.1.0 log, as code-scanning services read it.

    Lines and columns count from 1, columns in code points (SARIF 2.1.0, 3.14.17, 3.30).
    """
    from fedhub import __version__

    rules = _sarif_rules()
    places = {rule["id"]: index for index, rule in enumerate(rules)}
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "fedhub", "version": __version__, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(problem, places) for problem in problems],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _sarif_rules() -> list[dict[str, Any]]:
    from fedhub.checks.rules import RULES

    found = []
    for name, rule in RULES.items():
        page = (rule.__doc__ or "").strip()
        found.append(_sarif_rule(name, page, _LEVELS[rule.SEVERITY]))
    return [*found, _sarif_rule(LOAD, "The hub can't be read, or only in part.", "error")]


def _sarif_rule(name: str, page: str, level: str) -> dict[str, Any]:
    title = page.splitlines()[0]
    return {
        "id": name,
        "shortDescription": {"text": title},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": level},
    }


def _sarif_result(problem: Problem, places: dict[str, int]) -> dict[str, Any]:
    then = f"; {problem.fix}" if problem.fix else ""
    region = {"startLine": problem.position.line, "startColumn": problem.position.column}
    location = {"artifactLocation": {"uri": _uri(problem.position.file)}, "region": region}
    result: dict[str, Any] = {
        "ruleId": problem.id,
        "ruleIndex": places[problem.id],
        "level": _LEVELS[problem.severity],
        "message": {"text": f"{problem.message}{then}"},
        "locations": [{"physicalLocation": location}],
    }
    if problem.path:
        logical = [{"fullyQualifiedName": problem.path}]
        result["locations"][0]["logicalLocations"] = logical
    return result


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
