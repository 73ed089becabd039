"""Personas from a hub's own rules: who should get in, who should not, who is an admin.

For each institution of a provider: one person whom its rules let in, one of the same
institution whom they don't, one of another institution with the same local name, one admin,
one member of each allowed group. A rule that lets everybody in leaves nobody to refuse.

What is said here of a persona is an intention; what becomes of it is the hub's own verdict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fedhub.access.institutions import Institution, institution
from fedhub.access.persona import Persona

ELSEWHERE = "https://idp.elsewhere.example/idp/shibboleth"
"""An institution that no hub lists."""


@dataclass(frozen=True)
class Provider:
    """A login provider as the finished configuration has it.

    Attributes:
        name: as under `global.fedhub.login`.
        label: what the login button says.
        face: which face of the embedded identity provider stands in.
        classes: names of the authenticator's class and its parents.
        user_key: the key of `auth_state` that holds the claims.
        traits: the traits that JSON can carry.
    """

    name: str
    label: str
    face: str
    classes: tuple[str, ...]
    user_key: str
    traits: Mapping[str, Any]

    def names(self, trait: str) -> list[str]:
        """Return a trait that is a list or set of names; empty when it is not set."""
        value = self.traits.get(trait) or []
        return [str(name) for name in value]


def personas(providers: list[Provider]) -> list[Persona]:
    """Return the personas of all providers; names are unique and stable."""
    found: list[Persona] = []
    taken: set[str] = set()
    for provider in providers:
        for persona in _of(provider):
            name = persona.name
            if name in taken:
                name = f"{provider.name}-{name}"
            while name in taken:
                name += "-2"
            taken.add(name)
            found.append(replace(persona, name=name))
    return found


def _of(provider: Provider) -> Iterator[Persona]:
    if provider.face == "cilogon":
        yield from _cilogon(provider)
    elif provider.face == "github":
        yield from _github(provider)
    elif "GoogleOAuthenticator" in provider.classes:
        yield from _google(provider)
    else:
        yield from _claims(provider)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


# --- CILogon -------------------------------------------------------------------------------


def _cilogon(provider: Provider) -> Iterator[Persona]:
    rules: Mapping[str, Mapping[str, Any]] = (
        provider.traits.get("idps") or provider.traits.get("allowed_idps") or {}
    )
    for entity_id, rule in rules.items():
        yield from _cilogon_institution(provider, institution(entity_id), rule)
    if rules:
        first = institution(next(iter(rules)))
        stranger = institution(ELSEWHERE)
        yield _person(
            provider,
            stranger,
            f"{stranger.short}-namesake",
            f"has the local name of {first.short}-member, at an institution that is not listed",
            _cilogon_claims(stranger, "ada", stranger.domain),
        )


def _cilogon_institution(
    provider: Provider, at: Institution, rule: Mapping[str, Any]
) -> Iterator[Persona]:
    short = at.short
    domain = _domain(at, rule)
    everybody = bool(provider.traits.get("allow_all") or rule.get("allow_all"))
    wildcards = rule.get("allowed_domains") or []
    if everybody or wildcards:
        about = "anybody of this institution" if everybody else f"has an address at {domain}"
        claims = _with_domain_claim(_cilogon_claims(at, "ada", domain), rule, domain)
        yield _person(provider, at, f"{short}-member", f"{about}: let in", claims)
    for group in provider.names("allowed_groups"):
        claims = _cilogon_claims(at, f"gil-{_slug(group)}", domain)
        _put(claims, _group_path(provider), [group])
        yield _person(
            provider, at, f"{short}-group-{_slug(group)}", f"in the group {group}", claims
        )
    for trait, role in (("allowed_users", "allowed"), ("admin_users", "admin")):
        user = next((u for u in provider.names(trait) if _local(u, rule, domain)), None)
        if user:
            claims = _cilogon_user(at, user, rule, domain)
            yield _person(provider, at, f"{short}-{role}", f"{user} is in {trait}", claims)
    if not everybody:
        outside = "elsewhere.example" if wildcards else domain
        claims = _with_domain_claim(_cilogon_claims(at, "eve", outside), rule, outside)
        yield _person(
            provider, at, f"{short}-outsider", "same institution, but no rule lets in", claims
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


def _local(user: str, rule: Mapping[str, Any], domain: str) -> str:
    """Return the claim that this institution's rule turns into a hub user name, or ""."""
    derivation = _derivation(rule)
    action = derivation.get("action")
    if action == "prefix":
        prefix = f"{derivation.get('prefix')}:"
        return user.removeprefix(prefix) if user.startswith(prefix) else ""
    if action == "strip_idp_domain":
        return "" if "@" in user else f"{user}@{derivation.get('domain')}"
    claim = derivation.get("username_claim")
    if claim in ("email", "eppn") and "@" not in user:
        return ""
    if claim in ("email", "eppn") and action is None and not user.endswith(f"@{domain}"):
        # Without an action any institution could yield the name; make it the one it fits.
        return ""
    return user


def _cilogon_user(
    at: Institution, user: str, rule: Mapping[str, Any], domain: str
) -> dict[str, Any]:
    claim = str(_derivation(rule).get("username_claim", "email"))
    value = _local(user, rule, domain)
    local, _, given_domain = value.partition("@")
    return _cilogon_claims(at, local, given_domain or domain) | {claim: value}


def _cilogon_claims(at: Institution, local: str, domain: str) -> dict[str, Any]:
    """Return the claims that CILogon gives of a person under all its scopes."""
    return {
        "sub": f"http://cilogon.org/serverT/users/{_number(at.entity_id, local, domain)}",
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


# --- GitHub ------------------------------------------------------------------------------


def _github(provider: Provider) -> Iterator[Persona]:
    at = Institution("https://github.com", "GitHub", "github.com", "github")
    if provider.traits.get("allow_all"):
        yield _person(
            provider, at, "github-member", "anybody with an account: let in", _github_claims("ada")
        )
    for organisation in provider.names("allowed_organizations"):
        login = f"ada-{_slug(organisation)}"
        yield _person(
            provider,
            at,
            f"github-{_slug(organisation)}",
            f"member of {organisation}",
            _github_claims(login, organisation),
        )
    yield from _listed(provider, at, _github_claims)
    if not provider.traits.get("allow_all"):
        yield _person(
            provider,
            at,
            "github-outsider",
            "has an account, but no rule lets in",
            _github_claims("eve", "some-other-organisation"),
        )


def _github_claims(login: str, *organisations: str) -> dict[str, Any]:
    return {
        "sub": str(_number("github", login)),
        "preferred_username": login,
        "name": f"{login.capitalize()} Example",
        "email": f"{login}@users.example.org",
        "groups": list(organisations),
    }


# --- Google ------------------------------------------------------------------------------


def _google(provider: Provider) -> Iterator[Persona]:
    at = Institution("https://accounts.google.com", "Google", "gmail.com", "google")
    domains = provider.names("hosted_domain")
    for domain in domains:
        yield _person(
            provider,
            at,
            f"google-{_slug(domain)}",
            f"has a Google Workspace account at {domain}",
            _google_claims(f"ada@{domain}", hosted=True),
        )
    if provider.traits.get("allow_all") and not domains:
        yield _person(
            provider,
            at,
            "google-member",
            "anybody with an account: let in",
            _google_claims("ada@gmail.com"),
        )
    workspace = domains[0] if domains else "gmail.com"

    def listed(user: str) -> dict[str, Any]:
        address = user if "@" in user else f"{user}@{workspace}"
        return _google_claims(address, hosted=bool(domains))

    yield from _listed(provider, at, listed)
    if domains or not provider.traits.get("allow_all"):
        yield _person(
            provider,
            at,
            "google-outsider",
            "has a private account, but no rule lets in",
            _google_claims("eve@gmail.com"),
        )


def _google_claims(address: str, *, hosted: bool = False) -> dict[str, Any]:
    local, _, domain = address.partition("@")
    claims: dict[str, Any] = {
        "sub": str(_number("google", address)),
        "email": address,
        "email_verified": True,
        "verified_email": True,
        "name": f"{local.capitalize()} Example",
        "given_name": local.capitalize(),
        "family_name": "Example",
    }
    return claims | ({"hd": domain} if hosted else {})


# --- Keycloak, Custos, any OpenID Connect issuer --------------------------------------------


def _claims(provider: Provider) -> Iterator[Persona]:
    short = _slug(provider.label if provider.name == "login" else provider.name)
    at = Institution(f"https://{short}.example", provider.label, "example.edu", short)
    username = provider.traits.get("username_claim")
    claim = username if isinstance(username, str) and username else "preferred_username"
    if provider.face == "custos" and claim == "username":
        claim = "preferred_username"  # Custos calls Keycloak's claim so

    def person(user: str) -> dict[str, Any]:
        local = user.partition("@")[0]
        claims = {
            "sub": f"{_number(short, user):032x}",
            "preferred_username": local,
            "email": user if "@" in user else f"{user}@example.edu",
            "email_verified": True,
            "given_name": local.capitalize(),
            "family_name": "Example",
            "name": f"{local.capitalize()} Example",
        }
        # The member and the outsider need the claim too, in a form it usually has.
        value = user if claim != "email" or "@" in user else claims["email"]
        return claims | ({} if claim == "sub" and user in ("ada", "eve") else {claim: value})

    if provider.traits.get("allow_all"):
        yield _person(
            provider, at, f"{short}-member", "anybody who can sign in: let in", person("ada")
        )
    for trait, role in (("allowed_groups", "group"), ("admin_groups", "admin-group")):
        for group in provider.names(trait):
            claims = person(f"{'gil' if role == 'group' else 'amy'}-{_slug(group)}")
            _put(claims, _group_path(provider), [group])
            yield _person(
                provider,
                at,
                f"{short}-{role}-{_slug(group)}",
                f"in the group {group} ({trait})",
                claims,
            )
    yield from _listed(provider, at, person)
    if not provider.traits.get("allow_all"):
        yield _person(
            provider, at, f"{short}-outsider", "can sign in, but no rule lets in", person("eve")
        )


# --- Shared -----------------------------------------------------------------------------


def _listed(provider: Provider, at: Institution, claims_of: Any) -> Iterator[Persona]:
    """Yield the first allowed user and the first admin that the configuration names."""
    admins = provider.names("admin_users")
    allowed = [user for user in provider.names("allowed_users") if user not in admins]
    for users, role, trait in (
        (allowed, "allowed", "allowed_users"),
        (admins, "admin", "admin_users"),
    ):
        if users:
            yield _person(
                provider,
                at,
                f"{at.short}-{role}",
                f"{users[0]} is in {trait}",
                claims_of(users[0]),
            )


def _group_path(provider: Provider) -> list[str]:
    """Return where in the claims the authenticator looks for groups."""
    key = provider.traits.get("auth_state_groups_key")
    path = str(key).split(".") if isinstance(key, str) and key else []
    if path[:1] == [provider.user_key]:
        path = path[1:]
    return path or ["groups"]


def _put(claims: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        claims = claims.setdefault(part, {})
    claims[path[-1]] = value


def _number(*parts: str) -> int:
    """Return a number that stays the same for the same person, as a provider's `sub` does."""
    import zlib

    return zlib.crc32("|".join(parts).encode())


def _person(
    provider: Provider, at: Institution, name: str, about: str, claims: dict[str, Any]
) -> Persona:
    return Persona(name, provider.name, at.entity_id, at.name, about, claims)
