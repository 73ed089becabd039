"""`fedhub register tenant`: a hub's tenant at Custos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fedhub.cli import arguments, asking
from fedhub.cli.register import DryRun, Format, Provider, Yes, print_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedhub.registration.job import Outcome
    from fedhub.registration.tenants.job import TenantJob

app = typer.Typer(
    help="Request a tenant of Custos, and take it up when it is approved.", no_args_is_help=True
)


def _do(
    hub: str,
    provider: str | None,
    what: Callable[[TenantJob], Outcome],
    *,
    yes: bool,
    dry_run: bool,
    output: str,
) -> None:
    from fedhub.registration.tenants.command import work

    talk = asking.talk(yes=yes, dry_run=dry_run)
    print_report(work(hub, provider, talk, what, arguments.FOLDER), output, dry_run=dry_run)


@app.command(short_help="Request a tenant for a hub.")
def request(
    hub: arguments.Hub,
    provider: Provider = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Custos' administrators say that a lost request left no tenant."
        ),
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Format = "text",
) -> None:
    """Request a tenant for a hub, and store its id and secret, encrypted; once."""
    from fedhub.registration.tenants.request import request as what

    _do(
        hub,
        provider,
        lambda job: what(job, again=again),
        yes=yes,
        dry_run=dry_run,
        output=output,
    )


@app.command(short_help="Say where a hub's tenant stands.")
def status(
    hub: arguments.Hub,
    provider: Provider = None,
    output: Format = "text",
) -> None:
    """Say where a hub's tenant stands; exit 1 until people can log in by it."""
    from fedhub.registration.tenants.command import look
    from fedhub.registration.text import tenant_text

    talk = asking.talk(yes=True, dry_run=True)
    found = look(hub, provider, talk, arguments.FOLDER)
    if output == "json":
        import json

        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        for line in tenant_text(found):
            typer.echo(line)
        for todo in found.todo:
            typer.echo(f"Still to do: {todo}", err=True)
    raise typer.Exit(0 if found.good else 1)


@app.command(short_help="Take up an approved tenant.")
def activate(
    hub: arguments.Hub,
    provider: Provider = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Format = "text",
) -> None:
    """Take up an approved tenant, storing what the hub needs; approve it, where that is yours."""
    from fedhub.registration.tenants.activate import activate as what

    _do(hub, provider, what, yes=yes, dry_run=dry_run, output=output)


@app.command(short_help="Make a tenant match the hub's values.")
def update(
    hub: arguments.Hub,
    provider: Provider = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Format = "text",
) -> None:
    """Make a tenant match the hub's values, such as its callback URL; what others set stays."""
    from fedhub.registration.tenants.update import update as what

    _do(hub, provider, what, yes=yes, dry_run=dry_run, output=output)


@app.command(short_help="List or choose the institutions that people are shown.")
def institutions(
    hub: arguments.Hub,
    provider: Provider = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="ENTITY_ID", help="Show it, and those listed so only."),
    ] = None,
    never: Annotated[
        list[str] | None, typer.Option("--never", metavar="ENTITY_ID", help="Leave it out.")
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="ENTITY_ID", help="Take it off its list."),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Format = "text",
) -> None:
    """List or choose the institutions that Custos shows people; each option may be repeated."""
    from fedhub.registration.tenants.command import show_institutions
    from fedhub.registration.tenants.institutions import institutions as what
    from fedhub.registration.text import institutions_text

    shown = show_institutions(
        hub,
        provider,
        asking.talk(yes=yes, dry_run=dry_run),
        lambda job: what(job, only=only or [], never=never or [], remove=remove or []),
        arguments.FOLDER,
    )
    if shown is None:
        return
    if output == "json":
        import json

        typer.echo(json.dumps(shown.as_json(), indent=2))
        return
    for line in institutions_text(shown):
        typer.echo(line)
    if not (shown.only or shown.never):
        typer.echo("people are shown all institutions", err=True)
