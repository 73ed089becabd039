"""Personas from a hub's own rules: who should get in, who should not, who is an admin.

For each institution of a provider: one person whom its rules let in, one of the same
institution whom they don't, one of another institution with the same local name, one admin,
one member of each allowed group. A rule that lets everybody in leaves nobody to refuse.

What is said here of a persona is an intention; what becomes of it is the hub's own verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fedhub.access.cilogon import ELSEWHERE, cilogon_personas
from fedhub.access.institutions import Institution, institution
from fedhub.access.persona import Persona
from fedhub.access.provider import Provider, number, put, slug


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
        yield from cilogon_personas(provider)
    elif provider.face == "github":
        yield from _github(provider)
    elif "GoogleOAuthenticator" in provider.classes:
        yield from _google(provider)
    else:
        yield from _claims(provider)


# --- GitHub ------------------------------------------------------------------------------


def _github(provider: Provider) -> Iterator[Persona]:
    at = issuer(provider)
    if provider.traits.get("allow_all"):
        yield provider.persona(
            at, "github-member", "anybody with an account: let in", github_claims("ada")
        )
    for organisation in provider.names("allowed_organizations"):
        login = f"ada-{slug(organisation)}"
        yield provider.persona(
            at,
            f"github-{slug(organisation)}",
            f"member of {organisation}",
            github_claims(login, organisation),
        )
    yield from _listed(provider, at, github_claims)
    if not provider.traits.get("allow_all"):
        yield provider.persona(
            at,
            "github-outsider",
            "has an account, but no rule lets in",
            github_claims("eve", "some-other-organisation"),
        )


def github_claims(login: str, *organisations: str) -> dict[str, Any]:
    """Return what GitHub says of an account, under OpenID Connect's names."""
    return {
        "sub": str(number("github", login)),
        "preferred_username": login,
        "name": f"{login.capitalize()} Example",
        "email": f"{login}@users.example.org",
        "groups": list(organisations),
    }


# --- Google ------------------------------------------------------------------------------


def _google(provider: Provider) -> Iterator[Persona]:
    at = issuer(provider)
    domains = provider.names("hosted_domain")
    for domain in domains:
        yield provider.persona(
            at,
            f"google-{slug(domain)}",
            f"has a Google Workspace account at {domain}",
            google_claims(f"ada@{domain}", hosted=True),
        )
    if provider.traits.get("allow_all") and not domains:
        yield provider.persona(
            at,
            "google-member",
            "anybody with an account: let in",
            google_claims("ada@gmail.com"),
        )
    workspace = domains[0] if domains else "gmail.com"

    def listed(user: str) -> dict[str, Any]:
        address = user if "@" in user else f"{user}@{workspace}"
        return google_claims(address, hosted=bool(domains))

    yield from _listed(provider, at, listed)
    if domains or not provider.traits.get("allow_all"):
        yield provider.persona(
            at,
            "google-outsider",
            "has a private account, but no rule lets in",
            google_claims("eve@gmail.com"),
        )


def google_claims(address: str, *, hosted: bool = False) -> dict[str, Any]:
    """Return what Google says of an account; `hosted` when it is a Workspace's."""
    local, _, domain = address.partition("@")
    claims: dict[str, Any] = {
        "sub": str(number("google", address)),
        "email": address,
        "email_verified": True,
        "verified_email": True,
        "name": f"{local.capitalize()} Example",
        "given_name": local.capitalize(),
        "family_name": "Example",
    }
    return claims | ({"hd": domain} if hosted else {})


# --- Keycloak, Custos, any OpenID Connect issuer --------------------------------------------


def oidc_claims(provider: Provider, user: str, at: Institution) -> dict[str, Any]:
    """Return what an OpenID Connect issuer says of somebody whom it knows by a user name.

    Args:
        provider: the issuer.
        user: a user name, or an address.
        at: the institution behind Custos or Keycloak that the person comes from; else the issuer.
    """
    local = user.partition("@")[0]
    claims = {
        "sub": f"{number(_short(provider), user):032x}",
        "preferred_username": local,
        "email": user if "@" in user else f"{user}@{at.domain}",
        "email_verified": True,
        "given_name": local.capitalize(),
        "family_name": "Example",
        "name": f"{local.capitalize()} Example",
    }
    claim = _username_claim(provider)
    if claim not in ("sub", "email"):
        claims[claim] = user
    return claims | _institution_claim(provider, at)


def _username_claim(provider: Provider) -> str:
    claim = provider.traits.get("username_claim")
    if provider.face == "custos" and claim == "username":
        return "preferred_username"  # Custos calls Keycloak's claim so
    return claim if isinstance(claim, str) and claim else "preferred_username"


def _institution_claim(provider: Provider, at: Institution) -> dict[str, Any]:
    """Return the claim that names the institution, where Custos or Keycloak has any."""
    if not provider.institution_claims or at == issuer(provider):
        return {}
    return {provider.institution_claims[0]: at.entity_id}


def issuer(provider: Provider) -> Institution:
    """Return who vouches for people of a provider that has no institutions behind it."""
    if provider.face == "github":
        return Institution("https://github.com", "GitHub", "github.com", "github")
    if "GoogleOAuthenticator" in provider.classes:
        return Institution("https://accounts.google.com", "Google", "gmail.com", "google")
    short = _short(provider)
    return Institution(f"https://{short}.example", provider.label, "example.edu", short)


def _short(provider: Provider) -> str:
    return slug(provider.label if provider.name == "login" else provider.name)


def _claims(provider: Provider) -> Iterator[Persona]:
    places = [institution(one) for one in provider.institutions] or [issuer(provider)]
    for count, at in enumerate(places, 1):
        # A realm has each user name once, wherever people come from.
        yield from _claims_at(provider, at, "" if count == 1 else str(count))

    def listed(user: str) -> dict[str, Any]:
        claim = _username_claim(provider)
        own = {} if claim == "email" else {claim: user}  # an address is more than a name
        return oidc_claims(provider, user, places[0]) | own

    yield from _listed(provider, places[0], listed)
    if provider.institutions:
        claims = oidc_claims(provider, "kim", institution(ELSEWHERE))
        about = "signed in at an institution that is not listed"
        name = f"{issuer(provider).short}-elsewhere"
        yield provider.persona(institution(ELSEWHERE), name, about, claims)


def _claims_at(provider: Provider, at: Institution, own: str) -> Iterator[Persona]:
    """Yield the people of one institution; `own` ends their user names."""
    short = at.short

    def person(user: str) -> dict[str, Any]:
        return oidc_claims(provider, f"{user}{own}", at)

    if provider.traits.get("allow_all"):
        who = "anybody of this institution" if provider.institutions else "anybody who can sign in"
        yield provider.persona(at, f"{short}-member", f"{who}: let in", person("ada"))
    for trait, role, path in (
        ("allowed_groups", "group", provider.group_path()),
        ("admin_groups", "admin-group", provider.group_path()),
        ("allowed_globus_groups", "group", ["groups"]),
        ("admin_globus_groups", "admin-group", ["groups"]),
    ):
        for group in provider.names(trait):
            claims = person(f"{'gil' if role == 'group' else 'amy'}-{slug(group)}")
            put(claims, path, [group])
            about = f"in the group {group} ({trait})"
            yield provider.persona(at, f"{short}-{role}-{slug(group)}", about, claims)
    if not provider.traits.get("allow_all"):
        yield provider.persona(
            at, f"{short}-outsider", "can sign in, but no rule lets in", person("eve")
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
            yield provider.persona(
                at,
                f"{at.short}-{role}",
                f"{users[0]} is in {trait}",
                claims_of(users[0]),
            )
