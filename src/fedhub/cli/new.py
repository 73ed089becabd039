"""`fedhub new`: a new hub's values file from a template, and its keys, encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedhub.cli import arguments

if TYPE_CHECKING:
    from fedhub.new.command import Ask, Planned


def _logins(incomplete: str) -> list[str]:
    from fedhub.new.template import LOGINS

    return [name for name in LOGINS if name.startswith(incomplete)]


def _situations(incomplete: str) -> list[str]:
    from fedhub.new.template import SITUATIONS

    return [name for name in SITUATIONS if name.startswith(incomplete)]


def new(
    hub: Annotated[str, typer.Argument(metavar="HUB", help="The new hub's name.")],
    domain: Annotated[
        str | None, typer.Option(metavar="DOMAIN", help="Its host name, such as hub.example.org.")
    ] = None,
    login: Annotated[
        str | None,
        typer.Option(
            metavar="PROVIDER",
            help="Who logs people in: cilogon, custos, github, google, keycloak.",
            autocompletion=_logins,
        ),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Instead of --login: two-providers, external-service, gitops, jetstream2.",
            autocompletion=_situations,
        ),
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="What the template marks as yours; repeatable."
        ),
    ] = None,
    no_secrets: Annotated[
        bool, typer.Option("--no-secrets", help="Only the values file, no keys.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the values file, and write nothing.")
    ] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="How to print what was made.")
    ] = "text",
) -> None:
    """Write the values file of a new hub, and its keys into an encrypted one beside it."""
    from fedhub.new.command import Wanted, planned, written

    given = arguments.pairs(answers or [], option="--set")
    if domain is not None:
        given["domain"] = domain
    wanted = Wanted(hub, login, template, given, with_secrets=not no_secrets)
    plan = planned(wanted, _asker(), folder=arguments.FOLDER)
    if dry_run:
        typer.echo(plan.text, nl=False)
    else:
        written(plan)
        _report(hub, plan, as_json=output == "json")


def _asker() -> Ask | None:
    import sys

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    told = False

    def ask(name: str, example: str, complaint: str) -> str:
        nonlocal told
        if not told and name not in ("login", "domain"):
            typer.echo("Enter alone leaves a question open.", err=True)
            told = True
        if complaint:
            typer.echo(complaint, err=True)
        question = f"{name.replace('-', ' ')} (such as {example})"
        answer: str = typer.prompt(question, default="", show_default=False, err=True)
        return answer.strip()

    return ask


def _report(hub: str, plan: Planned, *, as_json: bool) -> None:
    if as_json:
        import json

        data = {
            "values": str(plan.path),
            "secrets": str(plan.secrets) if plan.secrets else None,
            "left": [one._asdict() for one in plan.left],
        }
        typer.echo(json.dumps(data, indent=2))
        return
    from fedhub.new.template import registering

    typer.echo(str(plan.path))
    if plan.secrets:
        typer.echo(str(plan.secrets))
    for one in plan.left:
        typer.echo(f"{plan.path}:{one.line}: still to fill in: {one.name}", err=True)
    typer.echo(
        f"Next: `fedhub check {hub}`, then `fedhub run {hub}` to try it. Then register it at the "
        f"login provider: {registering(plan.text, hub)}.",
        err=True,
    )
