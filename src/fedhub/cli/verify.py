"""`fedhub verify`: is login at a running hub really working."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fedhub.cli import arguments
from fedhub.cli.findings import print_findings


def verify(
    hub: arguments.Hub,
    files: arguments.Files = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Ask the hub there, such as behind a port-forward; default: domain."
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on, and print what changes, until Ctrl-C.")
    ] = False,
    interval: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="Between two looks of --watch.")
    ] = 60,
    output: Annotated[
        Literal["text", "json"],
        typer.Option("--format", help="json, with --watch, prints one line for each look."),
    ] = "text",
) -> None:
    """Look at a running hub from outside: name, certificate, logins, registrations, services."""
    from fedhub.hub import load_hub
    from fedhub.release.report import changed, json_text
    from fedhub.release.verify import verify as look

    loaded = load_hub(hub, extra=files or [])
    found = look(loaded, address=address)
    if output == "json":
        typer.echo(json_text(loaded.name, found, indent=None if watch else 2))
    else:
        print_findings(found)
    while watch:
        import time

        time.sleep(interval)
        before, found = found, look(loaded, address=address)
        if output == "json":
            typer.echo(json_text(loaded.name, found, indent=None))
        else:
            print_findings(changed(before, found))
    raise typer.Exit(1 if any(one.state == "failed" for one in found) else 0)
