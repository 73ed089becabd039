"""The institutions behind a provider, as people look for them: by any of their names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

WELL_KNOWN = {
    "http://google.com/accounts/o8/id": "Google",
    "http://github.com/login/oauth/authorize": "GitHub",
    "http://orcid.org/oauth/authorize": "ORCID",
    "http://login.microsoftonline.com/common/oauth2/v2.0/authorize": "Microsoft",
}
"""CILogon's entity IDs that say nothing to people; note `http`."""

LONGEST_NAME = 120
"""Characters of an institution's name that are shown."""

_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})
"""How people write these on a keyboard that lacks them."""

_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
)
"""Letters that are no letter with an accent to Unicode, but to whoever looks for them."""


@dataclass(frozen=True)
class Institution:
    """An institution that people can sign in at.

    Attributes:
        entity_id: what the provider calls it.
        name: what people call it.
        words: what a search looks through.
    """

    entity_id: str
    name: str
    words: str = field(repr=False, compare=False)


def plain(text: str) -> str:
    """Return a text without accents, capitals and punctuation, and a space around its words.

    Who looks for Zurich means Zürich.
    """
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS)).casefold()
    letters = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return " ".join(re.findall(r"\w+", letters))


def institutions(
    entity_ids: Iterable[str],
    chosen: Mapping[str, str],
    listed: Mapping[str, tuple[str, ...]],
) -> list[Institution]:
    """Return institutions in the order of their names.

    Args:
        entity_ids: theirs.
        chosen: the operator's own names, by entity ID.
        listed: the names that the provider has for them; the first is shown.
    """
    known = {one: _names(one, chosen, listed) for one in entity_ids}
    times = Counter(plain(names[0]) for names in known.values())
    found = []
    for entity_id, (name, *others) in known.items():
        # Two of one name, as of an institution's old and new login, must not look the same.
        shown = name if times[plain(name)] == 1 else f"{name} ({place(entity_id)})"
        found.append(Institution(entity_id, shown, _words(name, *others)))
    return sorted(found, key=lambda one: (_as_people_count(plain(one.name)), one.entity_id))


def _as_people_count(text: str) -> str:
    """Return what sorts a text with the number 9 before one with the number 10."""
    return re.sub(r"\d+", lambda number: number[0].zfill(LONGEST_NAME), text)


def _names(
    entity_id: str, chosen: Mapping[str, str], listed: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return all names of an institution, the one to show first."""
    every = (chosen.get(entity_id, ""), *listed.get(entity_id, ()), WELL_KNOWN.get(entity_id, ""))
    return tuple(dict.fromkeys(name for name in (*every, place(entity_id)) if name))


def place(entity_id: str) -> str:
    """Return the host of an entity ID, by which people may tell an institution without a name."""
    try:
        found = urlsplit(entity_id).hostname
    except ValueError:
        found = None
    return found or entity_id


def _words(*names: str) -> str:
    lower = [name.casefold() for name in names]
    return " ".join(plain(name) for name in (*lower, *(one.translate(_SPELT_OUT) for one in lower)))


def search(among: list[Institution], query: str) -> list[Institution]:
    """Return the institutions that have each word of a query, those that start with it first.

    Returns:
        All of them, where the query has no word.
    """
    wanted = plain(query)
    words = wanted.split()
    found = [one for one in among if all(word in one.words for word in words)]
    return sorted(found, key=lambda one: _far(one, wanted)) if words else found


def _far(one: Institution, wanted: str) -> int:
    """Return how far an institution is from what is wanted; sorting keeps the order of names."""
    if one.words.startswith(wanted):
        return 0
    return 1 if f" {wanted}" in one.words else 2


def names_in(idplist: Any, wanted: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of some institutions in CILogon's list.

    Args:
        idplist: what `/idplist/` answered.
        wanted: the entity IDs.

    Raises:
        ValueError: it is no such list, or empty, which is how CILogon says that it failed.
    """
    if not isinstance(idplist, list) or not idplist:
        raise ValueError("the list of institutions is empty, or none")
    wanted = frozenset(wanted)
    found = {}
    for entry in idplist:
        entity_id = entry.get("EntityID") if isinstance(entry, Mapping) else None
        if isinstance(entity_id, str) and entity_id in wanted:
            names = (_tidy(entry.get(key)) for key in ("DisplayName", "OrganizationName"))
            found[entity_id] = tuple(dict.fromkeys(filter(None, names)))
    return found


def _tidy(name: Any) -> str:
    """Return a name on one line, "" for what is none."""
    if not isinstance(name, str):
        return ""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"
