"""The provider's signing key: one RSA key per start, and a new one when a test rotates it."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

ALGORITHM = "RS256"
Forgery = Literal["bad-signature", "unknown-kid", "alg-none", "hs256"]
"""How a token is signed that nobody may believe: the faults of these names."""


class Keys:
    """Signs tokens and publishes the public key.

    The key is made on first use, so that starting does not wait for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: RSAKey | None = None
        self._stranger: RSAKey | None = None

    def current(self) -> RSAKey:
        """The private key in use."""
        with self._lock:
            if self._current is None:
                self._current = _new_key()
            return self._current

    def stranger(self) -> RSAKey:
        """A key that is never published."""
        with self._lock:
            if self._stranger is None:
                self._stranger = _new_key()
            return self._stranger

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is no longer published."""
        fresh = _new_key()
        with self._lock:
            self._current = fresh

    def public(self) -> dict[str, Any]:
        """The JSON Web Key Set (RFC 7517 section 5)."""
        return {"keys": [self.current().as_dict(private=False)]}

    def sign(
        self, claims: dict[str, Any], *, kind: str = "JWT", forged: Forgery | None = None
    ) -> str:
        """A signed JSON Web Token (RFC 7519).

        Args:
            claims: what it says.
            kind: the header's `typ`.
            forged: sign it as an attacker would.
        """
        key = self.current()
        header = {"alg": ALGORITHM, "typ": kind, "kid": key.kid}
        if forged in ("alg-none", "hs256"):
            return _unsafe(header, claims, key if forged == "hs256" else None)
        if forged == "unknown-kid":
            header["kid"] = self.stranger().kid
        signer = self.stranger() if forged else key
        return jwt.encode(header, claims, signer, [ALGORITHM])

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of a token signed with the current key, expired or not; else None."""
        try:
            return dict(jwt.decode(token, self.current(), [ALGORITHM]).claims)
        except (ValueError, JoseError):
            return None


def _unsafe(header: dict[str, Any], claims: dict[str, Any], public: RSAKey | None) -> str:
    """A token without a signature, or one for verifiers that take a public key for a secret.

    RFC 8725 section 2.1 tells of both attacks. No library makes such tokens any more.
    """
    header = header | {"alg": "HS256" if public else "none"}
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    if public is None:
        return f"{signed}."
    secret = public.as_pem(private=False)
    return f"{signed}.{_encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _new_key() -> RSAKey:
    parameters = {"kid": secrets.token_urlsafe(16), "use": "sig", "alg": ALGORITHM}
    return RSAKey.generate_key(2048, parameters, private=True)  # type: ignore[arg-type]  # a TypedDict of more keys
