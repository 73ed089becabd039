"""Institutions behind CILogon and Custos, as a persona belongs to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_SOCIAL = {
    "http://google.com/accounts/o8/id": ("Google", "gmail.com", "google"),
    "http://github.com/login/oauth/authorize": ("GitHub", "users.noreply.github.com", "github"),
    "http://orcid.org/oauth/authorize": ("ORCID", "orcid.org", "orcid"),
    "http://login.microsoftonline.com/common/oauth2/v2.0/authorize": (
        "Microsoft",
        "outlook.com",
        "microsoft",
    ),
}
"""Entity IDs that are not an institution's own (CILogon's idplist; note `http`)."""

_COUNTRY = 2
"""Letters of a country's top-level domain."""

_SECOND_LEVEL = {"ac", "co", "edu", "gov", "org"}
"""Labels that stand before a country's own, as in `ox.ac.uk`."""


_ENTITY_ID = re.compile(r"(https?://[^\s/]+(/\S*)?|urn:[a-z0-9][a-z0-9-]*:\S+)", re.I)


def is_entity_id(text: str) -> bool:
    """Return whether a text has the form of an entity ID: an address, or a URN."""
    return bool(_ENTITY_ID.fullmatch(text))


@dataclass(frozen=True)
class Institution:
    """An identity provider that people know by name.

    Attributes:
        entity_id: as in CILogon's idplist.
        name: what people call it.
        domain: a domain its addresses end with.
        short: a word for names of personas.
        social: people have addresses of any domain there.
    """

    entity_id: str
    name: str
    domain: str
    short: str
    social: bool = False


def institution(entity_id: str) -> Institution:
    """Return an institution for any entity ID, its domain guessed from the address.

    A realm's own alias of a broker is its name, too.
    """
    if entity_id in _SOCIAL:
        return Institution(entity_id, *_SOCIAL[entity_id], social=True)
    domain = _domain(_host(entity_id).lower())
    if ":" not in entity_id:
        return Institution(entity_id, entity_id, domain, domain.split(".")[0])
    return Institution(entity_id, domain, domain, domain.split(".")[0])


def _host(entity_id: str) -> str:
    without_scheme = re.sub(r"^urn:[^:]*:", "", entity_id)
    try:
        return urlsplit(entity_id).hostname or without_scheme
    except ValueError:  # as "https://[", which a claim may hold
        return without_scheme


def _domain(host: str) -> str:
    """Return the part of a host name that an institution registered, or a made-up one."""
    labels = [label for label in re.split(r"[^a-z0-9-]+", host) if label] or ["idp"]
    match labels:
        case [only]:
            return f"{only}.example"
        case [*_, name, second, country] if len(country) == _COUNTRY and second in _SECOND_LEVEL:
            return f"{name}.{second}.{country}"
        case [*_, name, top]:
            return f"{name}.{top}"
    raise AssertionError(labels)
