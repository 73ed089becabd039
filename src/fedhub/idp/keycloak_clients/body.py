"""What a request says, read as Keycloak reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fedhub.idp.keycloak_clients.refusals import RefusedError
from fedhub.idp.keycloak_clients.representation import (
    DEFAULT_SCOPES,
    FIELDS,
    FLAGS,
    LISTS,
    OPTIONAL_SCOPES,
    TEXTS,
    scopes_of,
)

BAD_SCHEMES = frozenset({"javascript", "data", "vbscript"})
LONGEST = 255
"""Characters of a text in Keycloak's database."""


def parse(text: bytes) -> dict[str, Any]:
    """The fields that were sent.

    Raises:
        RefusedError: they are not those of a client.
    """
    if not text:
        raise broken()
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise RefusedError(400, "invalid_request", "Cannot parse the JSON") from None
    if not isinstance(said, dict) or not _has_types(said):
        raise RefusedError(400, "unknown_error", "Cannot parse the JSON")
    for name in said:
        if name not in FIELDS:
            words = (
                f'Invalid json representation for ClientRepresentation. Unrecognized field "{name}"'
            )
            raise RefusedError(400, f"{words} at line 1 column {text.find(name.encode()) + 1}.")
    if any(len(said.get(name) or "") > LONGEST for name in TEXTS):
        raise broken()
    _check_addresses(said)
    return said


def check_scopes(said: Mapping[str, Any], client: Mapping[str, Any]) -> None:
    """Whether the realm offers the scopes, or the client has them.

    Raises:
        RefusedError: a policy of the realm's says no.
    """
    offered = {*DEFAULT_SCOPES, *OPTIONAL_SCOPES} | scopes_of(client)
    if not scopes_of({n: v or () for n, v in said.items()}) <= offered:
        raise RefusedError(
            403,
            "insufficient_scope",
            "Policy 'Allowed Client Scopes' rejected request to client-registration service. "
            "Details: Not permitted to use specified clientScope",
        )


def broken() -> RefusedError:
    """What Keycloak says where an exception of Java's ends in its hands."""
    words = "For more on this error consult the server log."
    return RefusedError(500, "unknown_error", words)


def _has_types(said: Mapping[str, Any]) -> bool:
    given = {name: value for name, value in said.items() if value is not None}
    lists = (given[name] for name in LISTS if name in given)
    attributes = given.get("attributes", {})
    return (
        all(isinstance(given.get(name, ""), str) for name in ("clientId", *TEXTS))
        and all(isinstance(given.get(name, False), bool) for name in FLAGS)
        and all(isinstance(one, list) and all(isinstance(t, str) for t in one) for one in lists)
        and isinstance(attributes, dict)
        and all(isinstance(value, str | None) for value in attributes.values())
    )


def _check_addresses(said: Mapping[str, Any]) -> None:
    for uri in said.get("redirectUris") or ():
        if "#" in uri:
            words = "A redirect URI must not contain an URL fragment"
            raise RefusedError(400, "invalid_redirect_uri", words)
        if _scheme(uri) in BAD_SCHEMES:
            words = "A redirect URI uses an illegal scheme"
            raise RefusedError(400, "invalid_redirect_uri", words)
    if _scheme(said.get("baseUrl") or "") in BAD_SCHEMES:
        words = "Base URL uses an illegal scheme"
        raise RefusedError(400, "invalid_client_metadata", words)


def _scheme(address: str) -> str:
    try:
        return urlsplit(address).scheme
    except ValueError:
        return ""
