"""`fedhub secrets`: a hub's encrypted file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedhub.cli import arguments

if TYPE_CHECKING:
    from fedhub.secrets.rekey import Rekeyed

app = typer.Typer(
    help="A hub's encrypted file: its keys, who can read it, no plaintext.", no_args_is_help=True
)

_Output = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")]


@app.command(short_help="Make the keys that a hub lacks, once.")
def generate(
    hub: arguments.Hub,
    files: arguments.Files = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which keys are missing, and write nothing.")
    ] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="How to print which are new.")
    ] = "text",
) -> None:
    """Make the keys that a hub lacks, once; those that are there stay."""
    from fedhub.hub.show import dotted
    from fedhub.secrets.generate import generate as make

    path, keys = make(hub, extra=files or [], folder=arguments.FOLDER, dry_run=dry_run)
    if output == "json":
        import json

        typer.echo(json.dumps({"file": str(path), "made": [dotted(key) for key in keys]}, indent=2))
        return
    for key in keys:
        typer.echo(dotted(key))
    if not keys:
        typer.echo(f"{hub} has all its keys; nothing changed", err=True)
    else:
        typer.echo(f"{'would be made' if dry_run else 'made'} in {path}", err=True)


@app.command(short_help="List its keys, and who can decrypt it.")
def show(
    hub: arguments.Hub,
    reveal: Annotated[bool, typer.Option("--reveal", help="Decrypt and print values.")] = False,
    output: _Output = "text",
) -> None:
    """List the keys of a hub's encrypted file, who can decrypt it, and when it was last changed."""
    from fedhub.secrets.show import shown

    text = shown(hub, reveal=reveal, output=output, folder=arguments.FOLDER)
    typer.echo(text, nl=False)


@app.command(short_help="Edit it, and check the hub.")
def edit(hub: arguments.Hub) -> None:
    """Edit a hub's encrypted file in $SOPS_EDITOR or $EDITOR; then check the hub."""
    from fedhub.secrets.edit import edit as run

    done = run(hub, folder=arguments.FOLDER)
    if not done.changed:
        typer.echo(f"{done.path} stays as it was", err=True)
        return
    from fedhub.checks.linter import check_hubs
    from fedhub.cli.check import print_text

    typer.echo(f"{done.path} is changed", err=True)
    result = check_hubs([hub], folder=arguments.FOLDER)
    print_text(result)
    raise typer.Exit(result.exit_code())


@app.command(short_help="Encrypt it for whom .sops.yaml names now.")
def rekey(
    hubs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HUB...",
            help="Names in values/, or paths.",
            autocompletion=arguments.hubs_beginning,
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every hub in values/ with secrets.")
    ] = False,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="A new data key, also if nobody is removed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and write nothing.")
    ] = False,
    output: _Output = "text",
) -> None:
    """Encrypt hubs' files for whom .sops.yaml or SOPS_AGE_RECIPIENTS names now."""
    from fedhub.cli.check import progress
    from fedhub.secrets.rekey import hubs_meant, rekey_all

    meant = hubs_meant(hubs or [], every=every, folder=arguments.FOLDER)
    done, errors = rekey_all(
        progress(meant, "Encrypting"), rotate=rotate, dry_run=dry_run, folder=arguments.FOLDER
    )
    if output == "json":
        import json

        from fedhub.secrets.rekey import as_json

        typer.echo(json.dumps([as_json(one) for one in done], indent=2))
    else:
        _print_rekeyed(done, dry_run=dry_run)
    for error in errors:
        typer.echo(str(error), err=True)
    raise typer.Exit(max((error.exit_code for error in errors), default=0))


def _print_rekeyed(done: list[Rekeyed], *, dry_run: bool) -> None:
    from fedhub.secrets.rekey import REMOVED, in_words

    for one in done:
        typer.echo(in_words(one))
    if any(one.changes for one in done) and dry_run:
        typer.echo("nothing is written yet", err=True)
    if any(one.removed for one in done):
        typer.echo(REMOVED, err=True)


@app.command(short_help="Refuse secrets in plaintext, before a commit.")
def verify(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Values files.")],
    output: _Output = "text",
) -> None:
    """Say where files hold a secret in plaintext; decrypts nothing. The hook fedhub-secrets."""
    from pathlib import Path

    from fedhub.checks.report import json_text, line
    from fedhub.checks.staged import verify as problems_of

    problems = [problem for file in files for problem in problems_of(Path(file))]
    if output == "json":
        typer.echo(json_text(problems))
    else:
        for problem in problems:
            typer.echo(line(problem))
    raise typer.Exit(1 if problems else 0)
