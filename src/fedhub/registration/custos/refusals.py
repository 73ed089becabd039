"""An error of Custos' gateway, and what it means.

`{"code": 16, "message": "…", "details": []}`, with gRPC's codes. Custos says most things with few
of them, so the words decide: a wrong password is an internal error (13), an unknown client an
invalid argument (3), and so is a tenant that was half made.
"""

from __future__ import annotations

import json

import httpx

from fedhub.registration.calls import Server
from fedhub.registration.errors import (
    CredentialsError,
    RegistrationError,
    UncertainError,
    UnknownClientError,
)
from fedhub.registration.refusal import Refusal, printable

UNAUTHENTICATED = "16"
BEFORE_ACTING = (
    "should not be null",
    "error while authorizing",
    "error while validating",
    "duplicate entry",
    "invalid_grant",
)
"""Words after which nothing was done, whatever the status."""


def read_refusal(reply: httpx.Response) -> Refusal | None:
    """The error in an answer; None when it is not one of Custos'."""
    try:
        said = json.loads(reply.text)
    except (ValueError, RecursionError):
        return None
    if reply.is_success or not isinstance(said, dict) or "code" not in said:
        return None
    words = printable(str(said.get("message") or ""))
    return Refusal(reply.status_code, printable(str(said["code"])), words, plain=False)


def error_of(refusal: Refusal, what: str) -> RegistrationError:
    """The error a person is shown.

    Args:
        refusal: what Custos said.
        what: was asked, such as "request the tenant".
    """
    said = f"Custos does not {what}: {refusal.words or f'gRPC code {refusal.code}'}"
    if refusal.says("not_found", "credentials not found", "invalid client_id"):
        return UnknownClientError(said, fix="check the tenant's client id")
    if refusal.code == UNAUTHENTICATED:
        fix = "check whose credentials these are; those of a tenant count once it is active"
        return CredentialsError(said, fix=fix)
    if refusal.says("invalid_grant", "invalid user credentials"):
        return CredentialsError(said, fix="check the user name and the password")
    if refusal.says("error occurred at createtenant") and not refusal.says(*BEFORE_ACTING):
        # Whatever fails after the tenant is kept is called an invalid argument, too.
        fix = "ask Custos' administrators whether there is a tenant now before requesting another"
        return UncertainError(f"{said}, and may have kept a part of it", fix=fix)
    if refusal.says("activation task failed"):
        fix = "the tenant is CANCELLED now; ask Custos' administrators why, and activate it again"
        return RegistrationError(said, fix=fix)
    return RegistrationError(said, fix="change what Custos names, or ask its administrators")


CUSTOS = Server("Custos", read_refusal, error_of, BEFORE_ACTING)
