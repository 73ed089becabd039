"""PKCE (RFC 7636): what a login begins with, and what proves who began it."""

from __future__ import annotations

import base64
import hashlib
import re

from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes as base64url (RFC 7636 section 4.2)


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def check_challenge(request: Request) -> None:
    """Refuse a request for authorization with another challenge than S256.

    `plain` protects nobody from whom the challenge is not hidden, and may be refused (RFC 7636
    sections 4.4.1 and 7.2). It is what a challenge without a method means.

    Raises:
        InvalidRequestError: the challenge is of another method, or is none.
    """
    if request.code_challenge is not None and (
        request.code_challenge_method != "S256" or not _CHALLENGE.fullmatch(request.code_challenge)
    ):
        raise errors.InvalidRequestError("Send an S256 code_challenge.", request=request)
