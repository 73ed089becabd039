"""One institution of CILogon's list, and reading the list.

`/idplist/` is a JSON array of objects `EntityID`, `OrganizationName`, `DisplayName`, `RandS`, and
`Hidden` where a skin hides one; it is `[]` when CILogon fails (cilogon/service,
`idplist/index.php`). What it says is shown on a terminal and pasted into YAML, so it is taken for
foreign text.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any, NamedTuple

LONGEST = 1024
"""Characters of an entity ID (SAML 2.0 metadata, section 2.2.1); names are cut to as many."""

_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
    | dict.fromkeys("'`\u00b4\u02bc\u2018\u2019")
)
"""Letters that Unicode does not take apart, and the many apostrophes, which people leave out."""
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})


class Entry(NamedTuple):
    """An institution.

    Attributes:
        entity_id: what CILogon calls it.
        name: what people call it (`DisplayName`).
        organization: what it belongs to (`OrganizationName`); often the same.
        rands: whether it is in the entity category Research & Scholarship, and so sends `eppn` and
            names; None where that is not known.
        hidden: whether CILogon's own page leaves it out.
        words: what a search looks through, folded.
    """

    entity_id: str
    name: str
    organization: str
    rands: bool | None
    hidden: bool
    words: str


def entry(
    entity_id: str, name: str, organization: str, rands: bool | None, hidden: bool = False
) -> Entry:
    """Return an institution that can be searched for."""
    said = " ".join((name, organization, entity_id)).lower()
    spelt_out = said.translate(_SPELT_OUT)
    words = folded(said) if spelt_out == said else f"{folded(said)} {folded(spelt_out)}"
    return Entry(entity_id, name, organization, rands, hidden, words)


def folded(text: str) -> str:
    """Return a text without case, accents and apostrophes: who types munchen means München."""
    if text.isascii():
        return text.lower().translate(_LETTERS)
    # Twice, since taking apart can bring capitals back: Unicode Standard, section 3.13, D146.
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS)).casefold()
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def parse(content: bytes | str) -> list[Entry]:
    """Return the institutions of a list in CILogon's format.

    Args:
        content: what `/idplist/` answered.

    Raises:
        ValueError: it is no such list, or empty, with what is wrong with it.
    """
    try:
        listed = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(listed, list):
        raise ValueError("it is no list")
    found = [one for one in map(_read, listed) if one is not None]
    if not found:
        raise ValueError("it is empty, which is how CILogon says that it failed")
    return found


def restored(kept: Any) -> list[Entry]:
    """Return institutions that were written as JSON and read again.

    Raises:
        ValueError, TypeError: they are not what was written.
    """
    entries = [Entry(*one) for one in kept]
    if not entries:
        raise ValueError("there is none")
    texts = {type(text) for one in entries for text in (*one[:3], one.words)}
    flags = {type(flag) for one in entries for flag in one[3:5]}
    if texts != {str} or not flags <= {bool, type(None)}:
        raise ValueError("of other types")
    return entries


def _read(said: Any) -> Entry | None:
    """Return an institution, None for one whose entity ID nobody could paste.

    Raises:
        ValueError: it has another form than the documented one.
    """
    if not isinstance(said, dict) or not isinstance(said.get("EntityID"), str):
        raise ValueError("an entry has no EntityID")
    entity_id = said["EntityID"]
    names = [said.get(key) for key in ("DisplayName", "OrganizationName")]
    flags = [said.get("RandS"), said.get("Hidden", False)]
    if not all(isinstance(name, str | None) for name in names):
        raise ValueError("an entry's name is no text")
    if not (isinstance(flags[0], bool | None) and isinstance(flags[1], bool)):
        raise ValueError("an entry's RandS or Hidden is not true or false")
    if not 0 < len(entity_id) <= LONGEST or not entity_id.isprintable() or " " in entity_id:
        return None
    display, organization = (_tidy(name or "") for name in names)
    name = display or organization or entity_id
    return entry(entity_id, name, organization or name, flags[0], flags[1])


def _tidy(name: str) -> str:
    """Return a name on one line, without signs that move the cursor or turn the writing round."""
    shown = "".join(sign if sign.isprintable() else " " for sign in name[:LONGEST])
    return " ".join(shown.split())
