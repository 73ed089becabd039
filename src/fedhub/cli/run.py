"""`fedhub run`: the hub on this machine, with an identity provider to try it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fedhub.cli import arguments


def run(
    hub: arguments.Hub,
    files: arguments.Files = None,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="Port for the hub; 0 takes any free one."
        ),
    ] = 0,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the hub in the browser.")
    ] = False,
    sign_in_as: Annotated[
        str | None, typer.Option("--as", metavar="PERSONA", help="Sign in as this persona at once.")
    ] = None,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="json prints one line when ready.")
    ] = "text",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the hub's log.")] = False,
) -> None:
    """Run the hub on this machine, configured from its values, with a login to try."""
    from fedhub.hub import load_hub
    from fedhub.preview.session import run_session

    run_session(
        load_hub(hub, extra=files or []),
        port=port,
        open_browser=open_browser,
        sign_in_as=sign_in_as,
        as_json=output == "json",
        verbose=verbose,
    )
