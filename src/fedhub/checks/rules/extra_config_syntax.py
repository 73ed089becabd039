"""Python in `hub.extraConfig` that is no Python.

The hub executes each entry when it starts, and does not start when one can't be parsed.

Bad:

    hub:
      extraConfig:
        10-admins: |
          c.Authenticator.admin_users = {"olga"

Good:

    hub:
      extraConfig:
        10-admins: |
          c.Authenticator.admin_users = {"olga"}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "extra-config-syntax"
SEVERITY: Severity = "error"

_LINE = re.compile(r" \(detected at line \d+\)| on line \d+")


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each entry that Python can't parse, where it gave up."""
    for block in login(hub).blocks:
        if block.error:
            message, position = block.error
            # Python counts lines from the start of the entry; the position has the file's.
            yield Problem(
                ID,
                SEVERITY,
                position,
                dotted(block.path),
                f"not valid Python: {_LINE.sub('', message)}",
                "correct the code here or just above",
            )
