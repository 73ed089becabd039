"""A setting under a name that was given up.

Old names go on working for a while, with a warning in the hub's log that nobody reads, and then
keep the hub from starting after an upgrade. Some are refused already: those are errors.

Bad:

    hub:
      config:
        CILogonOAuthenticator:
          allowed_idps: {}

Good:

    hub:
      config:
        CILogonOAuthenticator:
          idps: {}
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "deprecated-trait"
SEVERITY: Severity = "warning"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each setting under an old name."""
    found = login(hub)
    for setting in found.settings:
        for cls in found.applied_classes(setting.section):
            old = cls.deprecated.get(setting.trait)
            if old is None:
                continue
            since = f" since {old.since}" if old.since else ""
            how = "no longer accepted" if old.refused else "deprecated"
            yield Problem(
                ID,
                "error" if old.refused else SEVERITY,
                setting.position,
                dotted(setting.path),
                f"{setting.section}.{setting.trait} is {how}{since}",
                f"use {old.use}" if old.use else "remove it; the class's reference says why",
            )
            break
