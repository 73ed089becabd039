"""People whom nobody made up: where they sign in, and those given on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fedhub.access.cilogon import cilogon_claims
from fedhub.access.institutions import Institution, institution, is_entity_id
from fedhub.access.persona import Persona
from fedhub.access.personas import github_claims, google_claims, issuer, oidc_claims
from fedhub.access.provider import Provider
from fedhub.checks.spelling import did_you_mean
from fedhub.errors import UsageError

_NAMES = ("email", "eppn", "preferred_username", "sub")
"""Claims that a person without a name is called by."""


def with_own_names(people: Iterable[Persona]) -> list[Persona]:
    """Return people under names of which no two are equal."""
    found: list[Persona] = []
    taken: set[str] = set()
    for person in people:
        name, number = person.name, 2
        while name in taken:
            name, number = f"{person.name}-{number}", number + 1
        taken.add(name)
        found.append(replace(person, name=name))
    return found


def provider_called(name: str | None, providers: Sequence[Provider]) -> Provider:
    """Return a login provider of a hub by its name; the only one when there is no name.

    Raises:
        UsageError: there is none, or several are and none was named.
    """
    names = [provider.name for provider in providers]
    if not names:
        raise UsageError(
            "this hub has no OAuth provider that people could be tried at",
            fix="choose one as JupyterHub.authenticator_class or under global.fedhub.login",
        )
    if name is None and len(names) > 1:
        raise UsageError(
            "this hub has several login providers", fix=f"say which: {', '.join(names)}"
        )
    for provider in providers:
        if name in (None, provider.name):
            return provider
    fix = did_you_mean(str(name), names, f"it has {', '.join(names)}")
    raise UsageError(f"this hub has no login provider {name}", fix=fix)


def institution_called(provider: Provider, entity_id: str) -> Institution:
    """Return an institution at which people of a provider may sign in, listed or not.

    Raises:
        UsageError: there are none behind this provider, or none can be called so.
    """
    if not provider.institution_claims:
        raise UsageError(
            f"{provider.name} has no institutions behind it that people could choose",
            fix="leave the institution out",
        )
    # Where `idps` lists aliases of a realm's brokers, any word may be one.
    aliases = any(":" not in one for one in provider.institutions)
    is_alias = aliases and bool(re.fullmatch(r"[^\s:]+", entity_id))
    if not (is_entity_id(entity_id) or is_alias or entity_id in provider.institutions):
        what = f"{entity_id} is no entity ID" if entity_id else "the entity ID is empty"
        otherwise = "write it as https://idp.example.edu/idp/shibboleth or urn:…"
        raise UsageError(what, fix=did_you_mean(entity_id, provider.institutions, otherwise))
    return institution(entity_id)


def only_institution(provider: Provider, otherwise: str) -> Institution:
    """Return where people of a provider sign in, where that need not be said.

    Args:
        provider: theirs.
        otherwise: what to add where it needs to be said, before the institutions there are.

    Raises:
        UsageError: it must be said, or the provider lists no institution at all.
    """
    listed = provider.institutions
    if len(listed) == 1:
        return institution(listed[0])
    if listed:
        raise UsageError(
            "it is not said at which institution the person signs in",
            fix=f"{otherwise}, such as {' or '.join(listed[:3])}",
        )
    if provider.lists_nobody:
        raise UsageError(
            f"{provider.name} lists no institution, so nobody can get in there",
            fix="list one below idps, by its entity ID",
        )
    return issuer(provider)


# --- On the command line -------------------------------------------------------------------


def somebody(
    providers: Sequence[Provider],
    *,
    provider: str | None,
    idp: str | None,
    email: str | None,
    claims: Sequence[str],
) -> Persona:
    """Return a person given by options; what they don't say is filled in as a persona has it.

    Args:
        providers: the hub's.
        provider: the name of one of them.
        idp: an entity ID.
        email: an address.
        claims: more, each `name=value`; a value that is a JSON list, object, true or false is
            read as such, and an empty one takes a claim away.

    Raises:
        UsageError: they don't make a person.
    """
    at = provider_called(provider, providers)
    given = dict(_claim(text) for text in claims)
    if email is not None:
        if not re.fullmatch(r"[^\s@]+@[^\s@]+", email):
            raise UsageError(f"{email} is no e-mail address", fix="write it as ada@example.edu")
        given = {"email": email, **given}
    if not given:
        raise UsageError(
            "nothing is said of the person", fix="add --email ADDRESS, or --claim name=value"
        )
    where = (
        only_institution(at, "add --idp ENTITY_ID") if idp is None else institution_called(at, idp)
    )
    filled = _filled_in(at, where, given)
    everything = {name: value for name, value in filled.items() if value != ""}
    made_up = sorted(set(everything) - set(given))
    about = f"given on the command line; filled in: {', '.join(made_up)}"
    return Persona(called_by(everything), at.name, where.entity_id, where.name, about, everything)


def _claim(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"{text} is no claim", fix="write --claim name=value")
    if value[:1] not in ("[", "{") and value not in ("true", "false"):
        return name, value
    try:
        return name, json.loads(value)
    except ValueError as error:
        raise UsageError(
            f"the claim {name} is no JSON: {error}", fix="mend its quotes, for the shell too"
        ) from None


def _filled_in(provider: Provider, at: Institution, given: Mapping[str, Any]) -> dict[str, Any]:
    address = str(given.get("email") or given.get("eppn") or "")
    user = str(given.get("preferred_username") or address.partition("@")[0] or "somebody")
    domain = address.partition("@")[2]
    if provider.face == "cilogon":
        return {**cilogon_claims(at, user, domain or at.domain), **given}
    if provider.face == "github":
        return {**github_claims(user), **given}
    if "GoogleOAuthenticator" in provider.classes:
        hosted = domain not in ("", "gmail.com", "googlemail.com")
        return {**google_claims(address or f"{user}@gmail.com", hosted=hosted), **given}
    return {**oidc_claims(provider, address or user, at), **given}


def called_by(claims: Mapping[str, Any]) -> str:
    """Return what to call somebody without a name: the first claim that says."""
    found = (claims[name] for name in _NAMES if isinstance(claims.get(name), str))
    return next((name for name in found if name), "somebody")
