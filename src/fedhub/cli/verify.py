"""`fedhub verify`: is login at a running hub really working."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedhub.cli import arguments, fleet
from fedhub.cli.findings import print_findings

if TYPE_CHECKING:
    from fedhub.release.fleet import Done


def verify(
    hubs: arguments.HubsOrAll = None,
    files: arguments.Files = None,
    everything: arguments.All = False,
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
    at_once: arguments.AtOnce = arguments.AT_ONCE,
    fail_fast: arguments.FailFast = False,
    output: Annotated[
        Literal["text", "json"],
        typer.Option("--format", help="json, with --watch, prints one line for each look."),
    ] = "text",
) -> None:
    """Look at a running hub from outside: name, certificate, logins, registrations, services."""
    from fedhub.errors import UsageError
    from fedhub.hub import load_hub
    from fedhub.release.report import as_json, changed, json_text, line
    from fedhub.release.verify import verify as look

    names = fleet.named(hubs, everything=everything)
    if everything or len(names) > 1:
        if watch or address is not None:
            raise UsageError("--watch and --address are for one hub", fix="name one")

        def one(name: str) -> Done:
            from fedhub.release.fleet import Done

            loaded = load_hub(name, extra=files or [])
            found = look(loaded)
            data = as_json(loaded.name, found)
            good = bool(data["ok"])
            state: Literal["ok", "failed"] = "ok" if good else "failed"
            return Done(name, state, line(found), data, code=int(not good))

        fleet.run(
            names,
            one,
            doing="Looking",
            at_once=at_once,
            fail_fast=fail_fast,
            as_json=output == "json",
        )
    loaded = load_hub(names[0], extra=files or [])
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
