"""Host names that do not agree with each other.

The hub's name is stated in several places: the domain, the ingress or HTTPRoute, the TLS
certificate. Where they differ, people reach nothing, or a certificate that is not theirs.

Bad:

    ingress:
      enabled: true
      hosts: [hub.example.org]
      tls:
        - hosts: [jupyter.example.org]

Good:

    ingress:
      enabled: true
      hosts: [hub.example.org]
      tls:
        - hosts: [hub.example.org]
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.addresses import hosts
from fedhub.hub.values import Hub

ID = "host-mismatch"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each place that does not cover the names of the first."""
    places = hosts(hub)
    for other in places[1:]:
        first = places[0]
        missing = [name for name in first.names if not other.cover(name)]
        if missing:
            yield Problem(
                ID,
                SEVERITY,
                hub.position(*other.path),
                dotted(other.path),
                f"{first.label} {missing[0]} is not covered by {other.label} "
                f"{', '.join(other.names)}",
                f"add {missing[0]}, or correct {dotted(first.path)}",
            )
