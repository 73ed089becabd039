"""An error of Keycloak's, and what it means.

Client registration and the token endpoint answer `{"error", "error_description"}`, the admin REST
API `{"error": "HTTP 403 Forbidden"}`.
"""

from __future__ import annotations

import json

import httpx

from fedhub.registration.calls import Server
from fedhub.registration.errors import (
    CredentialsError,
    RegistrationError,
    UnknownClientError,
)
from fedhub.registration.refusal import Refusal, printable

ROLE = "manage-clients"


def read_refusal(reply: httpx.Response) -> Refusal | None:
    """The error in an answer; None when it is not one of Keycloak's."""
    try:
        said = json.loads(reply.text)
    except (ValueError, RecursionError):
        return None
    if reply.is_success or not isinstance(said, dict) or not isinstance(said.get("error"), str):
        return None
    code = printable(said["error"])
    words = printable(str(said.get("error_description") or code))
    return Refusal(reply.status_code, code, words, plain=False)


def error_of(refusal: Refusal, what: str) -> RegistrationError:
    """The error a person is shown.

    Args:
        refusal: what Keycloak said.
        what: was asked, such as "create the client".
    """
    kind, fix = _meaning(refusal)
    return kind(f"Keycloak does not {what}: {refusal.words}", fix=fix)


def _meaning(refusal: Refusal) -> tuple[type[RegistrationError], str]:
    meanings = (
        (
            refusal.says("realm does not exist", "realm not found"),
            RegistrationError,
            "check the realm's name and Keycloak's address",
        ),
        (
            refusal.status == httpx.codes.NOT_FOUND,
            UnknownClientError,
            "check the client's id; `list` shows those of the realm",
        ),
        (
            refusal.says("not enabled to retrieve service account"),
            CredentialsError,
            "turn on `Service accounts roles` of the administrative client",
        ),
        (
            refusal.status == httpx.codes.UNAUTHORIZED,
            CredentialsError,
            "check the administrative client's id and secret",
        ),
        (
            refusal.says("policy '"),
            RegistrationError,
            "change what it names, or the realm's client registration policies",
        ),
        (
            refusal.status == httpx.codes.FORBIDDEN,
            CredentialsError,
            f"give the administrative client's service account the role {ROLE} of realm-management",
        ),
    )
    found = ((kind, fix) for applies, kind, fix in meanings if applies)
    return next(found, (RegistrationError, "change what Keycloak names"))


KEYCLOAK = Server("Keycloak", read_refusal, error_of)
