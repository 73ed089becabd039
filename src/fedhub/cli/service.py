"""`fedhub service`: applications that log their users in through the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedhub.cli import arguments, asking

if TYPE_CHECKING:
    from pydantic import SecretStr

    from fedhub.findings import Finding
    from fedhub.hub.values import Hub as LoadedHub
    from fedhub.services.declared import Service
    from fedhub.services.handover import Handover
    from fedhub.services.text import LastUses
    from fedhub.services.trial import Seen

app = typer.Typer(help="Applications that log in through the hub.", no_args_is_help=True)

NewName = Annotated[str, typer.Argument(metavar="NAME", help="The service's name.")]
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The service's name.", autocompletion=arguments.services_beginning
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, write nothing.")]
Output = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")]


def _names(given: list[str] | None) -> tuple[str, ...]:
    return tuple(name.strip() for one in given or [] for name in one.split(",") if name.strip())


@app.command(short_help="Declare one, let people in, make its secret.")
def add(
    hub: arguments.Hub,
    name: NewName,
    redirect_uri: Annotated[
        str, typer.Option("--redirect-uri", metavar="URL", help="Its callback URL, exactly.")
    ],
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where /services/NAME/ of the hub leads; in a cluster."),
    ] = None,
    display: Annotated[
        bool, typer.Option("--display/--no-display", help="Whether the hub's pages list it.")
    ] = True,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Ask people before the hub says who they are.")
    ] = False,
    users: Annotated[
        list[str] | None, typer.Option(metavar="A,B", help="Who may use it; repeatable.")
    ] = None,
    groups: Annotated[
        list[str] | None, typer.Option(metavar="A,B", help="Whose members may; repeatable.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", help="What it may do in its users' name; repeatable."),
    ] = None,
    dry_run: DryRun = False,
    output: Output = "text",
) -> None:
    """Declare a service in the hub's values, let people in, and make its secret, encrypted."""
    from fedhub.services.add import Wanted
    from fedhub.services.add import add as make
    from fedhub.services.text import added_json

    wanted = Wanted(
        name,
        redirect_uri,
        url,
        display=display,
        confirm=confirm,
        users=_names(users),
        groups=_names(groups),
        scopes=_names(scope),
    )
    done = make(hub, wanted, folder=arguments.FOLDER, dry_run=dry_run)
    if output == "json":
        typer.echo(added_json(done, done=not dry_run))
    elif dry_run:
        typer.echo(done.diff, nl=False)
    else:
        typer.echo(f"{name} is declared, its client id is {done.client_id}")
    for note in done.notes:
        typer.echo(note, err=True)
    token = f"{'.'.join(done.token_path)} in {done.secrets}"
    if dry_run:
        typer.echo(f"Nothing is written yet; {token} would be new", err=True)
        return
    typer.echo(f"Still to do: commit {done.values} and {done.secrets}, and deploy", err=True)
    typer.echo(f"`fedhub service credentials {hub} {name}` is for who runs it", err=True)


@app.command("list")
def list_(
    hub: arguments.Hub,
    hub_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where the hub runs, if its values don't say."),
    ] = None,
    output: Output = "text",
) -> None:
    """List the services of a hub, who may use each, and where it is declared.

    With a token of the hub in the variable FEDHUB_HUB_TOKEN, also when each was last used.
    """
    from fedhub.hub.load import load_hub
    from fedhub.services.declared import services
    from fedhub.services.hub_token import token_at_hand
    from fedhub.services.text import list_json, table

    token = token_at_hand()  # before a child could inherit it
    loaded = load_hub(hub, folder=arguments.FOLDER)
    found = services(loaded)
    last_uses = _last_uses(loaded, found, hub_url, token) if found else None
    if output == "json":
        typer.echo(list_json(found, last_uses))
        return
    for line in table(found, last_uses):
        typer.echo(line)
    if not found:
        typer.echo(f"{hub} has no services", err=True)


def _last_uses(
    hub: LoadedHub, found: list[Service], hub_url: str | None, token: SecretStr | None
) -> LastUses | None:
    """Ask the hub that runs; say why not where it can't be asked."""
    from fedhub.errors import FedhubError
    from fedhub.services.hub_token import SCOPES, VARIABLE

    if token is None:
        asking.say(f"For their last use, set {VARIABLE} to a token with {' and '.join(SCOPES)}")
        return None
    from fedhub.services.handover import home_of
    from fedhub.services.last_use import last_uses

    try:
        home = home_of(hub, hub_url)
        with asking.busy(f"Asking {home}"):
            return last_uses(home, token, [one.name for one in found])
    except FedhubError as error:
        asking.say(f"Their last use is not known: {error}")
        return None


@app.command(short_help="Say what its owner needs, for a person or a program.")
def credentials(
    hub: arguments.Hub,
    name: Name,
    output: Annotated[
        Literal[
            "text",
            "env",
            "json",
            "grafana",
            "superset",
            "authlib",
            "passport",
            "curl",
            "oauth2-proxy",
        ],
        typer.Option("--format", help="For whom to write it."),
    ] = "text",
    reveal: Annotated[bool, typer.Option("--reveal", help="Print the secret, too.")] = False,
    file: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="A new file, for your eyes only."),
    ] = None,
    age: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Seal it for this age or SSH public key; e-mail it."),
    ] = None,
    hub_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The hub's address, if not in its values.")
    ] = None,
) -> None:
    """Say what the owner of an application needs; its secret only where that is safe."""
    from fedhub.errors import UsageError
    from fedhub.services.forms import handed_over, holds_secret
    from fedhub.services.handover import handover

    if file is not None and file.exists():
        raise UsageError(
            f"{file} is there already, and stays as it is", fix="name a new file with --output"
        )
    with_secret = reveal or bool(file or age)
    found = handover(hub, name, hub_url=hub_url, folder=arguments.FOLDER)
    text = handed_over(found, output, reveal=with_secret, recipient=age)
    if file is None:
        typer.echo(text, nl=False)
    else:
        from fedhub.hub.write import create

        create(file, text.encode(), mode=0o600)
    if not holds_secret(output):
        typer.echo("It takes the secret from a variable; --format text has it", err=True)
    elif not with_secret:
        typer.echo("The secret is hidden; see --output, --age, and --reveal", err=True)


@app.command(short_help="Make a new secret; says who must change what.")
def rotate(
    hub: arguments.Hub,
    name: Name,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = "text",
) -> None:
    """Make a new secret for a service, encrypted; the old one ends when the hub is deployed."""
    from fedhub.services.rotate import rotation
    from fedhub.services.text import rotated_json

    found = rotation(hub, name, folder=arguments.FOLDER)
    for line in found.consequences():
        typer.echo(line, err=True)
    if not dry_run:
        asking.agree(f"Make a new secret for {name} in {hub}?", yes=yes)
        found.carry_out()
    if output == "json":
        typer.echo(rotated_json(found, done=not dry_run))
    else:
        has = "would get" if dry_run else "has"
        typer.echo(f"{name} {has} a new secret in {found.secrets}")


@app.command(short_help="Try it with every persona, or at the hub as it runs.")
def test(
    hub: arguments.Hub,
    name: Name,
    live: Annotated[
        bool,
        typer.Option("--live", help="At the hub as it runs; by a person, or a preview's personas."),
    ] = False,
    hub_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where it runs, if its values don't say; no --live needed."
        ),
    ] = None,
    open_browser: Annotated[
        bool,
        typer.Option("--open", help="Log in yourself in the browser; with --live or --hub-url."),
    ] = False,
    output: Output = "text",
) -> None:
    """Play the application, against a preview of the hub or the one that runs.

    Ends with 1 if no persona gets in or, with --live, if something is not as it should be.
    """
    from fedhub.errors import UsageError

    if live or hub_url is not None:
        _test_live(hub, name, hub_url, open_browser=open_browser, as_json=output == "json")
    elif open_browser:
        raise UsageError("--open opens a login at a hub that runs", fix="add --live or --hub-url")
    else:
        _test_here(hub, name, as_json=output == "json")


def _test_live(
    hub: str, name: str, hub_url: str | None, *, open_browser: bool, as_json: bool
) -> None:
    from fedhub.cli.findings import print_findings
    from fedhub.services.handover import handover
    from fedhub.services.live import look
    from fedhub.services.text import live_json, seen_table

    found = handover(hub, name, hub_url=hub_url, folder=arguments.FOLDER)
    with asking.busy(f"Looking at {found.home}"):
        findings = look(found)
    if not as_json:
        print_findings(findings)
    seen: list[Seen] = []
    if not any(one.state == "failed" for one in findings):
        logins, seen = _logins(found, open_browser=open_browser)
        findings += logins
        if not as_json:
            print_findings(logins)
    if as_json:
        typer.echo(live_json(found.hub, findings, seen))
    elif seen:
        for line in ["", *seen_table(seen)]:
            typer.echo(line)
    raise typer.Exit(1 if any(one.state == "failed" for one in findings) else 0)


def _logins(found: Handover, *, open_browser: bool) -> tuple[list[Finding], list[Seen]]:
    """Have a preview's personas log in; elsewhere whoever sits at the terminal."""
    from fedhub.services.live import log_in
    from fedhub.services.trial import personas_at, play

    # --open asks for a person's own browser, at a preview as well.
    if not open_browser and (personas := personas_at(found.home)):
        with asking.busy(f"Logging people in to {found.service}"):
            login, seen = play(found, personas)
        return [login], seen
    if not asking.on_terminal():
        return [], []
    return [
        log_in(found, lambda address: asking.where_login_ends(address, opened=open_browser))
    ], []


def _test_here(hub: str, name: str, *, as_json: bool) -> None:
    from rich.console import Console

    from fedhub.hub.load import load_hub
    from fedhub.preview.session import interrupt_on_signals
    from fedhub.services.text import seen_json, seen_table
    from fedhub.services.trial import trial

    loaded = load_hub(hub, folder=arguments.FOLDER)
    interrupt_on_signals()
    try:
        with Console(stderr=True).status(f"Logging people in to {name} …"):
            seen = list(trial(loaded, name))
    except KeyboardInterrupt:
        typer.echo("Stopped; nothing is left.", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(seen_json(seen))
    else:
        for line in seen_table(seen):
            typer.echo(line)
    raise typer.Exit(0 if any(one.fate == "gets in" for one in seen) else 1)


@app.command()
def remove(
    hub: arguments.Hub,
    name: Name,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = "text",
) -> None:
    """Take a service's lines, its role and its secret out of the hub's files."""
    from fedhub.services.remove import removal
    from fedhub.services.text import removed_json

    found = removal(hub, name, folder=arguments.FOLDER)
    if not dry_run:
        asking.agree(f"Remove {name} from {hub}, with its secret?", yes=yes)
        found.carry_out()
    if output == "json":
        typer.echo(removed_json(found, done=not dry_run))
    elif dry_run:
        typer.echo(found.shown(), nl=False)
    else:
        typer.echo(f"{name} is removed")
    if dry_run:
        typer.echo("Nothing is removed yet; its secret would be, too", err=True)
    else:
        typer.echo("Still to do: commit the hub's files, and deploy", err=True)
