"""The provider's signing key: one RSA key per start, and a new one when a test rotates it."""

from __future__ import annotations

import secrets
import threading
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

ALGORITHM = "RS256"


class Keys:
    """Signs tokens and publishes the public key.

    The key is made on first use, so that starting does not wait for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: RSAKey | None = None

    def current(self) -> RSAKey:
        """The private key in use."""
        with self._lock:
            if self._current is None:
                self._current = _new_key()
            return self._current

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is no longer published."""
        fresh = _new_key()
        with self._lock:
            self._current = fresh

    def public(self) -> dict[str, Any]:
        """The JSON Web Key Set (RFC 7517 section 5)."""
        return {"keys": [self.current().as_dict(private=False)]}

    def sign(self, claims: dict[str, Any], *, honestly: bool = True, kind: str = "JWT") -> str:
        """A signed JSON Web Token (RFC 7519).

        Args:
            claims: what it says.
            honestly: False signs with another key under the published key's id, for tests.
            kind: the header's `typ`.
        """
        key = self.current()
        header = {"alg": ALGORITHM, "typ": kind, "kid": key.kid}
        return jwt.encode(header, claims, key if honestly else _new_key(), [ALGORITHM])

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of a token signed with the current key, expired or not; else None."""
        try:
            return dict(jwt.decode(token, self.current(), [ALGORITHM]).claims)
        except (ValueError, JoseError):
            return None


def _new_key() -> RSAKey:
    parameters = {"kid": secrets.token_urlsafe(16), "use": "sig", "alg": ALGORITHM}
    return RSAKey.generate_key(2048, parameters, private=True)  # type: ignore[arg-type]  # a TypedDict of more keys
