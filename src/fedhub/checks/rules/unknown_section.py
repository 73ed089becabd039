"""A section of `hub.config` that is no class.

Sections are named after classes, capitals included. z2jh refuses a section that starts in lower
case; any other name is taken and configures nothing.

Bad:

    hub:
      config:
        CILogonOauthenticator:
          idps: {}

Good:

    hub:
      config:
        CILogonOAuthenticator:
          idps: {}
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.checks.rules.misplaced_trait import owner_of
from fedhub.checks.spelling import STRICT, nearest
from fedhub.errors import Position
from fedhub.hub.providers import Login, login, mapping
from fedhub.hub.traits import ELSEWHERE, classes
from fedhub.hub.values import Hub

ID = "unknown-section"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each section that no class answers to."""
    found = login(hub)
    config = mapping(hub.z2jh_get("hub", "config"))
    for key, traits in config.items():
        path = (*hub.z2jh_at, "hub", "config", key)
        if owner_of(found, key):
            continue
        if not _is_known(found, key):
            yield _unknown(key, hub.position(*path), dotted(path))
        elif not isinstance(traits, dict | None):
            message = f"{key} is a section, and its value is not a map of traits"
            fix = "write `trait: value` lines below it"
            yield Problem(ID, SEVERITY, hub.start(*path), dotted(path), message, fix)
    reported = set(config)
    for setting in found.settings:
        if "extraConfig" in setting.path and setting.section not in reported:
            reported.add(setting.section)
            if not _is_known(found, setting.section):
                yield _unknown(setting.section, setting.position, dotted(setting.path))


def _is_known(found: Login, name: str) -> bool:
    chosen = {provider.authenticator for provider in found.providers}
    return name in classes() or name in ELSEWHERE or name in found.local or name in chosen


def _unknown(name: str, position: Position, path: str) -> Problem:
    near = nearest(name, classes(), STRICT)
    if near:
        return Problem(
            ID, SEVERITY, position, path, f"there is no class {name}", f"did you mean {near}?"
        )
    if not name[:1].isupper():
        fix = "put settings below the class they belong to"
        message = f"{name} is neither a class nor a trait, and z2jh refuses it"
        return Problem(ID, SEVERITY, position, path, message, fix)
    message = f"{name} is a class that this check does not know, so it can't look inside"
    return Problem(ID, "info", position, path, message, "make sure that it is spelled right")
