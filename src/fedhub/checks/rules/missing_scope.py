"""A rule about GitHub's organisations or teams, without the scope to ask for them.

GitHub tells a hub without the scope `read:org` of public memberships only, and of no team (GitHub
REST API, "Check organization membership for a user"). Most memberships are private, so the people
whom the rule is for do not get in.

Bad:

    global:
      fedhub:
        domain: hub.example.org
        login:
          staff:
            authenticator: github
            config:
              allowed_organizations: [example-lab]

Good:

    global:
      fedhub:
        domain: hub.example.org
        login:
          staff:
            authenticator: github
            config:
              allowed_organizations: [example-lab]
              scope: [read:org]
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "missing-scope"
SEVERITY: Severity = "warning"

_TRAITS = ("allowed_organizations", "allowed_groups", "admin_groups")
_ENOUGH = {"read:org", "write:org", "admin:org"}
"""GitHub's scopes with which a membership can be read."""


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each rule that GitHub would not tell the truth for."""
    for provider in login(hub).providers:
        if provider.opaque or not provider.is_a("GitHubOAuthenticator"):
            continue
        asked = provider.value("scope")
        if not isinstance(asked, list | None) or _ENOUGH & set(map(str, asked or ())):
            continue
        for trait in _TRAITS:
            setting = provider.traits.get(trait)
            if setting and setting.value:
                yield Problem(
                    ID,
                    SEVERITY,
                    setting.position,
                    dotted(setting.path),
                    f"{trait} needs the scope read:org; without it GitHub tells of public "
                    "memberships only",
                    f"add `scope: [read:org]` to {setting.section}",
                )
                break
