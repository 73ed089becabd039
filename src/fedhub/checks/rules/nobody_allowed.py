"""A provider that lets nobody in.

Since oauthenticator 16 and JupyterHub 5, who is not allowed is refused. Without a rule, people
sign in at their institution and see "403: Forbidden" at the hub.

Bad:

    hub:
      config:
        JupyterHub:
          authenticator_class: github
        GitHubOAuthenticator:
          scope: [read:org]

Good:

    hub:
      config:
        JupyterHub:
          authenticator_class: github
        GitHubOAuthenticator:
          scope: [read:org]
          allowed_organizations: [example-lab]
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.facts import Idp, called, idps
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.extra_config import UNKNOWN
from fedhub.hub.providers import Provider, login
from fedhub.hub.values import Hub

ID = "nobody-allowed"
SEVERITY: Severity = "error"

_NO_RULES = {"any_allow_config", "allow_unverified_email", "allowed_idps"}
"""Traits that start like a rule and let nobody in."""
_BY_CODE = {"post_auth_hook", "modify_auth_state_hook"}
"""Traits that can let people in by means that only running them would tell."""


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each provider, and each identity provider, without a rule."""
    found = login(hub)
    for provider in found.providers:
        if provider.cls is None or provider.opaque or provider.authenticator in found.local:
            continue
        if provider.is_a("NullAuthenticator", "DummyAuthenticator") or _by_name(provider):
            continue
        if provider.value("idps") is UNKNOWN or provider.value("allowed_idps") is UNKNOWN:
            continue
        listed = list(idps(hub, provider))
        closed = [idp for idp in listed if not _lets_in(idp)]
        if len(closed) == len(listed):
            yield Problem(
                ID,
                SEVERITY,
                provider.position,
                dotted(provider.path),
                f"{called(provider)} lets nobody in: it has no rule that allows anybody",
                _fix(provider),
            )
            continue
        for idp in closed:
            yield Problem(
                ID,
                "warning",
                idp.position,
                dotted(idp.path),
                f"nobody of {idp.entity_id} is let in: no rule allows anybody",
                "add allow_all or allowed_domains, or list people in allowed_users, beside idps",
            )


def _by_name(provider: Provider) -> bool:
    return any(
        setting.value and (trait.startswith(("allow", "admin_")) or trait in _BY_CODE)
        for trait, setting in provider.traits.items()
        if trait not in _NO_RULES
    )


def _lets_in(idp: Idp) -> bool:
    return bool(idp.rule.get("allow_all") or idp.rule.get("allowed_domains"))


def _fix(provider: Provider) -> str:
    assert provider.cls is not None
    if provider.is_a("CILogonOAuthenticator"):
        return (
            "add allow_all or allowed_domains to an identity provider, or allowed_users beside idps"
        )
    own = [
        trait
        for trait in provider.cls.traits
        if trait.startswith("allowed_")
        and trait not in provider.cls.deprecated
        and trait not in ("allowed_scopes", "allowed_users", *_NO_RULES)
    ]
    specific = sorted(own, key=lambda trait: trait == "allowed_groups")[:1]
    return "add " + " or ".join([*specific, "allowed_users", "allow_all"])
