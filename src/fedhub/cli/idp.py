"""`fedhub idp`: institutions behind CILogon, and an identity provider to try things with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedhub.cli import arguments

app = typer.Typer(
    help="Find institutions, or run an identity provider to try.", no_args_is_help=True
)


@app.command(short_help="Find institutions and their entity IDs.")
def search(
    text: Annotated[
        list[str],
        typer.Argument(metavar="TEXT...", help="Parts of its names, or its entity ID."),
    ],
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Whose list, such as test.cilogon.org.")
    ] = "cilogon.org",
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A list saved from there, in its place.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask for the list, however young the kept one is.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Never ask for the list.")] = False,
    hidden: Annotated[
        bool, typer.Option("--all", help="Also those that CILogon's own page leaves out.")
    ] = False,
    output: Annotated[
        Literal["text", "yaml", "json"],
        typer.Option("--format", help="yaml prints what to paste below a provider's config."),
    ] = "text",
) -> None:
    """Find institutions behind CILogon: entity IDs, and the lines that let their people in."""
    from fedhub.idplist.command import run

    raise typer.Exit(
        run(
            " ".join(text),
            host=host,
            file=file,
            refresh=refresh,
            offline=offline,
            hidden=hidden,
            output=output,
        )
    )


@app.command(short_help="Run the identity provider of `fedhub run` alone.")
def run(
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
