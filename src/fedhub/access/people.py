"""People whom nobody made up: given by their claims in a file, or on the command line.

A file holds one JSON object or a list of them, each somebody's claims as a provider gives them,
or these with more around:

    {"name": "olga", "provider": "staff", "idp": "https://…", "claims": {"email": "…"}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fedhub.access.cilogon import cilogon_claims
from fedhub.access.institutions import Institution, institution
from fedhub.access.persona import Persona
from fedhub.access.personas import github_claims, google_claims, issuer, oidc_claims
from fedhub.access.provider import Provider
from fedhub.checks.spelling import did_you_mean
from fedhub.errors import FedhubError, Position, UsageError

KEYS = ("name", "provider", "idp", "claims")
"""What may stand around somebody's claims."""

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
    where = _institution(at, idp)
    filled = _filled_in(at, where, given)
    everything = {name: value for name, value in filled.items() if value != ""}
    made_up = sorted(set(everything) - set(given))
    about = f"given on the command line; filled in: {', '.join(made_up)}"
    return Persona(_name(everything), at.name, where.entity_id, where.name, about, everything)


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


def _institution(provider: Provider, idp: str | None) -> Institution:
    if idp is not None:
        return institution(idp)
    if provider.face != "cilogon":
        return issuer(provider)
    listed = list(provider.traits.get("idps") or provider.traits.get("allowed_idps") or {})
    if len(listed) == 1:
        return institution(listed[0])
    raise UsageError(
        "it is not said at which institution the person signs in",
        fix=f"add --idp ENTITY_ID, such as {' or '.join(listed)}",
    )


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
    return {**oidc_claims(provider, address or user), **given}


def _name(claims: Mapping[str, Any]) -> str:
    found = (claims[name] for name in _NAMES if isinstance(claims.get(name), str))
    return next((name for name in found if name), "somebody")


# --- In a file -----------------------------------------------------------------------------


def people_in(path: Path, providers: Sequence[Provider]) -> list[Persona]:
    """Return the people of a claims file.

    Args:
        path: the file.
        providers: the hub's.

    Raises:
        FedhubError: it can't be read or says something else, with the position.
    """
    from fedhub.hub.files import read_text

    text = read_text(path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        where = Position(str(path), error.lineno, error.colno)
        raise FedhubError(
            f"not JSON: {error.msg}", fix="mend it there, or just before", position=where
        ) from None
    except RecursionError:
        raise FedhubError(
            "nested too deeply", fix="flatten it", position=Position(str(path), 1, 1)
        ) from None
    places = _Places(path, text)
    entries = [((), content)] if not isinstance(content, list) else _numbered(content)
    return [_person(entry, at, places, providers) for at, entry in entries]


def _numbered(content: list[Any]) -> list[tuple[tuple[int, ...], Any]]:
    return [((number,), entry) for number, entry in enumerate(content)]


def _person(
    entry: Any, at: tuple[str | int, ...], places: _Places, providers: Sequence[Provider]
) -> Persona:
    if not isinstance(entry, dict):
        raise FedhubError(
            "this is nobody's claims",
            fix='write an object, such as {"email": "ada@example.edu"}',
            position=places.of(*at),
        )
    if "claims" not in entry:
        entry = {"claims": entry}
        inside = at
    else:
        inside = (*at, "claims")
    return person_from(entry, lambda *key: places.of(*at, *key), places.of(*inside), providers)


def person_from(
    entry: Mapping[str, Any], place: Any, claims_at: Position, providers: Sequence[Provider]
) -> Persona:
    """Return somebody who was written down.

    Args:
        entry: KEYS and what they are; `claims` must be there.
        place: called with a key, returns where it stands.
        claims_at: where the claims stand.
        providers: the hub's.

    Raises:
        FedhubError: it says something else, with the position.
    """
    for key, value in entry.items():
        if key not in KEYS:
            fix = did_you_mean(key, KEYS, f"what there can be is {', '.join(KEYS)}")
            raise FedhubError(f"{key} says nothing of a person", fix=fix, position=place(key))
        if key != "claims" and not (isinstance(value, str) and value):
            raise FedhubError(f"{key} is text", fix="put it in quotes", position=place(key))
    claims = entry["claims"]
    if not isinstance(claims, dict) or not claims:
        raise FedhubError(
            "claims are a map of names to values",
            fix='write them as {"email": "ada@example.edu"}',
            position=claims_at,
        )
    _check_sendable(entry, claims_at)
    try:
        provider = provider_called(entry.get("provider"), providers)
    except UsageError as error:
        where = place("provider") if "provider" in entry else place()
        raise FedhubError(error.message, fix=error.fix, position=where) from None
    idp = entry.get("idp") or claims.get("idp")
    at = institution(idp) if isinstance(idp, str) and idp else issuer(provider)
    own_name = claims.get("idp_name")
    idp_name = own_name if isinstance(own_name, str) and own_name else at.name
    name = entry.get("name") or _name(claims)
    about = f"from {claims_at.file}"
    return Persona(name, provider.name, at.entity_id, idp_name, about, claims)


def _check_sendable(entry: Mapping[str, Any], position: Position) -> None:
    """Refuse what no provider could say of anybody."""
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except (UnicodeEncodeError, TypeError):
        raise FedhubError(
            "these claims hold half a character, or a date that is no text",
            fix="write dates in quotes, and characters whole",
            position=position,
        ) from None
    sub = entry["claims"].get("sub", "1")
    if not (isinstance(sub, str) and sub):
        raise FedhubError("sub is text", fix="put it in quotes, or leave it out", position=position)


class _Places:
    """Where things stand in a JSON file, for errors."""

    def __init__(self, path: Path, text: str) -> None:
        self._file = str(path)
        self._text = text

    def of(self, *path: str | int) -> Position:
        """Return where a key, or an entry of a list, stands."""
        from fedhub.hub.document import parse
        from fedhub.hub.merge import positions

        # JSON is YAML, but for halves of characters as escapes; and YAML's own lists have no root.
        harmless = re.sub(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", "xxxxxx", self._text)
        try:
            tree = parse(f'{{"all":\n{harmless}\n}}', self._file)
        except FedhubError:
            return Position(self._file, 1, 1)
        wanted = ("all", *path)
        key = next(key if path else start for at, key, start in positions(tree) if at == wanted)
        return replace(key, line=key.line - 1)
