"""One `fedhub run`, from the first line it prints to Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import sys
import webbrowser
from typing import TYPE_CHECKING, Any, NoReturn

from fedhub.hub import Hub
from fedhub.preview import plan
from fedhub.preview.preview import Preview, Running

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console
    from rich.table import Table

    from fedhub.access.persona import Persona
    from fedhub.preview.alone import Alone


def run_session(
    hub: Hub,
    *,
    port: int,
    open_browser: bool,
    sign_in_as: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Run a hub until Ctrl-C or SIGTERM; then nothing of it is left.

    Raises:
        FedhubError: the hub can't be started, or one of its processes ended.
    """
    interrupt_on_signals()

    def log(line: str) -> None:
        if verbose:
            sys.stderr.write(line + "\n")

    try:
        with Preview(hub, port=port, sign_in_as=sign_in_as, on_log=log) as preview:
            # Loaded while the hub's process starts: it takes a tenth of a second.
            from rich.console import Console

            _ = hub.fedhub  # is what stands under global.fedhub valid?
            talk = Console(stderr=True, highlight=False)
            for warning in hub.warnings:
                talk.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
            with talk.status(f"Starting {hub.name} …"):
                running = preview.start()
            if as_json:
                sys.stdout.write(json.dumps(as_data(running)) + "\n")
                sys.stdout.flush()
            else:
                _print(hub, running, talk)
            if open_browser:
                webbrowser.open(running.url)
            preview.wait()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; nothing of the preview is left.\n")


def interrupt_on_signals() -> None:
    """End on Ctrl-C and SIGTERM alike, once: a second one can't stop the tidying up."""
    for number in _ENDING:
        signal.signal(number, _interrupt)


_ENDING = (signal.SIGINT, signal.SIGTERM)


def _interrupt(*_: object) -> NoReturn:
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def as_data(running: Running) -> dict[str, Any]:
    """Return what `--format json` prints; other programs rely on it."""
    return {
        "url": running.url,
        "identity_provider": running.identity_provider,
        "personas": persona_data(running.personas, running.expected),
        "pid": os.getpid(),
    }


def persona_data(
    people: Iterable[Persona], expected: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return personas as `--format json` prints them."""
    return [
        {
            "name": persona.name,
            "provider": persona.provider,
            "idp": persona.idp,
            "claims": dict(persona.claims),
            "expected": {
                key: expected[persona.name][key]
                for key in ("allowed", "username", "admin", "groups")
            }
            if persona.name in expected
            else None,
        }
        for persona in people
    ]


def print_alone(alone: Alone) -> None:
    """Print what an identity provider without a hub has to offer."""
    out = _output()
    for client in alone.clients:
        out.print(
            f"{client.provider}: client_id {client.client_id}, {client.face} face, "
            f"callback {', '.join(client.redirect_uris)}",
            markup=False,
        )
    if alone.sample_secret:
        out.print(f"client_secret, for this run only: {alone.sample_secret}", markup=False)
        _print_registration(alone, out)
    out.print()
    out.print(_table(alone.personas, alone.expected))
    out.print(f"\nThe identity provider is at {alone.identity_provider}")


def _print_registration(alone: Alone, out: Console) -> None:
    """Say how clients are registered here, in the words of `registration.yaml`."""
    from fedhub.preview.alone import SAMPLE_ADMIN

    url = alone.identity_provider
    credentials = f"{{client_id: {SAMPLE_ADMIN}, client_secret: {alone.sample_secret}}}"
    lines = [
        "",
        "To try `fedhub register` here, have in values/registration.yaml",
        "",
        "  owner: sample",
        "  administrators:",
        "    - cilogon_host: cilogon.org",
        f"      address: {url}/oauth2/oidc-cm",
        "      credentials: {environment: SAMPLE_ADMIN}",
        "",
        "and in another terminal",
        "",
        f"  export SAMPLE_ADMIN='{credentials}'",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _print(hub: Hub, running: Running, talk: Console) -> None:
    out = _output()
    for provider in running.providers:
        instead = running.replaced[provider.name]
        talk.print(
            f"{provider.label} ({provider.name}): "
            f"the identity provider on this machine stands in for {instead or 'the real one'}",
            markup=False,
        )
    if not running.providers:
        talk.print(
            f"{running.authenticator} is no OAuth provider: it works as it is, without personas",
            markup=False,
        )
    ignored = [*plan.not_simulated(hub.z2jh), *plan.environment_notes(hub.z2jh)]
    if ignored:
        talk.print(f"Not simulated here: {', '.join(ignored)}", style="dim", markup=False)
    if running.personas:
        out.print()
        out.print(_table(running.personas, running.expected))
    _print_refusals(running.expected, out)
    out.print(f"\n[bold]{hub.name}[/bold] is at [link={running.url}]{running.url}[/link]")
    talk.print("Ctrl-C ends it and leaves nothing behind.", style="dim")


def _output() -> Console:
    """Return standard output; where it is no terminal, lines are not folded."""
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, width=None if known else 200)


def _print_refusals(expected: Mapping[str, Mapping[str, Any]], out: Console) -> None:
    """Print what each person reads who is not let in."""
    refused = {name: verdict for name, verdict in expected.items() if not verdict["allowed"]}
    if refused:
        out.print("\nWhat the others read:", style="dim")
    for name, verdict in refused.items():
        out.print(f"  {name}: {verdict['reason']}", style="dim", markup=False)


def _table(people: Iterable[Persona], expected: Mapping[str, Mapping[str, Any]]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Persona", no_wrap=True)  # a name to copy
    for column in ("Institution", *(["Gets in", "As"] if expected else []), "Why there"):
        table.add_column(column, overflow="fold")
    for persona in people:
        cells = [escape(persona.name), escape(persona.idp_name)]
        if verdict := expected.get(persona.name):
            cells.append("[green]yes[/green]" if verdict["allowed"] else "[red]no[/red]")
            roles = [*(["admin"] if verdict["admin"] else []), *verdict["groups"]]
            user = escape(verdict["username"] or "")
            cells.append(f"{user} ({escape(', '.join(roles))})" if roles else user)
        table.add_row(*cells, escape(persona.about))
    return table
