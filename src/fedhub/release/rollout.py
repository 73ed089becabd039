"""A hub's way to the cluster: checked, compared, deployed, looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fedhub.checks.linter import check_hub
from fedhub.errors import FedhubError, Problems, UsageError
from fedhub.findings import Finding, skipped
from fedhub.hub import Hub, load_hub
from fedhub.hub.addresses import home_url
from fedhub.release.compare import Comparison, compare
from fedhub.release.deploy import Deployed, Stop, deploy
from fedhub.release.kubectl import pinned
from fedhub.release.target import Release, release_of
from fedhub.release.verify import verify

_TIME = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+")
"""What helm takes (Go, `time.ParseDuration`), without its units below a millisecond."""
_SOME = re.compile(r"[1-9]")


@dataclass(frozen=True)
class Result:
    """What came of a hub that came up.

    Attributes:
        deployed: its release.
        findings: what was seen of its login afterwards.
    """

    deployed: Deployed
    findings: Sequence[Finding]

    @property
    def line(self) -> str:
        """In a line."""
        bad = [f"{one.check} {one.subject}" for one in self.findings if one.state == "failed"]
        found = f"; its login does not work yet: {', '.join(bad)}" if bad else ""
        return f"{self.deployed.release} runs, as revision {self.deployed.revision}{found}"

    @property
    def good(self) -> bool:
        """Whether its login works, as far as could be seen."""
        return all(one.state != "failed" for one in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it; a stable interface."""
        release = self.deployed.release
        return {
            "release": release.name,
            "namespace": release.namespace,
            "context": release.context,
            "revision": self.deployed.revision,
            "notes": self.deployed.notes,
            "ok": self.good,
            "checks": [asdict(one) for one in self.findings],
        }


@dataclass(frozen=True)
class Rollout:
    """How hubs are deployed.

    Attributes:
        files: more values files, over each hub's own.
        context: kubectl's, over what the values say.
        namespace: likewise.
        timeout: how long helm waits, as helm has it, such as `5m`.
        looks: whether a hub's login is looked at afterwards.
        stop: passes Ctrl-C on.

    Raises:
        UsageError: the timeout is no time.
    """

    files: Sequence[Path]
    context: str | None
    namespace: str | None
    timeout: str = "5m"
    looks: bool = True
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        if not (_TIME.fullmatch(self.timeout) and _SOME.search(self.timeout)):
            raise UsageError(
                f"--timeout {self.timeout} is no time",
                fix="write it as helm does, such as 90s or 5m",
            )

    def opened(self, name: str) -> tuple[Hub, Release]:
        """Return a hub that has no errors, and where it goes.

        Raises:
            FedhubError: `fedhub check` finds errors, or it can't be told where it goes.
        """
        hub = load_hub(name, extra=self.files)
        errors = [one for one in check_hub(hub) if one.severity == "error"]
        if errors:
            raise Problems(
                [
                    FedhubError(one.message, fix=f"{one.fix} [{one.id}]", position=one.position)
                    for one in errors
                ]
            )
        release = release_of(hub, context=self.context, namespace=self.namespace)
        return hub, pinned(release)

    def compared(self, name: str) -> Comparison:
        """Return what deploying a hub would change.

        Raises:
            FedhubError: it has errors, or helm or the cluster refuse it.
        """
        return compare(*self.opened(name))

    def deployed(self, hub: Hub, release: Release, tell: Callable[[str], None]) -> Result:
        """Deploy a hub, and look at it.

        Raises:
            FedhubError: it did not come up.
        """
        done = deploy(hub, release, timeout=self.timeout, tell=tell, stop=self.stop)
        if not self.looks or self.stop.wanted:
            return Result(done, [])
        tell("looking at its login")
        if home_url(hub) is None:
            return Result(done, [skipped("hub", hub.name, "the values do not say where it is")])
        return Result(done, verify(hub))
