"""What helm keeps of a release, and what an upgrade would make of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fedhub.errors import FedhubError
from fedhub.hub.values import Hub
from fedhub.release.helm import place, run_helm
from fedhub.release.manifests import Manifest, manifests
from fedhub.release.refusal import refusal
from fedhub.release.target import Release

_NOT_FOUND = "release: not found"


@dataclass(frozen=True)
class Installed:
    """One revision of a release.

    Attributes:
        revision: counted from 1.
        status: helm's word, such as `deployed`, `failed` or `pending-upgrade`.
        values: those that it was given.
        objects: what it consists of; hooks are none of them.
        notes: what the chart says to whoever installs it.
    """

    revision: int
    status: str
    values: Mapping[str, Any] = field(repr=False)  # they hold secrets
    objects: list[Manifest] = field(repr=False)
    notes: str


def installed(hub: Hub, release: Release) -> Installed | None:
    """Return the last revision of a hub's release; None where there is none.

    Raises:
        FedhubError: the cluster does not answer, or does not let one look.
    """
    done = run_helm(["status", release.name, "--output", "json", *place(release)])
    if done.returncode == 0:
        return read(done.stdout)
    if _NOT_FOUND in done.stderr:
        return None
    raise refusal(done.stderr, hub, release)


def planned(hub: Hub, release: Release) -> Installed:
    """Return what an upgrade would make, with what the cluster keeps of keys; nothing changes.

    Whether the cluster knows every field is not asked here: its whole schema takes most of helm's
    time and three times its memory, and the upgrade asks before it changes anything.

    Raises:
        FedhubError: helm or the cluster refuse it.
    """
    dry = ["--dry-run=server", "--disable-openapi-validation"]
    done = run_helm([*upgrade(release), *dry, *place(release)], hub)
    if done.returncode != 0:
        raise refusal(done.stderr, hub, release)
    return read(done.stdout)


def upgrade(release: Release) -> list[str]:
    """Return the command that installs or upgrades a release, and answers in JSON."""
    command = ["upgrade", "--install", release.name, release.chart.reference]
    return [*command, *release.chart.options, "--output", "json"]


def read(text: str) -> Installed:
    """Return what helm says of a release in JSON.

    Raises:
        FedhubError: it is something else.
    """
    try:
        said = json.loads(text)
        return Installed(
            said["version"],
            said["info"]["status"],
            said.get("config") or {},
            manifests(said.get("manifest") or ""),
            (said["info"].get("notes") or "").strip(),
        )
    except (ValueError, KeyError, TypeError):
        raise FedhubError(
            "helm says something of the release that is not understood",
            fix="see `helm version`; helm 3 and 4 are known",
        ) from None
