"""Where a hub is installed: its release, said by its values and the command line."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from fedhub.errors import FedhubError
from fedhub.hub.merge import KeyPath
from fedhub.hub.values import Hub
from fedhub.release.chart import Chart, chart_of

_AT: KeyPath = ("global", "fedhub", "release")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?")


@dataclass(frozen=True)
class Release:
    """A hub's release.

    Attributes:
        name: as helm knows it.
        namespace: where it is.
        context: kubectl's; None for the current one.
        chart: what it is installed with.
    """

    name: str
    namespace: str
    context: str | None
    chart: Chart

    def __str__(self) -> str:
        where = f" of context {self.context}" if self.context else ""
        return f"{self.name} in namespace {self.namespace}{where}"


def release_of(hub: Hub, *, context: str | None = None, namespace: str | None = None) -> Release:
    """Return where a hub is installed.

    Args:
        hub: its values; `global.fedhub.release` says what differs from the hub's name.
        context: kubectl's, over what the values say, and these over helm's own variable.
        namespace: likewise.

    Raises:
        FedhubError: it can't be called so, or there is no chart.
    """
    said = _declared(hub)
    name = said.get("name") or hub.name
    if _NAME.fullmatch(name) is None:
        raise FedhubError(
            f"a release can't be called {hub.name}, as the hub is",
            fix="set global.fedhub.release.name: at most 53 lower-case letters, digits, -",
            position=hub.position(*_AT),
        )
    return Release(
        name,
        namespace or said.get("namespace") or name,
        context or said.get("context") or os.environ.get("HELM_KUBECONTEXT"),
        chart_of(hub, said.get("chart"), said.get("version")),
    )


def _declared(hub: Hub) -> dict[str, str]:
    """Return what the values say of the release.

    Raises:
        Problems: something that can't be said.
    """
    said = hub.get(*_AT)
    if said is None:
        return {}  # without loading the model, which takes longer than helm does
    from fedhub.hub.model import Release as Declared
    from fedhub.hub.validation import validated

    found = validated(Declared, said, lambda path: hub.position(*path), _AT)
    return found.model_dump(exclude_none=True)
