"""`fedhub check`: what is wrong with a hub, at file, line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedhub.cli import arguments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fedhub.checks.linter import Result

_MANY = 10
"""Hubs that take longer than a second."""


def check(
    hubs: arguments.Hubs = None,
    files: arguments.Files = None,
    output: Annotated[
        Literal["text", "json", "sarif"], typer.Option("--format", help="How to print problems.")
    ] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="ID", help="Print what a rule is about, and stop.")
    ] = None,
) -> None:
    """Say what is wrong with a hub's values, and what to do about it."""
    if explain is not None:
        from fedhub.checks.pages import explain as page

        typer.echo(page(explain))
        return
    from fedhub.checks.linter import check_hubs

    result = check_hubs(hubs or [], extra=files or [], progress=progress)
    if output == "text":
        print_text(result)
    else:
        from fedhub.checks.report import json_text, sarif_text

        typer.echo(json_text(result.problems) if output == "json" else sarif_text(result.problems))
    raise typer.Exit(result.exit_code(strict=strict))


def print_text(result: Result) -> None:
    """Print problems, and a summary on standard error."""
    import os
    import sys

    from fedhub.checks.report import for_terminal, line, summary

    if sys.stdout.isatty():
        from rich.console import Console

        # https://no-color.org: any value that is not empty
        colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
        console = Console(highlight=False, soft_wrap=True, color_system=colours)
        for problem in result.problems:
            for part in for_terminal(problem):
                console.print(part)
    else:
        for problem in result.problems:
            typer.echo(line(problem))
    typer.echo(summary(result), err=True)


def progress(hubs: list[str], doing: str = "Checking") -> Iterable[str]:
    """Show how far it is, on a terminal, where it takes long."""
    import sys

    if len(hubs) < _MANY or not sys.stderr.isatty():
        return hubs
    from rich.console import Console
    from rich.progress import track

    return track(hubs, doing, console=Console(stderr=True), transient=True)
