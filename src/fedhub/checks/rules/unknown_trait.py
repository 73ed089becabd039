"""A setting that the class does not have.

`hub.config` is handed to the classes as it is: neither Helm nor z2jh look inside, and JupyterHub
only logs a warning when it starts. A misspelt rule is a rule that does not exist.

Bad:

    hub:
      config:
        CILogonOAuthenticator:
          idpz: {}

Good:

    hub:
      config:
        CILogonOAuthenticator:
          idps: {}
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.facts import accepts
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.checks.spelling import did_you_mean
from fedhub.hub.providers import Login, Setting, login
from fedhub.hub.traits import classes
from fedhub.hub.values import Hub

ID = "unknown-trait"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each setting that no class here takes."""
    found = login(hub)
    for setting in found.settings:
        applied = found.applied_classes(setting.section)
        if not applied or accepts(found, setting) or _is_old(found, setting):
            continue
        if _class_elsewhere(found, setting.section):
            continue
        yield Problem(
            ID,
            SEVERITY,
            setting.position,
            dotted(setting.path),
            f"{setting.section} has no trait {setting.trait}",
            _fix(found, setting),
        )


def _is_old(found: Login, setting: Setting) -> bool:
    applied = found.applied_classes(setting.section)
    return any(setting.trait in cls.deprecated for cls in applied)


def _class_elsewhere(found: Login, section: str) -> bool:
    """Return whether a class that is not known inherits the section and may have the trait."""
    unknown = any(provider.cls is None for provider in found.providers)
    return unknown and section in ("Authenticator", "OAuthenticator", "LocalAuthenticator")


def _fix(found: Login, setting: Setting) -> str:
    if setting.trait in classes():
        return f"{setting.trait} is a section of its own: move it one level up"
    inherited = {
        section: None
        for provider in found.providers
        if provider.cls
        for section in reversed(provider.cls.sections)
    }
    for section in (*inherited, "JupyterHub", "KubeSpawner"):
        if section in classes() and setting.trait in classes()[section].traits:
            return f"it is a trait of {section}: move it there"
    applied = found.applied_classes(setting.section)
    names = {name for cls in applied for name in cls.traits if name not in cls.deprecated}
    return did_you_mean(setting.trait, names, "remove it, or see the class's reference")
