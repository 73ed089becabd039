"""What a search prints: a table, JSON, or YAML to paste below `idps`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from fedhub.checks.entity_ids import GITHUB, GOOGLE, MICROSOFT, ORCID
from fedhub.idplist.entries import Entry
from fedhub.idplist.source import Answer

MANY = 25
"""Institutions that fit a screen."""
_DAY, _HOUR = 86400, 3600
_PLAIN_KEY = re.compile(r"(https?://|urn:)[A-Za-z0-9._~:/?=&%+@-]*[A-Za-z0-9/_-]")

_SOCIAL = {
    GOOGLE: ("email", "google"),
    # Whoever has an account may change its name and addresses, but not what `oidc` holds: the
    # account's own id there (cilogon/service, getuser).
    GITHUB: ("oidc", "github"),
    MICROSOFT: ("oidc", "microsoft"),
    # At ORCID that is an address, whose slashes no user name may have.
    ORCID: ("email", "orcid"),
}
"""The claim that names a person at a social provider, and what her hub name starts with."""


def table(found: Sequence[Entry]) -> str:
    """Return the first institutions as lines: name, whether R&S, entity ID."""
    rows = [(one.name, _RANDS[one.rands], one.entity_id) for one in found[:MANY]]
    rows.insert(0, ("Institution", "R&S", "Entity ID"))
    width, narrow = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "".join(f"{name:<{width}}  {rands:<{narrow}}  {idp}\n" for name, rands, idp in rows)


_RANDS = {True: "yes", False: "no", None: "?"}


def json_text(answer: Answer, found: Sequence[Entry], near: Sequence[Entry]) -> str:
    """Return an object: where the list is from, what was found, or what comes near."""
    age = None if answer.age is None else round(answer.age)
    source: dict[str, Any] = {"kind": answer.source, "place": answer.place, "age_seconds": age}
    source |= {"institutions": len(answer.entries), "note": answer.note or None}
    data: dict[str, Any] = {"source": source, "found": [_data(one) for one in found]}
    if not found:
        data["near"] = [_data(one) for one in near]
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _data(one: Entry) -> dict[str, Any]:
    return {
        "entity_id": one.entity_id,
        "name": one.name,
        "organization": one.organization,
        "rands": one.rands,
        "hidden": one.hidden,
    }


def yaml_text(found: Sequence[Entry]) -> str:
    """Return institutions as they stand below a CILogon provider's `config`.

    `username_derivation` is as in fedhub's templates. An institution's `eppn` ends in a domain of
    its own, so that names of two never are the same; names of a social provider's people, where
    anybody can have an account, get a prefix.
    """
    return "idps:\n" + "".join(line for one in found for line in _settings(one))


def _settings(one: Entry) -> Iterator[str]:
    yield f"  {_key(one.entity_id)}: # {one.name}\n"
    yield "    username_derivation:\n"
    if one.entity_id in _SOCIAL:
        claim, prefix = _SOCIAL[one.entity_id]
        yield f"      username_claim: {claim}\n"
        yield "      action: prefix\n"
        yield f"      prefix: {prefix}\n"
        yield from _GOOGLE if one.entity_id == GOOGLE else _BY_NAME
        return
    doubt = "" if one.rands else " # ask them: what is not R&S need not send it"
    yield f"      username_claim: eppn{doubt}\n"
    yield "    allow_all: true # everybody there; or name people in allowed_users, beside idps\n"


_GOOGLE = ("    allowed_domains:\n", "      - staff.example.org # yours: staff-domain\n")
_BY_NAME = (
    "    # Name people in allowed_users, beside idps: anybody can have an account there.\n",
)


def _key(entity_id: str) -> str:
    return (
        entity_id if _PLAIN_KEY.fullmatch(entity_id) else json.dumps(entity_id, ensure_ascii=False)
    )


def source_line(answer: Answer) -> str:
    """Return which list answered, and how old it is."""
    count = f"{len(answer.entries):,} institutions"
    because = f"; {answer.note}" if answer.note else ""
    match answer.source:
        case "live":
            return f"{count}, fresh from {answer.place}{because}"
        case "cache":
            return f"{count} of {answer.place}, kept here {_ago(answer.age or 0.0)}{because}"
        case "file":
            return f"{count} of {answer.place}"
    return (
        f"only the {count} that fedhub knows by itself, most of them without a name: "
        f"no list is kept here{because}"
    )


def _ago(seconds: float) -> str:
    if seconds < 0:
        return "in the future, by this machine's clock"
    for unit, length in (("day", _DAY), ("hour", _HOUR), ("minute", 60)):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "a moment ago"
