"""Makes the keys that sign a hub's ID tokens."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

BITS = 3072
"""Of a key: good beyond 2030 (NIST SP 800-57 part 1, section 5.6.3)."""


def new_signing_key() -> str:
    """Return a new RSA private key, as PEM."""
    key = generate_private_key(public_exponent=65537, key_size=BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()
