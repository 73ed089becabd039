"""`fedhub deploy`: installs or upgrades hubs, and rolls back what does not come up."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from fedhub.cli import arguments, asking, fleet
from fedhub.cli.diff import done_of, print_changes
from fedhub.errors import UsageError

if TYPE_CHECKING:
    from fedhub.release.fleet import Done
    from fedhub.release.rollout import Result, Rollout


def deploy(
    hubs: arguments.HubsOrAll = None,
    files: arguments.Files = None,
    everything: arguments.All = False,
    context: arguments.Context = None,
    namespace: arguments.Namespace = None,
    timeout: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait for its pods, as in helm.")
    ] = "5m",
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Look at its login afterwards.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and stop.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    at_once: arguments.AtOnce = arguments.AT_ONCE,
    fail_fast: arguments.FailFast = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="How to print.")
    ] = "text",
) -> None:
    """Install or upgrade hubs: checked, waited for, rolled back if they don't come up, verified."""
    names = fleet.named(hubs, everything=everything)
    _check_duration(timeout)

    from fedhub.release.compare import compare
    from fedhub.release.rollout import Rollout

    rollout = Rollout(files or [], context, namespace, timeout, looks=verify)
    as_json = output == "json"
    if everything or len(names) > 1:
        _several(
            rollout, names, at_once, dry_run=dry_run, yes=yes, fail_fast=fail_fast, as_json=as_json
        )
    with asking.busy("Asking the cluster"):
        hub, release = rollout.opened(names[0])
        found = None if yes and not dry_run else compare(hub, release)
    if found is not None:
        if as_json:
            asking.say(found.line)
        else:
            print_changes(found)
        if dry_run:
            if as_json:
                typer.echo(found.json_text())
            raise typer.Exit
        asking.agree(f"Deploy {release}?", yes=yes)
    with rollout.stop.listening(asking.say), asking.busy(f"Deploying {release}") as tell:
        done = rollout.deployed(hub, release, lambda pods: tell(f"Deploying {release}: {pods}"))
    if as_json:
        typer.echo(json.dumps(done.as_json(), indent=2))
    else:
        _print(done)
    raise typer.Exit(0 if done.good else 1)


def _check_duration(timeout: str) -> None:
    """Refuse what Go's time.ParseDuration, and so helm, would refuse later.

    Raises:
        UsageError: it is no duration.
    """
    if re.fullmatch(r"([0-9]+(\.[0-9]+)?(ms|s|m|h))+", timeout) is None:
        raise UsageError(f"--timeout {timeout} is no duration", fix="write it as 90s, 5m or 1h30m")


def _print(done: Result) -> None:
    from fedhub.cli.findings import print_findings

    print_findings(done.findings)
    if done.deployed.notes:
        asking.say(f"{done.deployed.notes}\n")
    typer.echo(done.line)


def _several(
    rollout: Rollout,
    names: list[str],
    at_once: int,
    *,
    dry_run: bool,
    yes: bool,
    fail_fast: bool,
    as_json: bool,
) -> NoReturn:
    def one(name: str) -> Done:
        from fedhub.release.fleet import Done

        if dry_run:
            return done_of(name, rollout.compared(name), code=0)
        hub, release = rollout.opened(name)
        done = rollout.deployed(hub, release, lambda _: None)
        state: Literal["ok", "failed"] = "ok" if done.good else "failed"
        return Done(name, state, done.line, done.as_json(), code=0 if done.good else 1)

    if not dry_run:
        asking.agree(f"Deploy {len(names)} hubs: {', '.join(names)}?", yes=yes)
    with rollout.stop.listening(asking.say):
        fleet.run(
            names,
            one,
            doing="Deploying",
            at_once=at_once,
            fail_fast=fail_fast,
            as_json=as_json,
        )
