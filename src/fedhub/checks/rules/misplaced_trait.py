"""A trait beside the sections of `hub.config` instead of in one.

Below `hub.config` come names of classes, and below these their traits. What stands one level too
high configures nothing.

Bad:

    hub:
      config:
        auto_login_oauth2_authorize: true

Good:

    hub:
      config:
        Authenticator:
          auto_login_oauth2_authorize: true
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import Login, login, mapping
from fedhub.hub.traits import classes
from fedhub.hub.values import Hub

ID = "misplaced-trait"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each trait that stands where a class should."""
    found = login(hub)
    for key in mapping(hub.z2jh_get("hub", "config")):
        owner = owner_of(found, key)
        if owner:
            path = (*hub.z2jh_at, "hub", "config", key)
            yield Problem(
                ID,
                SEVERITY,
                hub.position(*path),
                dotted(path),
                f"{key} is a trait of {owner}, and stands beside the sections instead of in one",
                f"move it below {owner}",
            )


def owner_of(found: Login, name: str) -> str:
    """Return the most general class in use that has a trait, else any class that has it."""
    in_use = [
        section
        for provider in found.providers
        if provider.cls
        for section in reversed(provider.cls.sections)
    ]
    order = (*in_use, "JupyterHub", "Authenticator", "OAuthenticator", "Spawner", *classes())
    return next((cls for cls in order if cls in classes() and name in classes()[cls].traits), "")
