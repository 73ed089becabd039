"""An error of OA4MP's, in either of its forms, and what it means.

Up to 5.3.4 every error was plain text, two lines with the description URL-encoded and prefixed
with "Error: "; since 5.4 some are JSON. What a code means depends on the call and the form.
"""

from __future__ import annotations

import json
import re
from urllib.parse import unquote_plus

import httpx

from fedhub.registration.errors import (
    CredentialsError,
    QuotaError,
    RegistrationError,
    UnknownClientError,
)
from fedhub.registration.refusal import Refusal, printable

_PLAIN = re.compile(r'error="([^"\n]*)"\s*\nerror_description="([^"\n]*)"\s*(?:\n.*)?', re.DOTALL)
ABOUT_CREDENTIALS = (
    "bad admin client",
    "is not recognized as an admin client",
    "client and secret do not match",
    "authorization method",
    "authorization header",
    "missing secret",
    "this admin client has not been approved",
)
_UNKNOWN = ("no such client", "does not administer")


def read_refusal(reply: httpx.Response) -> Refusal | None:
    """The error in an answer; None when it is not one of OA4MP's."""
    if found := _PLAIN.fullmatch(reply.text):
        words = unquote_plus(found[2]).removeprefix("Error: ")
        return Refusal(reply.status_code, found[1], printable(words), plain=True)
    try:
        said = json.loads(reply.text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not isinstance(said.get("error"), str):
        return None
    words = said.get("error_description") or said.get("description") or ""
    return Refusal(reply.status_code, printable(said["error"]), printable(str(words)), plain=False)


def error_of(refusal: Refusal, what: str) -> RegistrationError:
    """The error a person is shown.

    Args:
        refusal: what the server said.
        what: was asked, such as "create the client".
    """
    said = f"CILogon does not {what}: {refusal.words or refusal.code}"
    if refusal.says("max client count"):
        fix = "delete clients that are not needed, or ask CILogon for a higher quota"
        return QuotaError(said, fix=fix)
    # The same words in JSON are about the client, not about who asks.
    admin_unknown = refusal.plain and refusal.code == "unauthorized_client"
    if admin_unknown or refusal.says(*ABOUT_CREDENTIALS):
        fix = "check the administrative client's id and secret, and that CILogon has approved it"
        return CredentialsError(said, fix=fix)
    if refusal.says("null pointer"):
        # So answers a list, or GET of a client, with a wrong secret.
        fix = "check the administrative client's id and secret, of which CILogon may mean this"
        return CredentialsError(said, fix=fix)
    if refusal.code == "unauthorized_client" or refusal.says(*_UNKNOWN):
        fix = "check the client's id; `list` shows those of this administrative client"
        return UnknownClientError(said, fix=fix)
    if refusal.code == "access_denied":
        fix = "use the administrative client that registered it"
        return RegistrationError(said, fix=fix)
    return RegistrationError(said, fix="change what CILogon names, or ask help@cilogon.org")
