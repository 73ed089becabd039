"""The `fedhub` command: registers the commands, and turns errors into one message each."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.completion import completion_init, install_callback, show_callback

from fedhub import __version__
from fedhub.cli import check, idp, run, values
from fedhub.errors import FedhubError

app = typer.Typer(
    name="fedhub",
    help="Federated login for JupyterHub on Kubernetes.",
    no_args_is_help=True,
    add_completion=False,  # the options below do the same, see there
    rich_markup_mode=None,  # loading rich would triple the time of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(check.check)
app.command()(run.run)
app.command()(idp.idp)
app.command()(values.values)


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
    # Typer's own have None for a default, and it loads pydantic to look at a None: each
    # completion would take twice the time.
    install_completion: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            callback=install_callback,
            help="Install completion for the current shell.",
        ),
    ] = False,
    show_completion: Annotated[
        bool,
        typer.Option(
            "--show-completion",
            callback=show_callback,
            help="Show completion for the current shell, to copy or change it.",
        ),
    ] = False,
) -> None:
    """Federated login for JupyterHub on Kubernetes."""


def main() -> None:
    """Run the command line; exit 0 when fine, 1 when found or failed, 2 when used wrongly."""
    completion_init()
    try:
        app()
    except FedhubError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
