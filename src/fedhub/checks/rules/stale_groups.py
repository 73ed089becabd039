"""A rule about groups, organisations or teams that is asked only once.

JupyterHub asks who is allowed when somebody logs in, and not again: who leaves a group stays in
until they log out, with their server. The provider's groups are read anew only where auth_state is
kept and refreshed; and oauthenticator's own classes go on letting people in even then.

Bad:

    hub:
      config:
        JupyterHub:
          authenticator_class: generic-oauth
        GenericOAuthenticator:
          manage_groups: true
          allowed_groups: [researchers]

Good:

    hub:
      config:
        JupyterHub:
          authenticator_class: generic-oauth
        GenericOAuthenticator:
          manage_groups: true
          allowed_groups: [researchers]
          enable_auth_state: true
      extraConfig:
        10-groups: |
          async def still_member(authenticator, user, auth_state):
              ...  # False for somebody who left the group

          c.GenericOAuthenticator.refresh_user_hook = still_member
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.facts import set_to
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import Provider, login
from fedhub.hub.values import Hub

ID = "stale-groups"
SEVERITY: Severity = "warning"

_TRAITS = (
    "allowed_groups",
    "allowed_gitlab_groups",
    "allowed_globus_groups",
    "allowed_google_groups",
    "allowed_organizations",
    "allowed_teams",
    "allowed_project_ids",
)


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each rule about groups that a refresh does not ask again."""
    for provider in login(hub).providers:
        cause = _cause(provider)
        for trait in _TRAITS:
            setting = provider.traits.get(trait)
            if cause and setting and setting.value:
                yield Problem(
                    ID,
                    SEVERITY,
                    setting.position,
                    dotted(setting.path),
                    f"{trait} is asked only at login, so who leaves stays in: {cause[0]}",
                    cause[1],
                )


def _cause(provider: Provider) -> tuple[str, str] | None:
    """Return why a refresh does not ask again, and what to do; None where it does."""
    cls = provider.cls
    if cls is None or provider.opaque or provider.value("refresh_user_hook"):
        return None
    if not provider.is_a("OAuthenticator") or provider.value("allow_all"):
        return None
    if set_to(provider, "auth_refresh_age", 0):
        return "auth_refresh_age is 0", "remove auth_refresh_age"
    plain = provider.path[:2] != ("global", "fedhub")
    stock = plain and cls.module.startswith("oauthenticator.")
    if set_to(provider, "enable_auth_state", False) or (
        stock and not provider.value("enable_auth_state")
    ):
        return "auth_state is off, so nothing is refreshed", "turn on enable_auth_state"
    if stock:
        fix = (
            "use fedhub's hub image, refuse them in a refresh_user_hook, or shorten "
            "JupyterHub.cookie_max_age_days"
        )
        return "oauthenticator refreshes groups without asking again", fix
    return None
