"""An entry of `hub.extraConfig` that is not text.

z2jh passes the entries to Python's `exec`, which takes text; its schema lets numbers and maps
through, and the hub fails when it starts.

Bad:

    hub:
      extraConfig:
        Authenticator:
          admin_users: [olga]

Good:

    hub:
      config:
        Authenticator:
          admin_users: [olga]
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import mapping
from fedhub.hub.traits import classes
from fedhub.hub.values import Hub

ID = "extra-config-type"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each entry that is neither text nor null."""
    for key, code in mapping(hub.z2jh_get("hub", "extraConfig")).items():
        if code is None or isinstance(code, str):
            continue
        path = (*hub.z2jh_at, "hub", "extraConfig", key)
        section = key in classes() and isinstance(code, dict)
        yield Problem(
            ID,
            SEVERITY,
            hub.start(*path),
            dotted(path),
            f"hub.extraConfig.{key} is not text, and the hub executes it as Python",
            "move it to hub.config" if section else "write Python after `|`",
        )
