"""`fedhub secrets`: a hub's encrypted file."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fedhub.cli import arguments

app = typer.Typer(help="Make a hub's keys, in its encrypted file.", no_args_is_help=True)


@app.callback()
def _secrets() -> None:
    """Make a hub's keys, in its encrypted file."""


@app.command()
def generate(
    hub: arguments.Hub,
    files: arguments.Files = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which keys are missing, and write nothing.")
    ] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="How to print which are new.")
    ] = "text",
) -> None:
    """Make the keys that a hub lacks, once; those that are there stay."""
    from fedhub.hub.show import dotted
    from fedhub.secrets.generate import generate as make

    path, keys = make(hub, extra=files or [], folder=arguments.FOLDER, dry_run=dry_run)
    if output == "json":
        import json

        typer.echo(json.dumps({"file": str(path), "made": [dotted(key) for key in keys]}, indent=2))
        return
    for key in keys:
        typer.echo(dotted(key))
    if not keys:
        typer.echo(f"{hub} has all its keys; nothing changed", err=True)
    else:
        typer.echo(f"{'would be made' if dry_run else 'made'} in {path}", err=True)
