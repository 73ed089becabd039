"""`fedhub register`: a hub's OAuth clients at its login providers."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedhub.cli import arguments, asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedhub.registration.command import Report
    from fedhub.registration.job import Job, Outcome

app = typer.Typer(help="Register hubs at CILogon, Custos and Keycloak.", no_args_is_help=True)

Provider = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Which of the hub's login providers, of several."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")]
Format = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")]


def _do(
    hub: str,
    provider: str | None,
    what: Callable[[Job], Outcome],
    *,
    yes: bool,
    dry_run: bool,
    output: str,
) -> None:
    from fedhub.registration.command import work

    talk = asking.talk(yes=yes, dry_run=dry_run)
    print_report(work(hub, provider, talk, what, arguments.FOLDER), output, dry_run=dry_run)


def print_report(report: Report, output: str, *, dry_run: bool) -> None:
    """Print what a command did."""
    from fedhub.registration.text import report_json, report_line

    if output == "json":
        typer.echo(report_json(report, dry_run=dry_run))
        return
    typer.echo(report_line(report) + (" (dry run)" if dry_run else ""))
    for todo in report.outcome.todo:
        asking.say(f"Still to do: {todo}")


@app.command(short_help="Register a hub, and store its credentials.")
def create(
    hub: arguments.Hub,
    provider: Provider = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Format = "text",
) -> None:
    """Register a hub, and store its client's id and secret, encrypted; once."""
    from fedhub.registration.create import create as what

    _do(hub, provider, what, yes=yes, dry_run=dry_run, output=output)


@app.command(short_help="Show what is registered, wanted and stored.")
def show(
    hub: arguments.Hub,
    provider: Provider = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Print the client's secret too.")
    ] = False,
    output: Format = "text",
) -> None:
    """Show what is registered for a hub, wanted and stored; exit 1 where they differ."""
    from fedhub.registration.command import show as look
    from fedhub.registration.text import row_text, show_json

    found = look(hub, provider, arguments.FOLDER)
    if output == "json":
        typer.echo(show_json(found, reveal=reveal))
    else:
        for target, row in found:
            for line in row_text(row):
                typer.echo(line)
            if reveal and target.stored is not None:
                typer.echo(f"  secret        {target.stored.client_secret.get_secret_value()}")
    raise typer.Exit(0 if all(row.good for _, row in found) else 1)


@app.command("list", short_help="Show the registrations of all hubs, and the quota.")
def list_(output: Format = "text") -> None:
    """Show the registrations of all hubs in values/, and how much of the quota is used."""
    from fedhub.registration.command import overview
    from fedhub.registration.text import overview_json, rows_table, usage_lines

    with asking.busy("Asking the providers"):
        found = overview(arguments.FOLDER)
    if output == "json":
        typer.echo(overview_json(found))
    else:
        for line in rows_table(found.rows):
            typer.echo(line)
        for line in usage_lines(found.plan):
            typer.echo(line, err=True)
        for problem in found.problems:
            asking.say(str(problem))
    raise typer.Exit(0 if not found.problems and all(row.good for row in found.rows) else 1)


@app.command(short_help="Make the registration match the hub's values.")
def update(
    hub: arguments.Hub,
    provider: Provider = None,
    overlap: Annotated[
        bool,
        typer.Option(
            "--overlap", help="Keep the old callback URLs beside the new, until --finish."
        ),
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="End the overlap: only what the hub asks for stays.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Format = "text",
) -> None:
    """Make the registration match the hub's values, and keep what others set."""
    from fedhub.errors import UsageError
    from fedhub.registration.update import update as what

    if overlap and finish:
        raise UsageError("--overlap and --finish are opposites", fix="leave one of them out")
    _do(
        hub,
        provider,
        lambda job: what(job, overlap=overlap, finish=finish),
        yes=yes,
        dry_run=dry_run,
        output=output,
    )


@app.command(short_help="Replace a hub's client by a new one, in steps.")
def rotate(
    hub: arguments.Hub,
    provider: Provider = None,
    now: Annotated[
        bool,
        typer.Option("--now", help="Delete the old client without waiting for logins under way."),
    ] = False,
    unseen: Annotated[
        bool,
        typer.Option("--unseen", help="Take it as deployed, without asking the hub."),
    ] = False,
    abort: Annotated[
        bool, typer.Option("--abort", help="Go back to the old client, and delete the new one.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Format = "text",
) -> None:
    """Begin, or go on with, replacing a hub's client by a new one."""
    from fedhub.registration import rotate as rotation

    def what(job: Job) -> Outcome:
        if abort:
            return rotation.abort(job, unseen=unseen)
        return rotation.rotate(job, now=now, unseen=unseen)

    _do(hub, provider, what, yes=yes, dry_run=dry_run, output=output)


@app.command(short_help="Delete a hub's client, then its credentials.")
def delete(
    hub: arguments.Hub,
    provider: Provider = None,
    force: Annotated[
        bool, typer.Option("--force", help="Though the hub's values still use it.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Format = "text",
) -> None:
    """Delete a hub's client at the provider, then its credentials."""
    from fedhub.registration.command import delete_hub

    talk = asking.talk(yes=yes, dry_run=dry_run, must_agree=True)
    report = delete_hub(hub, provider, talk, force=force, folder=arguments.FOLDER)
    print_report(report, output, dry_run=dry_run)


@app.command("import", short_help="Take over a client that was made by hand.")
def import_(
    hub: arguments.Hub,
    client_id: Annotated[
        str, typer.Option("--client-id", metavar="ID", help="The client that was made by hand.")
    ],
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read its secret from standard input.")
    ] = False,
    provider: Provider = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Format = "text",
) -> None:
    """Take over a client that somebody registered by hand."""
    from fedhub.registration.adopt import adopt

    secret = asking.secret_from_stdin() if secret_stdin else None
    _do(
        hub,
        provider,
        lambda job: adopt(job, client_id, secret or asking.secret_of(job.kept, client_id)),
        yes=yes,
        dry_run=dry_run,
        output=output,
    )


@app.command(short_help="Say what would make all right; --apply does it.")
def sync(
    hubs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HUB",
            help="Names in values/; or --all.",
            autocompletion=arguments.hubs_beginning,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All hubs in values/.")] = False,
    carry_out: Annotated[
        bool, typer.Option("--apply", help="Carry the plan out, instead of printing it only.")
    ] = False,
    yes: Yes = False,
    output: Format = "text",
) -> None:
    """Say what would make all registrations right; with --apply, do it. Exit 1 if there is more."""
    from fedhub.errors import UsageError
    from fedhub.registration import command
    from fedhub.registration.text import plan_json

    if bool(hubs) == everything:
        raise UsageError("sync takes either hubs or --all", fix="name hubs, or say --all")
    talk = asking.talk(yes=yes, dry_run=not carry_out)
    with ExitStack() as stack:
        with asking.busy("Comparing hubs and providers"):
            plan, problems, apply = stack.enter_context(
                command.sync(arguments.FOLDER, hubs or [], talk)
            )
        if output == "text":
            asking.print_plan(plan, problems)
        done = None
        steps = [item for item in plan.items if item.step != "look"]
        if carry_out and steps:
            asking.agree_to_plan(steps, yes=yes)
            done = apply(asking.progress_of(len(steps)))
    if output == "json":
        typer.echo(plan_json(plan, problems, done))
    elif done is not None:
        asking.print_done(done)
    left = len(plan.items) - len([one for one in done or () if one.error is None])
    raise typer.Exit(1 if left or problems else 0)
