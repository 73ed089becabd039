"""The institutions that fedhub knows without asking: entity IDs alone, no names."""

from __future__ import annotations

from fedhub.access.institutions import institution
from fedhub.checks.entity_ids import KNOWN, SOCIAL
from fedhub.idplist.entries import Entry, entry


def bundled() -> list[Entry]:
    """Return them; what is no social provider is called by its domain."""
    return [_entry(entity_id) for entity_id in KNOWN]


def _entry(entity_id: str) -> Entry:
    if entity_id in SOCIAL:
        return entry(entity_id, SOCIAL[entity_id], SOCIAL[entity_id], rands=False)
    name = institution(entity_id).name
    return entry(entity_id, name, name, rands=None)
