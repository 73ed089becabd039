"""Rules about groups, without groups.

oauthenticator keeps groups only with `manage_groups`. With `allowed_groups`, `admin_groups` or
`auth_state_groups_key` and without it, the hub does not start.

Bad:

    hub:
      config:
        JupyterHub:
          authenticator_class: generic-oauth
        GenericOAuthenticator:
          allowed_groups: [researchers]

Good:

    hub:
      config:
        JupyterHub:
          authenticator_class: generic-oauth
        GenericOAuthenticator:
          manage_groups: true
          auth_state_groups_key: oauth_user.groups
          allowed_groups: [researchers]
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "groups-not-managed"
SEVERITY: Severity = "error"

_TRAITS = ("allowed_groups", "admin_groups", "auth_state_groups_key")


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each rule about groups that nobody manages."""
    for provider in login(hub).providers:
        cls = provider.cls
        if cls is None or not cls.module.startswith("oauthenticator.") or provider.opaque:
            continue
        if provider.is_a("LocalAuthenticator") or provider.value("manage_groups"):
            continue
        for trait in _TRAITS:
            setting = provider.traits.get(trait)
            if setting and setting.value:
                yield Problem(
                    ID,
                    SEVERITY,
                    setting.position,
                    dotted(setting.path),
                    f"{trait} needs manage_groups, and the hub does not start without",
                    f"add `manage_groups: true` to {setting.section}",
                )
                break
