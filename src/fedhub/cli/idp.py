"""`fedhub idp`: the embedded identity provider alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def idp(
    hub: Annotated[str, typer.Argument(metavar="HUB", help="A name in values/, or a path.")],
    files: Annotated[
        list[Path] | None,
        typer.Option("--values", "-f", help="More values over the hub's own; may be repeated."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.")] = 0,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="json prints one line when ready.")
    ] = "text",
) -> None:
    """Run the identity provider that `fedhub run` uses, for a hub that runs elsewhere."""
