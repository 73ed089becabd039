"""An authenticator name that nothing is registered under.

`authenticator_class` takes a registered name or the dotted path of a class. A name that is
neither keeps the hub from starting.

Bad:

    hub:
      config:
        JupyterHub:
          authenticator_class: cilogn

Good:

    hub:
      config:
        JupyterHub:
          authenticator_class: cilogon
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.checks.spelling import did_you_mean
from fedhub.hub.providers import login
from fedhub.hub.traits import short_names
from fedhub.hub.values import Hub

ID = "unknown-authenticator"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each short name that is not registered."""
    for provider in login(hub).providers:
        name = hub.get(*provider.path)
        path = provider.path
        if isinstance(name, dict):
            path = (*path, "authenticator")
            name = hub.get(*path)
        if provider.cls or not isinstance(name, str) or not name or "extraConfig" in path:
            continue
        if "." in name or ":" in name or name.lower() in short_names():
            continue
        yield Problem(
            ID,
            SEVERITY,
            hub.start(*path),
            dotted(path),
            f"no authenticator is registered as {name}",
            did_you_mean(name, short_names(), "give the dotted path of its class"),
        )
