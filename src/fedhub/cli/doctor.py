"""`fedhub doctor`: what works from here."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fedhub.cli import arguments
from fedhub.cli.findings import print_findings


def doctor(
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace", "-n", metavar="NAME", help="Where hubs are installed; default: current."
        ),
    ] = None,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="How to print what was found.")
    ] = "text",
) -> None:
    """Say what works from here: tools, keys that open the secrets, the chart, the cluster."""
    from fedhub.release.doctor import examine
    from fedhub.release.report import checks_json

    found = examine(arguments.FOLDER, namespace)
    if output == "json":
        typer.echo(checks_json(found))
    else:
        print_findings(found)
    raise typer.Exit(1 if any(one.state == "failed" for one in found) else 0)
