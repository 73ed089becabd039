"""A provider that lets everybody in.

Anybody can have an account at GitHub, Google or ORCID. `allow_all` on one of these gives a
server to the whole world. On a single campus it is a decision, and this rule says nothing.

Bad:

    hub:
      config:
        JupyterHub:
          authenticator_class: github
        GitHubOAuthenticator:
          allow_all: true

Good:

    hub:
      config:
        JupyterHub:
          authenticator_class: github
        GitHubOAuthenticator:
          allowed_organizations: [example-lab]
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.entity_ids import SOCIAL
from fedhub.checks.facts import Idp, called, idps, set_to
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import Login, Provider, login
from fedhub.hub.values import Hub

ID = "everybody-allowed"
SEVERITY: Severity = "warning"

_CLOSED_BY = {
    "GoogleOAuthenticator": "hosted_domain",
    "GlobusOAuthenticator": "identity_provider",
    "AzureAdOAuthenticator": "tenant_id",
}
"""The trait that closes a provider which is open without."""
_OPEN = (
    "Auth0OAuthenticator",
    "BitbucketOAuthenticator",
    "CustosOAuthenticator",
    "GenericOAuthenticator",
    "GitHubOAuthenticator",
    "GitLabOAuthenticator",
    "MWOAuthenticator",
    *_CLOSED_BY,
)


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each provider that anybody can join and that allows all."""
    found = login(hub)
    for provider in found.providers:
        if provider.is_a("DummyAuthenticator"):
            yield from _dummy(found, provider)
            continue
        setting = provider.traits.get("allow_all")
        if setting and set_to(provider, "allow_all", True):
            social = [SOCIAL[i.entity_id] for i in idps(hub, provider) if i.entity_id in SOCIAL]
            who = f"an account at {social[0]}" if social else "an account there"
            if _is_open(provider) or social:
                yield Problem(
                    ID,
                    SEVERITY,
                    setting.position,
                    dotted(setting.path),
                    f"{called(provider)} lets in everybody who has {who}",
                    "remove allow_all, and add a rule that says who",
                )
            continue
        for idp in idps(hub, provider):
            if idp.entity_id in SOCIAL and _allows_all(idp):
                yield Problem(
                    ID,
                    SEVERITY,
                    idp.position,
                    dotted(idp.path),
                    f"everybody who has an account at {SOCIAL[idp.entity_id]} is let in",
                    "replace allow_all with allowed_domains, or list people in allowed_users, "
                    "beside idps",
                )


def _is_open(provider: Provider) -> bool:
    if not provider.is_a(*_OPEN):
        return False
    closing = [trait for cls, trait in _CLOSED_BY.items() if provider.is_a(cls)]
    return not any(provider.value(trait) for trait in closing)


def _allows_all(idp: Idp) -> bool:
    domains = idp.rule.get("allowed_domains")
    return idp.rule.get("allow_all") is True or (isinstance(domains, list) and "*" in domains)


def _dummy(found: Login, provider: Provider) -> Iterator[Problem]:
    closed = [provider.value(trait) for trait in ("password", "allowed_users")]
    if any(closed) or provider.value("allow_all") is False or provider.opaque:
        return
    chosen = "DummyAuthenticator" if found.declared else "no authenticator is chosen, so z2jh's"
    yield Problem(
        ID,
        SEVERITY,
        provider.position,
        dotted(provider.path),
        f"{chosen} lets in everybody, under any name, without a password"
        if found.declared
        else f"{chosen} DummyAuthenticator lets in everybody, under any name",
        "choose an authenticator: global.fedhub.login, or hub.config.JupyterHub",
    )
