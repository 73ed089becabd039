"""The `fedhub` command: registers the commands, and turns errors into one message each."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from typer.core import TyperArgument, TyperOption

from fedhub import __version__
from fedhub.cli import (
    access,
    check,
    deploy,
    diff,
    doctor,
    idp,
    new,
    register,
    render,
    run,
    secrets,
    service,
    tenant,
    values,
    verify,
)
from fedhub.cli.conversion import keep_text_as_it_is
from fedhub.errors import FedhubError, for_terminal

app = typer.Typer(
    name="fedhub",
    help="Federated login for JupyterHub on Kubernetes.",
    no_args_is_help=True,
    rich_markup_mode=None,  # loading rich would triple the time of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(short_help="Write a new hub's values file, and its keys.")(new.new)
app.command()(check.check)
app.command(short_help="Say who may log in, as whom, and which rule decides.")(access.access)
app.command(short_help="Run the hub on this machine, with a login to try.")(run.run)
app.add_typer(idp.app, name="idp")
app.command()(values.values)
register.app.add_typer(tenant.app, name="tenant")
app.command(short_help="Show what helm would apply, the same every time.")(render.render)
app.command(short_help="Show what deploy would change; exit 1 for something.")(diff.diff)
app.command(short_help="Install or upgrade hubs; rolls back what fails.")(deploy.deploy)
app.command(short_help="Say whether login at a running hub works.")(verify.verify)
app.add_typer(register.app, name="register")
app.add_typer(secrets.app, name="secrets")
app.add_typer(service.app, name="service")
app.command(short_help="Say what works from here: tools, keys, chart, cluster.")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fedhub {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Federated login for JupyterHub on Kubernetes."""


def _complete_words_only() -> None:
    """Leave the values on a command line unread while a shell asks for completion.

    Typer would load pydantic to convert them, which doubles the time of each completion, and
    completion has no use for what they mean.
    """
    for kind in (TyperArgument, TyperOption):
        kind.process_value = lambda self, ctx, value: value  # type: ignore[method-assign]  # on purpose


def _load_no_cli_of_httpx() -> None:
    """Have httpx leave out its own command line, which takes as long to load as all else of it."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # importing it then fails


def main() -> None:
    """Run the command line; exit 0 when fine, 1 when found or failed, 2 when used wrongly."""
    keep_text_as_it_is()
    _load_no_cli_of_httpx()
    if "_FEDHUB_COMPLETE" in os.environ:
        _complete_words_only()
    try:
        app()
    except FedhubError as error:
        sys.stderr.write(f"{for_terminal(str(error))}\n")
        sys.exit(error.exit_code)
