"""`fedhub diff`: how a hub's values differ from what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedhub.cli import arguments, colours, fleet
from fedhub.cli.asking import busy, say

if TYPE_CHECKING:
    from fedhub.release.compare import Comparison
    from fedhub.release.fleet import Done

_COLOURS = {"+": "green", "-": "red", "~": "yellow", "@": "cyan"}


def diff(
    hubs: arguments.HubsOrAll = None,
    files: arguments.Files = None,
    everything: arguments.All = False,
    context: arguments.Context = None,
    namespace: arguments.Namespace = None,
    at_once: arguments.AtOnce = arguments.AT_ONCE,
    fail_fast: arguments.FailFast = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="How to print differences.")
    ] = "text",
) -> None:
    """Show what `deploy` would change of what is installed; exit 1 when there is something."""
    names = fleet.named(hubs, everything=everything)

    def compared(name: str) -> Comparison:
        from fedhub.hub import load_hub
        from fedhub.release.compare import compare
        from fedhub.release.kubectl import pinned
        from fedhub.release.target import release_of

        hub = load_hub(name, extra=files or [])
        return compare(hub, pinned(release_of(hub, context=context, namespace=namespace)))

    if not everything and len(names) == 1:
        with busy("Asking the cluster"):
            found = compared(names[0])
        if output == "json":
            typer.echo(found.json_text())
        else:
            print_changes(found)
        raise typer.Exit(1 if found.changes else 0)

    fleet.run(
        names,
        lambda name: done_of(name, compared(name), code=1),
        doing="Comparing",
        at_once=at_once,
        fail_fast=fail_fast,
        as_json=output == "json",
    )


def done_of(name: str, found: Comparison, *, code: int) -> Done:
    """Return a comparison as one of several; the code is for one that found something."""
    from fedhub.release.fleet import Done

    if not found.changes:
        return Done(name, "ok", found.line, found.as_json())
    return Done(name, "changed", found.line, found.as_json(), code=code)


def print_changes(found: Comparison) -> None:
    """Print what is different, coloured on a terminal, and in a line how much."""
    from fedhub.errors import for_terminal

    coloured = colours.on_stdout()

    def echo(text: str, colour: str | None, *, bold: bool = False) -> None:
        text = for_terminal(text)
        typer.echo(typer.style(text, fg=colour, bold=bold or None) if coloured else text)

    for change in found.changes:
        sign = {"added": "+ ", "removed": "- ", "changed": ""}[change.kind]
        then = " (its pods start anew)" if change.restarts else ""
        echo(f"{sign}{change.subject}{then}", _COLOURS.get(sign[:1]), bold=True)
        for line in change.lines:
            echo(f"  {line}", _COLOURS.get(line[:1]))
    say(found.line)
