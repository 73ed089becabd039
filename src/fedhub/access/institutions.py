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

_SECOND_LEVEL = {"ac", "co", "edu", "gov", "org"}
"""Labels that stand before a country's own, as in `ox.ac.uk`."""


@dataclass(frozen=True)
class Institution:
    """An identity provider that people know by name.

    Attributes:
        entity_id: as in CILogon's idplist.
        name: what people call it.
        domain: a domain its addresses end with.
        short: a word for names of personas.
    """

    entity_id: str
    name: str
    domain: str
    short: str


def institution(entity_id: str) -> Institution:
    """Return an institution for any entity ID, its domain guessed from the address."""
    if entity_id in _SOCIAL:
        return Institution(entity_id, *_SOCIAL[entity_id])
    host = urlsplit(entity_id).hostname or re.sub(r"^urn:[^:]*:", "", entity_id)
    labels = [label for label in re.split(r"[^a-z0-9-]+", host.lower()) if label]
    keep = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    domain = ".".join(labels[-keep:]) if len(labels) > 1 else f"{(labels or ['idp'])[0]}.example"
    return Institution(entity_id, domain, domain, domain.split(".")[0])
