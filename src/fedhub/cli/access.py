"""`fedhub access`: who may log in, as which user name, in which groups, as admin; and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedhub.cli import arguments


def access(
    hub: arguments.Hub,
    files: arguments.Files = None,
    claims_files: Annotated[
        list[Path] | None,
        typer.Option("--claims", metavar="FILE", help="People by their claims, JSON; repeatable."),
    ] = None,
    idp: Annotated[
        str | None,
        typer.Option(metavar="ENTITY_ID", help="One more person: of this institution."),
    ] = None,
    email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="One more person: of this address.")
    ] = None,
    claims: Annotated[
        list[str] | None,
        typer.Option("--claim", metavar="NAME=VALUE", help="A claim of this person; repeatable."),
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Where this person signs in, of several providers."),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Beside people who are given, the personas too.")
    ] = False,
    expect: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare with what this file expects; 1 if it differs."),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write-expectations", metavar="FILE", help="Write such a file of what is; - prints."
        ),
    ] = None,
    output: Annotated[
        Literal["text", "json", "html"],
        typer.Option("--format", help="html prints one page to send to a community."),
    ] = "text",
) -> None:
    """Say who may log in, as which user, in which groups, as admin; and which rule decides."""
    from fedhub.access.command import Asked, run
    from fedhub.hub import load_hub

    asked = Asked(
        claims_files=tuple(claims_files or ()),
        provider=provider,
        idp=idp,
        email=email,
        claims=tuple(claims or ()),
        personas_too=everybody,
        expect=expect,
    )
    raise typer.Exit(run(load_hub(hub, extra=files or []), asked, output=output, write=write))
