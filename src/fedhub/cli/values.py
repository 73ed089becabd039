"""`fedhub values`: the merged values; which file and line set each."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fedhub.cli import arguments


def values(
    hub: arguments.Hub,
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Only what is below this dotted key.")
    ] = None,
    files: arguments.Files = None,
    output: Annotated[
        Literal["text", "yaml", "json"], typer.Option("--format", help="text says what set each.")
    ] = "text",
    reveal: Annotated[bool, typer.Option("--reveal", help="Show secrets too.")] = False,
) -> None:
    """Show the hub's merged values, and which file and line set each."""
    from fedhub.hub import load_hub
    from fedhub.hub.show import shown

    typer.echo(shown(load_hub(hub, extra=files or []), key, output=output, reveal=reveal), nl=False)
