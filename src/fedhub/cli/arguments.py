"""What several commands take on their command line, written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FOLDER = Path("values")
AT_ONCE = 4
"""Hubs that a command looks after at a time."""


def hubs_beginning(incomplete: str) -> list[str]:
    """Complete the name of a hub in `values/`."""
    from fedhub.hub.files import hub_names

    names = hub_names(FOLDER) if FOLDER.is_dir() else []
    return [name for name in names if name.startswith(incomplete)]


def services_beginning(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a service of the hub that is named before; no secret is opened."""
    from fedhub.errors import FedhubError
    from fedhub.hub.files import values_files
    from fedhub.hub.load import load_alone
    from fedhub.services.declared import services

    try:
        _, files = values_files(str(ctx.params.get("hub") or ""), [], FOLDER)
        readable = [load_alone(file.path)[0] for file in files if file.kind != "secrets"]
        names = dict.fromkeys(one.name for hub in readable for one in services(hub))
    except FedhubError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def pairs(given: list[str], *, option: str) -> dict[str, str]:
    """Return NAME=VALUE arguments as a map.

    Raises:
        UsageError: one has no `=`.
    """
    from fedhub.errors import UsageError

    for one in given:
        if "=" not in one:
            raise UsageError(f"{option} {one} names no value", fix=f"write {option} NAME=VALUE")
    return dict(one.split("=", 1) for one in given)


Hub = Annotated[
    str,
    typer.Argument(
        metavar="HUB", help="A name in values/, or a path.", autocompletion=hubs_beginning
    ),
]
OptionalHub = Annotated[
    str | None,
    typer.Argument(
        metavar="HUB",
        help="A name in values/, or a path; without it a sample client.",
        autocompletion=hubs_beginning,
    ),
]
Hubs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="HUB|FILE",
        help="Names in values/, or paths. Default: all.",
        autocompletion=hubs_beginning,
    ),
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--values", "-f", metavar="FILE", help="More values over the hub's own; repeatable."
    ),
]
HubsOrAll = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="HUB",
        help="A name in values/, or a path; or several.",
        autocompletion=hubs_beginning,
    ),
]
All = Annotated[bool, typer.Option("--all", help="All hubs in values/; a line for each.")]
AtOnce = Annotated[
    int, typer.Option("--at-once", min=1, metavar="N", help="How many hubs at a time.")
]
FailFast = Annotated[
    bool, typer.Option("--fail-fast", help="Begin no other hub after one that failed.")
]
Context = Annotated[
    str | None,
    typer.Option(
        "--kube-context", metavar="NAME", help="kubectl's context; default: as the values say."
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Default: as the values say."),
]
