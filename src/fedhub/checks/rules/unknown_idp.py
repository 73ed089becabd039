"""An entity ID that no identity provider has.

CILogon silently drops identity providers that it does not know, and refuses nobody: the
institution is just missing from the list, or its people are turned away after signing in. The
IDs of social providers start with `http`, whatever their address is today.

Bad:

    hub:
      config:
        JupyterHub: {authenticator_class: cilogon}
        CILogonOAuthenticator:
          idps:
            https://google.com/accounts/o8/id: {}

Good:

    hub:
      config:
        JupyterHub: {authenticator_class: cilogon}
        CILogonOAuthenticator:
          idps:
            http://google.com/accounts/o8/id: {}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fedhub.access.institutions import is_entity_id
from fedhub.checks.entity_ids import KNOWN, SOCIAL_HOSTS
from fedhub.checks.facts import idps
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.checks.spelling import within_edits
from fedhub.hub.addresses import host_of
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "unknown-idp"
SEVERITY: Severity = "error"

_LIST = "look it up with `fedhub idp search`"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each entity ID that is malformed, or almost a known one."""
    for provider in login(hub).providers:
        for idp in idps(hub, provider):
            meant = intended(idp.entity_id)
            if meant == idp.entity_id:
                continue
            yield Problem(
                ID,
                SEVERITY,
                idp.position,
                dotted(idp.path),
                f"no identity provider has the entity ID {idp.entity_id}",
                f"did you mean {meant}?" if meant else f"{_LIST}; it starts with https:// or urn:",
            )


def intended(entity_id: str) -> str:
    """Return the ID that must be meant, the same one if it may be right, "" if unclear."""
    if entity_id in KNOWN:
        return entity_id
    stripped = entity_id.strip().rstrip("/").lower()
    bare = re.sub(r"^https?://", "", stripped)
    for known in KNOWN:
        if re.sub(r"^https?://", "", known.lower()) == bare:
            return known
    host = host_of(entity_id) or bare.split("/")[0]
    if host.lower() in SOCIAL_HOSTS:
        return SOCIAL_HOSTS[host.lower()]
    for known in KNOWN:
        if within_edits(stripped, known, 1):
            return known
    return entity_id if is_entity_id(entity_id) else ""
