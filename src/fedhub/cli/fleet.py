"""How a command does the same for several hubs, and says what came of each."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, NoReturn

import typer

from fedhub.cli import arguments, colours
from fedhub.cli.asking import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fedhub.release.fleet import Done

_COLOURS = {"ok": "green", "changed": "yellow", "failed": "red", "skipped": "yellow"}


def named(hubs: Sequence[str] | None, *, everything: bool) -> list[str]:
    """Return the hubs a command is for.

    Raises:
        UsageError: none is named, or some are beside --all, or there is none.
    """
    from fedhub.errors import UsageError
    from fedhub.hub.files import hub_names

    if bool(hubs) == everything:
        raise UsageError("name hubs, or say --all", fix="one of the two")
    if not everything:
        return list(dict.fromkeys(hubs or []))
    names = hub_names(arguments.FOLDER) if arguments.FOLDER.is_dir() else []
    if not names:
        raise UsageError(
            f"{arguments.FOLDER} holds no hub", fix="run this where values/ is, or name a hub"
        )
    return names


def run(
    hubs: Sequence[str],
    do: Callable[[str], Done],
    *,
    doing: str,
    at_once: int,
    fail_fast: bool,
    as_json: bool,
) -> NoReturn:
    """Do the same for hubs, a line for each on stdout, and end with what came of all.

    Args:
        hubs: their names.
        do: what.
        doing: what, for a progress display.
        at_once: how many at a time.
        fail_fast: whether to stop at the first failure.
        as_json: whether to print one object at the end in place of the lines.
    """
    from fedhub.release.fleet import each, exit_code, summary

    width = max(map(len, hubs))
    done = []
    for one in each(hubs, do, at_once=at_once, fail_fast=fail_fast):
        _clear()
        done.append(one)
        if not as_json:
            _print(one, width)
        _count(f"{doing}: {len(done)} of {len(hubs)}")
    _clear()
    if as_json:
        rows = [
            {"hub": one.hub, "state": one.state, "detail": one.detail, **(one.data or {})}
            for one in done
        ]
        typer.echo(json.dumps({"hubs": rows}, indent=2))
    say(summary(done))
    raise typer.Exit(exit_code(done))


def _print(one: Done, width: int) -> None:
    from fedhub.errors import for_terminal

    state = f"{one.state:<7}"
    first, *more = for_terminal(one.detail).splitlines() or [""]
    shown = typer.style(state, fg=_COLOURS[one.state]) if colours.on_stdout() else state
    typer.echo(f"{shown}  {one.hub:<{width}}  {first}")
    for line in more:
        typer.echo(f"{'':<{width + 11}}{line}")


def _count(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True, nl=False)


def _clear() -> None:
    if sys.stderr.isatty():
        typer.echo("\r\033[K", err=True, nl=False)
