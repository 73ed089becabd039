"""Who asks: the administrative client's id and secret in the bearer."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_plus

from fedhub.idp.oa4mp.registry import AdminClient, Registry
from fedhub.idp.state import same_secret

ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


class NoCredentialsError(Exception):
    """The header is missing or can't be read (Java's IllegalArgumentException)."""


class UnknownAdminError(Exception):
    """There is no such administrative client."""


class UnapprovedAdminError(Exception):
    """It has not been approved."""


class WrongSecretError(Exception):
    """The secret is missing or wrong."""


def admin_of(authorization: str, registry: Registry) -> AdminClient:
    """The administrative client that sent this header.

    Raises:
        NoCredentialsError, UnknownAdminError, UnapprovedAdminError, WrongSecretError: with the
            words of OA4MP, in this order.
    """
    client_id, secret = _pair(authorization)
    admin = registry.admin(client_id)
    if admin is None:
        words = f'the given id of "{client_id}" is not recognized as an admin client.'
        raise UnknownAdminError(words)
    if not secret:
        raise WrongSecretError("missing secret.")
    if not admin.approved:
        raise UnapprovedAdminError("this admin client has not been approved.")
    if not same_secret(secret, admin.client_secret):
        raise WrongSecretError("client and secret do not match")
    return admin


def _pair(authorization: str) -> tuple[str, str]:
    """Id and secret: base64, plain or safe for URLs, split at the last colon, URL-decoded.

    Raises:
        NoCredentialsError: there are none.
    """
    kind, _, value = authorization.partition(" ")
    if kind != "Bearer":  # in lower case it is not recognized
        raise NoCredentialsError("Missing/unknown authorization method.")
    malformed = NoCredentialsError("the authorization header is not in the right format")
    try:
        padded = value.strip().rstrip("=").translate({45: "+", 95: "/"})
        text = base64.b64decode(padded + "=" * (-len(padded) % 4)).decode()
    except (binascii.Error, ValueError):
        raise malformed from None
    client_id, colon, secret = text.rpartition(":")
    if not colon:
        raise malformed
    if ESCAPE.search(text):
        raise NoCredentialsError("URLDecoder: Incomplete trailing escape (%) pattern")
    return unquote_plus(client_id), unquote_plus(secret)
