"""Certificates for servers on this machine and on the tests' cluster."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def self_signed(folder: Path, *, days: int = 1) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    name = _called("127.0.0.1")
    certificate = _unsigned(name, name, key.public_key(), days).add_extension(
        x509.SubjectAlternativeName([address]), False
    )
    file, key_file = folder / "tls.pem", folder / "tls.key"
    file.write_text(_pem(certificate.sign(key, hashes.SHA256())))
    key_file.write_text(_key_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return context, file


@dataclass(frozen=True)
class Issued:
    """What a server has, as PEM.

    Attributes:
        certificate: its own, and the authority's after it.
        key: of its own.
    """

    certificate: str
    key: str


class Authority:
    """A certificate authority that nobody trusts unless told to.

    Attributes:
        certificate: its own, as PEM.
        fingerprint: of its key, as Chromium's `--ignore-certificate-errors-spki-list` has it.
    """

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _called("An authority of the tests")
        self.certificate = _pem(
            _unsigned(self._name, self._name, self._key.public_key(), 1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
            .sign(self._key, hashes.SHA256())
        )
        self.fingerprint = _fingerprint(self._key.public_key())

    def issue(self, host: str) -> Issued:
        """A certificate for the server of a host."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _unsigned(_called(host), self._name, key.public_key(), 1)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
            .sign(self._key, hashes.SHA256())
        )
        return Issued(_pem(certificate) + self.certificate, _key_pem(key))


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    there = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(hashlib.sha256(there).digest()).decode()
