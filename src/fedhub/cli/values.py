"""`fedhub values`: the merged values; which file and line set each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def values(
    hub: Annotated[str, typer.Argument(metavar="HUB", help="A name in values/, or a path.")],
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="Only what is below this dotted key.")
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--values", "-f", help="More values over the hub's own; may be repeated."),
    ] = None,
    output: Annotated[
        Literal["text", "yaml", "json"], typer.Option("--format", help="text says what set each.")
    ] = "text",
    reveal: Annotated[bool, typer.Option("--reveal", help="Show secrets too.")] = False,
) -> None:
    """Show the hub's merged values, and which file and line set each."""
    from fedhub.hub import load_hub
    from fedhub.hub.show import shown

    typer.echo(shown(load_hub(hub, extra=files or []), key, output=output, reveal=reveal), nl=False)
