"""Makes the keys that sign a hub's ID tokens."""

from __future__ import annotations

from joserfc.jwk import RSAKey

BITS = 3072
"""Of a key: good beyond 2030 (NIST SP 800-57 part 1, section 5.6.3)."""


def new_signing_key() -> str:
    """Return a new RSA private key, as PEM."""
    return RSAKey.generate_key(BITS).as_pem(private=True).decode()
