"""One `fedhub run`, from the first line it prints to Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import sys
import webbrowser
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from fedhub.hub import Hub
from fedhub.preview import plan
from fedhub.preview.preview import Preview, Running


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
    talk = Console(stderr=True, highlight=False)
    signal.signal(signal.SIGTERM, _as_interrupt)
    for warning in hub.warnings:
        talk.print(f"warning: {warning}", style="yellow", markup=False)

    def log(line: str) -> None:
        if verbose:
            sys.stderr.write(line + "\n")

    try:
        with Preview(hub, port=port, sign_in_as=sign_in_as, on_log=log) as preview:
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
        talk.print("Stopped; nothing of the preview is left.")


def _as_interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def as_data(running: Running) -> dict[str, Any]:
    """Return what `--format json` prints; other programs rely on it."""
    return {
        "url": running.url,
        "identity_provider": running.identity_provider,
        "personas": [
            {
                "name": persona.name,
                "provider": persona.provider,
                "idp": persona.idp,
                "claims": dict(persona.claims),
                "expected": {
                    key: running.expected[persona.name][key]
                    for key in ("allowed", "username", "admin", "groups")
                },
            }
            for persona in running.personas
        ],
        "pid": os.getpid(),
    }


def _print(hub: Hub, running: Running, talk: Console) -> None:
    out = Console(highlight=False)
    for provider in running.providers:
        instead = running.replaced[provider.name]
        talk.print(
            f"{provider.label} ({provider.name}): "
            f"the identity provider on this machine stands in for {instead or 'the real one'}",
            markup=False,
        )
    ignored = [*plan.not_simulated(hub.z2jh), *plan.environment_notes(hub.z2jh)]
    if ignored:
        talk.print(f"Not simulated here: {', '.join(ignored)}", style="dim", markup=False)
    out.print()
    out.print(_table(running))
    out.print(f"\n[bold]{hub.name}[/bold] is at [link={running.url}]{running.url}[/link]")
    talk.print("Ctrl-C ends it and leaves nothing behind.", style="dim")


def _table(running: Running) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Persona", "Institution", "Gets in", "As", "Why there"):
        table.add_column(column)
    for persona in running.personas:
        verdict = running.expected[persona.name]
        roles = [*(["admin"] if verdict["admin"] else []), *verdict["groups"]]
        user = f"{verdict['username']} ({', '.join(roles)})" if roles else verdict["username"]
        table.add_row(
            persona.name,
            persona.idp_name,
            "[green]yes[/green]" if verdict["allowed"] else "[red]no[/red]",
            user or "",
            persona.about,
        )
    return table
