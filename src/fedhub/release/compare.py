"""Compares a hub's values with what is installed, for `fedhub diff` and before `fedhub deploy`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from fedhub.hub.values import Hub
from fedhub.release.diff import Change, difference
from fedhub.release.installed import Installed, installed, planned
from fedhub.release.target import Release


@dataclass(frozen=True)
class Comparison:
    """What was found.

    Attributes:
        release: which release.
        before: what is installed; None where nothing is.
        changes: what an upgrade would change.
    """

    release: Release
    before: Installed | None
    changes: list[Change]

    @property
    def line(self) -> str:
        """In a line: how much is different, and from what."""
        if self.before is None:
            return f"{self.release} is not installed; {len(self.changes)} objects would be made"
        revision = f"revision {self.before.revision}"
        if self.before.status != "deployed":
            revision += f" ({self.before.status})"
        if not self.changes:
            return f"{self.release} is as installed, {revision}"
        subjects = ", ".join(one.subject for one in self.changes)
        return f"{self.release} differs from {revision} in {subjects}"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it; a stable interface."""
        return {
            "release": self.release.name,
            "namespace": self.release.namespace,
            "context": self.release.context,
            "revision": self.before.revision if self.before else None,
            "status": self.before.status if self.before else None,
            "changes": [asdict(one) for one in self.changes],
        }

    def json_text(self) -> str:
        """Return it as text."""
        return json.dumps(self.as_json(), indent=2)


def compare(hub: Hub, release: Release) -> Comparison:
    """Compare a hub's values with what is installed; nothing changes.

    Raises:
        FedhubError: helm or the cluster refuse it.
    """
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(installed, hub, release)
        after = pool.submit(planned, hub, release)
        was = before.result()
        becomes = after.result()
    return Comparison(release, was, difference(hub, was, becomes))
