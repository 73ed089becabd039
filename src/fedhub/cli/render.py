"""`fedhub render`: what helm would apply, the same bytes every time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedhub.cli import arguments, fleet
from fedhub.cli.asking import say

if TYPE_CHECKING:
    from fedhub.hub import Hub
    from fedhub.release.fleet import Done
    from fedhub.release.manifests import Manifest


def render(
    hubs: arguments.HubsOrAll = None,
    files: arguments.Files = None,
    everything: arguments.All = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write files there; of several hubs, a folder for each."),
    ] = None,
    secrets: Annotated[
        Literal["omit", "sops"],
        typer.Option(help="Leave Secrets out, or have them encrypted with sops, with --out."),
    ] = "omit",
    no_hooks: Annotated[
        bool, typer.Option("--no-hooks", help="Without what helm runs before and after.")
    ] = False,
    context: arguments.Context = None,
    namespace: arguments.Namespace = None,
    at_once: arguments.AtOnce = arguments.AT_ONCE,
    fail_fast: arguments.FailFast = False,
    output: Annotated[
        Literal["yaml", "json"], typer.Option("--format", help="How to print.")
    ] = "yaml",
) -> None:
    """Show what helm would apply, the same bytes every time, without Secrets; for GitOps."""
    from fedhub.errors import UsageError

    names = fleet.named(hubs, everything=everything)
    several = everything or len(names) > 1
    if out is None and (several or secrets == "sops"):
        what = "several hubs are" if several else "Secrets are"
        raise UsageError(f"{what} written as files", fix="say where, with --out DIR")

    def rendered(name: str) -> tuple[Hub, list[Manifest]]:
        from fedhub.hub import load_hub
        from fedhub.release.render import render as rendering
        from fedhub.release.target import release_of

        hub = load_hub(name, extra=files or [])
        release = release_of(hub, context=context, namespace=namespace)
        return hub, rendering(hub, release, hooks=not no_hooks)

    if out is None:
        _print(*rendered(names[0]), output)
        return

    def written(name: str) -> Done:
        from fedhub.release.fleet import Done
        from fedhub.release.folder import write

        hub, found = rendered(name)
        folder = out / hub.name if several else out
        changed = write(folder, hub.name, found, seal=secrets == "sops")
        objects = f"{len(found)} objects in {folder}"
        files = ", ".join(file.name for file in changed)
        return Done(hub.name, "ok", f"{objects}: {files or 'as it was'}")

    fleet.run(
        names,
        written,
        doing="Rendering",
        at_once=at_once,
        fail_fast=fail_fast,
        as_json=output == "json",
    )


def _print(hub: Hub, found: list[Manifest], output: str) -> None:
    from fedhub.release.folder import joined

    left_out = [one.key for one in found if one.is_secret]
    if output == "json":
        import json

        objects = [one.content for one in found if not one.is_secret]
        said = {"hub": hub.name, "objects": objects, "left_out": left_out}
        typer.echo(json.dumps(said, indent=2, default=str))
        return
    typer.echo(joined(found), nl=False)
    if left_out:
        say(f"Left out: {', '.join(left_out)}; `--out DIR --secrets sops` writes them encrypted")
