"""Personas for CILogon, where each institution has rules of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fedhub.access.institutions import Institution, institution
from fedhub.access.persona import Persona
from fedhub.access.provider import Provider, number, put, slug

ELSEWHERE = "https://idp.elsewhere.example/idp/shibboleth"
"""An institution that no hub lists."""


def cilogon_personas(provider: Provider) -> Iterator[Persona]:
    """Yield the people of each institution that a provider lists, and one of another."""
    rules: Mapping[str, Mapping[str, Any]] = (
        provider.traits.get("idps") or provider.traits.get("allowed_idps") or {}
    )
    listed = {
        trait: {_home(user, rules): user for user in reversed(provider.names(trait))}
        for trait in ("allowed_users", "admin_users")
    }
    for entity_id, rule in rules.items():
        users = {trait: homes.get(entity_id) for trait, homes in listed.items()}
        yield from _cilogon_institution(provider, institution(entity_id), rule, users)
    if rules:
        first = institution(next(iter(rules)))
        stranger = institution(ELSEWHERE)
        yield provider.persona(
            stranger,
            f"{stranger.short}-namesake",
            f"has the local name of {first.short}-member, at an institution that is not listed",
            cilogon_claims(stranger, "ada", stranger.domain),
        )


def _home(user: str, rules: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the institution whose people a hub user name is most likely one of.

    Where no prefix tells, the domain does; else it is an institution that gives addresses of
    any domain, such as Google; else the first whose rule can yield the name.
    """
    fitting = [entity_id for entity_id, rule in rules.items() if _claim_of(user, rule)]

    def likelihood(entity_id: str) -> int:
        at = institution(entity_id)
        value = _claim_of(user, rules[entity_id])
        own = value.endswith(
            (f"@{at.domain}", f".{at.domain}", f"@{_domain(at, rules[entity_id])}")
        )
        return 2 if own else int(at.social)

    return max(fitting, key=likelihood, default=None)


def _cilogon_institution(
    provider: Provider,
    at: Institution,
    rule: Mapping[str, Any],
    users: Mapping[str, str | None],
) -> Iterator[Persona]:
    short = at.short
    domain = _domain(at, rule)
    everybody = bool(provider.traits.get("allow_all") or rule.get("allow_all"))
    wildcards = rule.get("allowed_domains") or []
    if everybody or wildcards:
        about = "anybody of this institution" if everybody else f"has an address at {domain}"
        claims = _with_domain_claim(cilogon_claims(at, "ada", domain), rule, domain)
        yield provider.persona(at, f"{short}-member", f"{about}: let in", claims)
    for group in provider.names("allowed_groups"):
        claims = cilogon_claims(at, f"gil-{slug(group)}", domain)
        put(claims, provider.group_path(), [group])
        yield provider.persona(at, f"{short}-group-{slug(group)}", f"in the group {group}", claims)
    for trait, role in (("allowed_users", "allowed"), ("admin_users", "admin")):
        if user := users[trait]:
            claims = _cilogon_user(at, user, rule, domain)
            yield provider.persona(at, f"{short}-{role}", f"{user} is in {trait}", claims)
    if not everybody:
        outside = "elsewhere.example" if wildcards else domain
        claims = _with_domain_claim(cilogon_claims(at, "eve", outside), rule, outside)
        yield provider.persona(
            at, f"{short}-outsider", "same institution, but no rule lets in", claims
        )


def _derivation(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    derivation = rule.get("username_derivation")
    return derivation if isinstance(derivation, Mapping) else {}


def _domain(at: Institution, rule: Mapping[str, Any]) -> str:
    """Return an e-mail domain that the institution's rule is about."""
    patterns = [str(domain) for domain in rule.get("allowed_domains") or []]
    plain = next((domain for domain in patterns if not re.search(r"[*?\[]", domain)), None)
    if plain:
        return plain
    if patterns:
        return re.sub(r"\*+|\?|\[[^]]*\]", "dept", patterns[0])
    return str(_derivation(rule).get("domain") or at.domain)


def _claim_of(user: str, rule: Mapping[str, Any]) -> str:
    """Return the claim that an institution's rule turns into a hub user name, "" for none."""
    derivation = _derivation(rule)
    action = derivation.get("action")
    if action == "prefix":
        prefix = f"{derivation.get('prefix')}:"
        return user.removeprefix(prefix) if user.startswith(prefix) else ""
    if action == "strip_idp_domain":
        return "" if "@" in user else f"{user}@{derivation.get('domain')}"
    if derivation.get("username_claim") in ("email", "eppn") and "@" not in user:
        return ""
    return user


def _cilogon_user(
    at: Institution, user: str, rule: Mapping[str, Any], domain: str
) -> dict[str, Any]:
    claim = str(_derivation(rule).get("username_claim", "email"))
    value = _claim_of(user, rule)
    local, _, given_domain = value.partition("@")
    return cilogon_claims(at, local, given_domain or domain) | {claim: value}


def cilogon_claims(at: Institution, local: str, domain: str) -> dict[str, Any]:
    """Return the claims that CILogon gives of a person under all its scopes.

    Those of a social provider's people have the account's own id there, `oidc` (cilogon/service,
    `getuser`).
    """
    own_id = {"oidc": str(number(local, domain, at.entity_id))} if at.social else {}
    return own_id | {
        "sub": f"http://cilogon.org/serverT/users/{number(at.entity_id, local, domain)}",
        "email": f"{local}@{domain}",
        "eppn": f"{local}@{domain}",
        "preferred_username": local,
        "given_name": local.capitalize(),
        "family_name": "Example",
        "name": f"{local.capitalize()} Example",
        "idp": at.entity_id,
        "idp_name": at.name,
        "affiliation": f"member@{domain}",
    }


def _with_domain_claim(
    claims: dict[str, Any], rule: Mapping[str, Any], domain: str
) -> dict[str, Any]:
    claim = rule.get("allowed_domains_claim")
    if claim and claim not in ("email", "eppn"):
        claims[str(claim)] = domain
    return claims
