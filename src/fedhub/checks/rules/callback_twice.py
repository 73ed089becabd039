"""Two providers with the same callback URL.

The hub tells providers apart by the path at which people come back. With one path for two, the
answer of one is taken for the other's.

Bad:

    global:
      fedhub:
        login:
          staff:
            authenticator: github
            config: {oauth_callback_url: https://hub.example.org/hub/oauth_callback}
          students:
            authenticator: cilogon
            config: {oauth_callback_url: https://hub.example.org/hub/oauth_callback}

Good, each provider gets a path of its own:

    global:
      fedhub:
        login:
          staff: {authenticator: github}
          students: {authenticator: cilogon}
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "callback-twice"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each provider whose callback is another's already."""
    owners: dict[str, str] = {}
    for provider in login(hub).providers:
        setting = provider.traits.get("oauth_callback_url")
        if setting is None or not isinstance(setting.value, str):
            continue
        first = owners.setdefault(setting.value, provider.name)
        if first != provider.name:
            yield Problem(
                ID,
                SEVERITY,
                setting.value_position,
                dotted(setting.path),
                f"{provider.name} and {first} have the same callback URL",
                "remove it, so that each provider gets a path of its own",
            )
