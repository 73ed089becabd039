"""`fedhub idp`: the embedded identity provider alone."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fedhub.cli import arguments


def idp(
    hub: arguments.OptionalHub = None,
    files: arguments.Files = None,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="Port to listen on; 0 takes any free one."
        ),
    ] = 0,
    redirect_uris: Annotated[
        list[str] | None,
        typer.Option(
            "--redirect-uri", metavar="URL", help="A callback URL of the sample client; repeatable."
        ),
    ] = None,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="json prints one line when ready.")
    ] = "text",
) -> None:
    """Run the identity provider of `fedhub run` alone, for a hub that runs elsewhere."""
    from fedhub.hub import load_hub
    from fedhub.preview.alone import run_alone

    run_alone(
        load_hub(hub, extra=files or []) if hub else None,
        port=port,
        redirect_uris=tuple(redirect_uris or ["http://127.0.0.1:8000/hub/oauth_callback"]),
        as_json=output == "json",
    )
