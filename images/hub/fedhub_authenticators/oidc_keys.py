"""The keys that sign the hub's ID tokens, and their public halves as applications fetch them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import RSAAlgorithm

ALGORITHM = "RS256"
"""The one that every issuer must have (OpenID Connect Discovery 1.0 section 3)."""

SHORTEST = 2048
"""Bits of a key (RFC 7518 section 3.3)."""


class SigningKeys:
    """The key that signs, and the next one, which applications get to know before it does.

    Args:
        current: an RSA private key, as PEM.
        following: another, or None.

    Raises:
        ValueError: one of them is no such key; nothing of it is in the words.
    """

    def __init__(self, current: str, following: str | None = None) -> None:
        self._current = _private_key(current, "privateKey")
        keys = [self._current]
        if following is not None:
            keys.append(_private_key(following, "nextPrivateKey"))
        self._public = [_public_jwk(key) for key in keys]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return claims as a signed JWT."""
        headers = {"kid": self._public[0]["kid"]}
        return jwt.encode(dict(claims), self._current, ALGORITHM, headers)

    def public(self) -> dict[str, Any]:
        """Return the public halves as a JWK set (RFC 7517 section 5)."""
        return {"keys": self._public}


def _private_key(pem: str, name: str) -> RSAPrivateKey:
    wanted = (
        f"global.fedhub.oidc.{name} must be an RSA private key of {SHORTEST} bits or more, as PEM "
        "without a passphrase; `fedhub secrets generate` makes one"
    )
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, AttributeError):
        raise ValueError(wanted) from None  # the cause could quote the key
    if not isinstance(key, RSAPrivateKey) or key.key_size < SHORTEST:
        raise ValueError(wanted)
    return key


def _public_jwk(key: RSAPrivateKey) -> dict[str, Any]:
    """Return a public key as a JWK that its thumbprint (RFC 7638) names."""
    found = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    needed = {name: found[name] for name in ("e", "kty", "n")}
    text = json.dumps(needed, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).digest()
    kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {**needed, "kid": kid, "use": "sig", "alg": ALGORITHM}
