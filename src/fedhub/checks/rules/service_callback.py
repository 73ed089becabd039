"""A service's callback URL that does not work, or gives codes away.

The hub compares it with what the application sends, letter by letter, and a browser tidies an
address up before it goes there. Over plain http, others can read the code that logs people in;
that is taken on this machine alone. A path of the hub's own, such as
`/services/notes/oauth_callback`, is fine.

Bad:

    hub:
      services:
        grafana:
          oauth_redirect_uri: http://grafana.example.org/login/generic_oauth

Good:

    hub:
      services:
        grafana:
          oauth_redirect_uri: https://grafana.example.org/login/generic_oauth
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import mapping
from fedhub.hub.values import Hub
from fedhub.services.declared import FEDHUB, in_z2jh
from fedhub.services.redirects import problem_of

ID = "service-callback"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each callback URL that `fedhub service add` would not take."""
    for base in (FEDHUB, in_z2jh(hub)):
        for name, service in mapping(hub.get(*base)).items():
            address = mapping(service).get("oauth_redirect_uri")
            if not isinstance(address, str) or not address:
                continue
            # Of a path, what a browser makes of it counts; `//name/path` is at another host.
            own = address.startswith("/") and not address.startswith("//")
            if problem := problem_of(f"https://hub.example.org{address}" if own else address):
                path = (*base, name, "oauth_redirect_uri")
                what, fix = problem
                message = f"this can't be the callback URL of {name}: {what}"
                yield Problem(ID, SEVERITY, hub.position(*path), dotted(path), message, fix)
