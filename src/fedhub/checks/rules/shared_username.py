"""User names of several identity providers that can be the same.

The hub knows people by their user name alone. When two identity providers both make it from the
e-mail address, whoever can choose an address at one of them is taken for the owner of that
address at the other. A `prefix` for each but one keeps them apart.

Bad:

    hub:
      config:
        JupyterHub:
          authenticator_class: cilogon
        CILogonOAuthenticator:
          idps:
            https://idp.uni.example.edu/idp/shibboleth:
              username_derivation: {username_claim: email}
              allow_all: true
            http://google.com/accounts/o8/id:
              username_derivation: {username_claim: email}
              allowed_domains: [staff.example.org]

Good:

    hub:
      config:
        JupyterHub:
          authenticator_class: cilogon
        CILogonOAuthenticator:
          idps:
            https://idp.uni.example.edu/idp/shibboleth:
              username_derivation: {username_claim: email}
              allow_all: true
            http://google.com/accounts/o8/id:
              username_derivation: {username_claim: email, action: prefix, prefix: google}
              allowed_domains: [staff.example.org]
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.entity_ids import SOCIAL
from fedhub.checks.facts import Idp, idps
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import Provider, login
from fedhub.hub.values import Hub

ID = "shared-username"
SEVERITY: Severity = "warning"

_ADDRESSES = {"email", "eppn", "mail", "upn"}
"""Claims that look like ada@uni.edu, whichever of them it is."""


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each identity provider, and each provider, that shares its names."""
    providers = login(hub).providers
    for provider in providers:
        yield from _within(hub, provider)
    yield from _between(providers)


def _within(hub: Hub, provider: Provider) -> Iterator[Problem]:
    owners: dict[str, Idp] = {}
    # The social ones come last: they are the ones to prefix.
    for idp in sorted(idps(hub, provider), key=lambda idp: idp.entity_id in SOCIAL):
        space = name_space(idp)
        first = owners.setdefault(space, idp) if space else idp
        if first is not idp:
            yield Problem(
                ID,
                SEVERITY,
                idp.position,
                dotted(idp.path),
                f"{_short(idp)} and {_short(first)} can give two people the same user name",
                "give one of them `action: prefix`",
            )


def name_space(idp: Idp) -> str:
    """Return what user names an identity provider makes; "" where it can't be told.

    Two with the same answer can make the same name. `strip_idp_domain` leaves names without an
    @, whatever the domain was: ada@one.edu and ada@two.edu are both ada then.
    """
    claim = idp.derivation.get("username_claim")
    action = idp.derivation.get("action")
    if not isinstance(claim, str):
        return ""
    if action == "prefix":
        return f"{idp.derivation.get('prefix')}:"
    if action == "strip_idp_domain":
        return "without domain"
    return "address" if claim in _ADDRESSES else f"claim {claim}"


def _short(idp: Idp) -> str:
    return SOCIAL.get(idp.entity_id, idp.entity_id)


def _between(providers: tuple[Provider, ...]) -> Iterator[Problem]:
    """Yield providers of `global.fedhub.login` whose prefixes do not tell them apart.

    The hub does not start with these: each prefix must lead to one provider.
    """
    before: list[tuple[str, str]] = []
    for provider in providers if len(providers) > 1 else ():
        prefix = f"{provider.name}:" if provider.prefix is None else provider.prefix
        for name, other in before:
            if prefix == other or (prefix and other and _overlap(prefix, other)):
                yield Problem(
                    ID,
                    "error",
                    provider.position,
                    dotted(provider.path),
                    f"the prefixes of {provider.name} and {name} don't tell their users apart",
                    f"remove `prefix` from one: its default is `{provider.name}:`",
                )
                break
        before.append((provider.name, prefix))


def _overlap(first: str, second: str) -> bool:
    return first.startswith(second) or second.startswith(first)
