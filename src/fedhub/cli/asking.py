"""How commands ask a person, and tells them what goes on; all of it on stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pydantic import SecretStr

    from fedhub.errors import FedhubError
    from fedhub.registration.apply import Done
    from fedhub.registration.clients import Credentials
    from fedhub.registration.command import Talk
    from fedhub.registration.job import Outcome
    from fedhub.registration.sync import Item, Plan


def on_terminal() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def talk(*, yes: bool, dry_run: bool, must_agree: bool = False) -> Talk:
    """Return how a command talks.

    Args:
        yes: whether the person agreed beforehand.
        dry_run: whether nothing is to be done.
        must_agree: whether nothing is done where nobody can be asked.
    """
    from fedhub.registration.command import Talk
    from fedhub.registration.job import DryRun

    def agree(outcome: Outcome, lines: list[str]) -> None:
        if dry_run or on_terminal():
            for line in lines:
                say(f"  {line}")
        if dry_run:
            raise DryRun(outcome)
        if not yes:
            _ask(must_agree=must_agree)

    return Talk(agree, say, dry=dry_run)


@contextmanager
def busy(what: str) -> Iterator[Callable[[str], None]]:
    """Show that something goes on, where somebody looks; yields what says how far it is."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(f"{what} …")) as status:
        yield lambda now: status.update(Text(f"{now} …"))


def say(text: str) -> None:
    """Tell a person something."""
    from fedhub.errors import for_terminal

    typer.echo(for_terminal(text), err=True)


def _ask(*, must_agree: bool) -> None:
    from fedhub.errors import UsageError
    from fedhub.registration.job import DeclinedError

    if not on_terminal():
        if must_agree:
            raise UsageError("nobody can be asked here whether to delete", fix="add --yes")
        return
    if not typer.confirm("Go on?", err=True):
        raise DeclinedError("nothing was changed")


def agree(question: str, *, yes: bool) -> None:
    """Ask before something is done that ends what works now.

    Raises:
        DeclinedError: the person said no.
        UsageError: nobody can be asked.
    """
    from fedhub.errors import UsageError
    from fedhub.registration.job import DeclinedError

    if yes:
        return
    if not on_terminal():
        raise UsageError("nobody can be asked here", fix="add --yes")
    if not typer.confirm(question, err=True):
        raise DeclinedError("nothing was changed")


def secret_from_stdin() -> SecretStr:
    """Return a secret that a script hands in.

    Raises:
        UsageError: there is none, or it is more than a line.
    """
    from pydantic import SecretStr

    from fedhub.errors import UsageError

    try:
        text = sys.stdin.read(10_000).strip("\r\n")
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable():
        raise UsageError("standard input is not one line with a secret", fix="hand in the secret")
    return SecretStr(text)


def secret_of(kept: Credentials | None, client_id: str) -> SecretStr | None:
    """Ask for the secret of a client; None where one is stored, or nobody can be asked."""
    from pydantic import SecretStr

    if kept is not None or not on_terminal():
        return None
    text: str = typer.prompt(f"Secret of {client_id}", hide_input=True, err=True)
    return SecretStr(text.strip())


def where_login_ends(address: str, *, opened: bool) -> str:
    """Have a person log in with their browser; return the address where that ends.

    Args:
        address: where it begins.
        opened: whether to open it in the browser.
    """
    say("Open this address, and log in as somebody who may use the application:")
    say(address)
    if opened:
        import webbrowser

        webbrowser.open(address)
    say(
        "Paste the address at the callback URL where the browser ends. The application there did "
        "not begin this login: it may complain, or lead on, and then the browser's network tools "
        "have the address."
    )
    answer: str = typer.prompt(
        "Address, or Enter for none", default="", show_default=False, err=True
    )
    return answer


def print_plan(plan: Plan, problems: Sequence[FedhubError]) -> None:
    """Print a plan: what is to be done on stdout, the rest on stderr."""
    from fedhub.registration.text import item_text, usage_lines

    for item in plan.items:
        for line in item_text(item):
            typer.echo(line)
    for problem in problems:
        say(str(problem))
    typer.echo(f"registrations that are as they should be: {plan.good}", err=True)
    for line in usage_lines(plan):
        typer.echo(line, err=True)


def agree_to_plan(steps: Sequence[Item], *, yes: bool) -> None:
    """Ask before a plan is carried out; where nobody can be asked, before it deletes.

    Raises:
        DeclinedError: the person said no.
        UsageError: nobody can be asked.
    """
    if not yes:
        _ask(must_agree=any(item.step == "delete" for item in steps))


def progress_of(total: int) -> Callable[[Done], None]:
    """Return what shows how far a plan is; nothing where nobody looks."""
    if not sys.stderr.isatty():
        return lambda _: None
    count = 0

    def tell(_: Done) -> None:
        nonlocal count
        count += 1
        typer.echo(f"\r{count} of {total}", err=True, nl=count == total)

    return tell


def print_done(done: Sequence[Done]) -> None:
    """Print what came of a plan."""
    for one in done:
        name = f"{one.item.hub} ({one.item.provider})"
        if one.error is not None:
            say(f"{name}: {one.error}")
    good = [one for one in done if one.error is None]
    typer.echo(f"{len(good)} of {len(done)} done", err=True)
    files = {
        str(one.item.target.place.file)
        for one in good
        if one.item.step == "create" and one.item.target
    }
    if files:
        typer.echo(f"Still to do: commit {', '.join(sorted(files))}, and deploy the hubs", err=True)
