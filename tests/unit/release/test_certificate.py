"""The certificate of a hub, at a real TLS server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fedhub.idp.server import IdentityProvider
from fedhub.release.probes import certificate
from tests.certificates import self_signed


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server whose certificate is good for about 30 days."""
    context, file = self_signed(tmp_path, days=30)
    with IdentityProvider(ssl_context=context) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        yield server.url


def test_days_are_counted(home: str) -> None:
    found = certificate(home)
    assert found.state == "ok"
    assert found.detail.startswith("29 days left, until ")


@pytest.mark.parametrize(("days", "state"), [(14, "ok"), (17, "failed"), (40, "failed")])
def test_one_that_should_have_been_renewed(home: str, days: int, state: str) -> None:
    later = datetime.now(UTC) + timedelta(days=days)
    assert certificate(home, now=later).state == state


def test_one_that_nobody_trusts(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    found = certificate(home)
    assert found.state == "failed"
    assert found.detail == "not trusted: self-signed certificate"


def test_no_tls_at_all() -> None:
    with IdentityProvider() as server:
        found = certificate(server.url.replace("http:", "https:"))
    assert found.state == "failed"
    assert found.detail.startswith("no TLS")
