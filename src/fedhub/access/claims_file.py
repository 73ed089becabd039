"""People of a claims file, or of an expectations file: given by the claims that a provider sends.

A claims file holds one JSON object or a list of them, each somebody's claims as a provider gives
them, or these with more around:

    {"name": "olga", "provider": "staff", "idp": "https://…", "claims": {"email": "…"}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedhub.access.institutions import Institution, institution
from fedhub.access.people import called_by, institution_called, only_institution, provider_called
from fedhub.access.persona import Persona
from fedhub.access.personas import issuer
from fedhub.access.provider import Provider
from fedhub.checks.spelling import did_you_mean
from fedhub.errors import FedhubError, Position, UsageError

if TYPE_CHECKING:
    from fedhub.hub.document import Node

KEYS = ("name", "provider", "idp", "claims")
"""What may stand around somebody's claims."""

_BEFORE, _AFTER = '{"all": ', "}"
"""What a list of JSON stands in, to be read as YAML, which tells the positions."""


def people_in(path: Path, providers: Sequence[Provider]) -> list[Persona]:
    """Return the people of a claims file.

    Args:
        path: the file.
        providers: the hub's.

    Raises:
        UsageError: it can't be read or says something else, with the position.
    """
    from fedhub.hub.files import read_text

    text = read_text(path, "claims file")
    places = _Places(path, text)
    try:
        content = json.loads(text, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        where = Position(str(path), error.lineno, error.colno)
        raise UsageError(
            f"not JSON: {error.msg}", fix="mend it there, or just before", position=where
        ) from None
    except _TwiceError as error:
        raise places.duplicate(str(error)) from None
    except RecursionError:
        raise UsageError(
            "nested too deeply", fix="flatten it", position=Position(str(path), 1, 1)
        ) from None
    entries = [((), content)] if not isinstance(content, list) else _numbered(content)
    if not entries:
        raise UsageError(
            "this file holds nobody's claims",
            fix='write an object for each person, such as {"email": "ada@example.edu"}',
            position=Position(str(path), 1, 1),
        )
    return [_person(entry, at, places, providers) for at, entry in entries]


class _TwiceError(Exception):
    """A key that stands twice in an object, of which JSON would keep the last."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found


def _numbered(content: list[Any]) -> list[tuple[tuple[int, ...], Any]]:
    return [((number,), entry) for number, entry in enumerate(content)]


def _person(
    entry: Any, at: tuple[str | int, ...], places: _Places, providers: Sequence[Provider]
) -> Persona:
    if not isinstance(entry, dict):
        raise UsageError(
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
    entry: Mapping[str, Any],
    place: Callable[..., Position],
    claims_at: Position,
    providers: Sequence[Provider],
) -> Persona:
    """Return somebody who was written down.

    Args:
        entry: KEYS and what they are; `claims` must be there.
        place: called with a key, returns where it stands.
        claims_at: where the claims stand.
        providers: the hub's.

    Raises:
        UsageError: it says something else, with the position.
    """
    for key, value in entry.items():
        if key not in KEYS:
            fix = did_you_mean(key, KEYS, f"what there can be is {', '.join(KEYS)}")
            raise UsageError(f"{key} says nothing of a person", fix=fix, position=place(key))
        if key != "claims" and not (isinstance(value, str) and value):
            raise UsageError(f"{key} is text", fix="put it in quotes", position=place(key))
    claims = entry["claims"]
    if not isinstance(claims, dict) or not claims:
        raise UsageError(
            "claims are a map of names to values",
            fix='write them as {"email": "ada@example.edu"}',
            position=claims_at,
        )
    _check_sendable(entry, claims_at)
    try:
        provider = provider_called(entry.get("provider"), providers)
    except UsageError as error:
        where = place("provider") if "provider" in entry else place()
        raise UsageError(error.message, fix=error.fix, position=where) from None
    claims, at = _at_institution(entry, provider, place)
    own_name = claims.get("idp_name")
    idp_name = own_name if isinstance(own_name, str) and own_name else at.name
    name = entry.get("name") or called_by(claims)
    about = f"from {claims_at.file}"
    return Persona(name, provider.name, at.entity_id, idp_name, about, claims)


def _at_institution(
    entry: Mapping[str, Any], provider: Provider, place: Callable[..., Position]
) -> tuple[dict[str, Any], Institution]:
    """Return somebody's claims, and the institution that they or the entry name.

    Raises:
        UsageError: they name two, or none where there must be one, or none that can be.
    """
    claims = dict(entry["claims"])
    told = next((name for name in provider.institution_claims if name in claims), "")
    beside = entry.get("idp")
    if beside == issuer(provider).entity_id:  # as it is written for who has no institution
        beside = None
    try:
        if beside is None and told:
            said = claims[told]
            return claims, institution(said) if isinstance(said, str) and said else issuer(provider)
        if beside is None and provider.face != "cilogon":
            return claims, issuer(provider)
        if beside is None:
            at = only_institution(provider, "add idp")
        else:
            at = institution_called(provider, beside)
    except UsageError as error:
        where = place("idp") if beside is not None else place()
        raise UsageError(error.message, fix=error.fix, position=where) from None
    if told and claims[told] != at.entity_id:
        raise UsageError(
            f"idp is {at.entity_id}, and the claim {told} says {claims[told]}",
            fix="remove one of them",
            position=place("idp"),
        )
    return claims | {told or provider.institution_claims[0]: at.entity_id}, at


def _check_sendable(entry: Mapping[str, Any], position: Position) -> None:
    """Refuse what no provider could say of anybody."""
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except (UnicodeEncodeError, TypeError):
        raise UsageError(
            "these claims hold half a character, or a date that is no text",
            fix="write dates in quotes, and characters whole",
            position=position,
        ) from None
    sub = entry["claims"].get("sub", "1")
    if not (isinstance(sub, str) and sub):
        raise UsageError("sub is text", fix="put it in quotes, or leave it out", position=position)


class _Places:
    """Where things stand in a JSON file, for errors."""

    def __init__(self, path: Path, text: str) -> None:
        self._file = str(path)
        self._text = text

    def of(self, *path: str | int) -> Position:
        """Return where a key, or an entry of a list, stands."""
        from fedhub.hub.merge import positions

        try:
            tree = self._tree()
        except FedhubError:
            return Position(self._file, 1, 1)
        wanted = ("all", *path)
        key = next(key if path else start for at, key, start in positions(tree) if at == wanted)
        return _moved(key)

    def duplicate(self, key: str) -> UsageError:
        """Return what is wrong with a key that stands twice, and where the second stands."""
        try:
            self._tree()
        except FedhubError as error:
            if error.position is not None:
                where = _moved(error.position)
                return UsageError(error.message, fix=error.fix, position=where)
        return UsageError(
            f"{key!r} stands twice in the same map",
            fix="merge the two or remove one",
            position=Position(self._file, 1, 1),
        )

    def _tree(self) -> Node:
        from fedhub.hub.document import parse

        # JSON is YAML, but for halves of characters as escapes; and YAML's own lists have no root.
        harmless = re.sub(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", "xxxxxx", self._text)
        return parse(f"{_BEFORE}{harmless}\n{_AFTER}", self._file)


def _moved(position: Position) -> Position:
    """Return a position in the file, for one in what is read in its place."""
    first = position.line == 1
    return replace(position, column=position.column - len(_BEFORE)) if first else position
