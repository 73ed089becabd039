"""How the report is shown: a table, JSON, or a page to send to a community."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

from fedhub.access.expectations import Difference
from fedhub.access.report import Answer, Report
from fedhub.access.words import in_words
from fedhub.errors import Position

_WIDE = 1000
"""Columns where the output is no terminal, so that lines are not folded."""

_TEMPLATES = Path(__file__).with_name("templates")


def json_text(report: Report, differences: Sequence[Difference] | None = None) -> str:
    """Return the report as JSON; its keys are a stable interface.

    Args:
        report: the report.
        differences: from what was expected; None when nothing was.
    """
    data: dict[str, Any] = {
        "hub": report.hub,
        "domain": report.domain,
        "authenticator": report.authenticator,
        "people": [_as_json(answer) for answer in report.answers],
        "notes": list(report.notes),
    }
    if differences is not None:
        data["differences"] = [_difference(one) for one in differences]
    return json.dumps(data, indent=2, ensure_ascii=False)


def _as_json(answer: Answer) -> dict[str, Any]:
    person = answer.person
    return {
        "name": person.name,
        "about": person.about,
        "provider": person.provider,
        "idp": person.idp,
        "idp_name": person.idp_name,
        "claims": dict(person.claims),
        "allowed": answer.allowed,
        "username": answer.username or None,
        "groups": list(answer.groups),
        "admin": answer.admin,
        "decided": answer.decided,
        "rules": [
            {"effect": rule.effect, "path": list(rule.path), **_place(rule.place)}
            for rule in answer.rules
        ],
        "place": _place(answer.place),
        "reason": answer.reason or None,
        "notes": list(answer.notes),
    }


def _place(position: Position) -> dict[str, Any]:
    return {"file": position.file, "line": position.line, "column": position.column}


def _difference(one: Difference) -> dict[str, Any]:
    expected, answer = one.expected, one.answer
    found = getattr(answer, expected.key)
    return {
        "name": expected.name,
        "key": expected.key,
        "expected": expected.value,
        "found": list(found) if expected.key == "groups" else found,
        **_place(expected.position),
        "message": one.message,
        "fix": one.fix,
    }


# --- Text ----------------------------------------------------------------------------------


def print_table(report: Report) -> None:
    """Print who gets in on standard output, and the notes on standard error.

    A terminal that is too narrow for the table gets a paragraph for each person.
    """
    console = _console(sys.stdout)
    table = _table(report)
    unfolded = console.options.update(max_width=_WIDE)
    if report.answers and console.measure(table, options=unfolded).maximum <= console.width:
        console.print(table)
    elif report.answers:
        _print_paragraphs(report, console)
    refused = [answer for answer in report.answers if answer.reason]
    if refused:
        console.print("\nWhat those read who are kept out:", style="dim")
    for answer in refused:
        console.print(f"  {answer.person.name}: {answer.reason}", style="dim", markup=False)
    talk = _console(sys.stderr)
    of_people = [f"{one.person.name}: {note}" for one in report.answers for note in one.notes]
    for note in (*of_people, *report.notes):
        # Never broken where an editor looks for file:line:column.
        talk.print(f"note: {note}", style="dim", markup=False, soft_wrap=True)


def _table(report: Report) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Person", "Institution", "In", "User name", "Groups", "Admin", "Decided by"):
        table.add_column(column)
    table.add_column("At", no_wrap=True)
    for answer in report.answers:
        table.add_row(
            Text(answer.person.name),
            Text(answer.person.idp_name),
            _yes_or_no(answer),
            Text(answer.username),
            Text(", ".join(answer.groups)),
            Text("yes" if answer.admin else "", style="yellow"),
            Text("\n".join(text for text, _ in answer.why)),
            Text("\n".join(str(place) for _, place in answer.why)),
        )
    return table


def _print_paragraphs(report: Report, console: Any) -> None:
    from rich.text import Text

    for answer in report.answers:
        who = Text.assemble((answer.person.name, "bold"), f" ({answer.person.idp_name}): ")
        what = f" as {answer.username}" if answer.allowed else ""
        groups = f", in {', '.join(answer.groups)}" if answer.groups else ""
        admin = ", admin" if answer.admin else ""
        console.print(Text.assemble(who, _yes_or_no(answer), what, groups, admin), soft_wrap=True)
        for text, place in answer.why:
            console.print(Text(f"  {place}: {text}"), soft_wrap=True)


def _yes_or_no(answer: Answer) -> Any:
    from rich.text import Text

    return Text("yes", style="green") if answer.allowed else Text("no", style="red")


def _console(stream: TextIO) -> Any:
    from rich.console import Console

    known = stream.isatty() or "COLUMNS" in os.environ
    # https://no-color.org: any value that is not empty
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(
        file=stream, highlight=False, width=None if known else _WIDE, color_system=colours
    )


# --- A page --------------------------------------------------------------------------------


def html_text(report: Report) -> str:
    """Return the report as one page that needs nothing else."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["place"] = _short_place
    environment.filters["words"] = in_words
    today = datetime.now(UTC).date()
    return environment.get_template("access.html").render(report=report, today=today)


def _short_place(position: Position) -> str:
    """Return a place without the folders, which are nobody else's business."""
    return f"{Path(position.file).name}, line {position.line}"
