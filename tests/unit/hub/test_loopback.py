"""What counts as this machine, where secrets and codes may go without TLS."""

from __future__ import annotations

import pytest

from fedhub.hub.addresses import host_of, is_loopback


@pytest.mark.parametrize(
    "address", ["http://localhost:1", "http://a.localhost", "http://127.9.9.9", "http://[::1]:80/"]
)
def test_this_machine(address: str) -> None:
    assert is_loopback(host_of(address))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1.example.org",
        "http://127.example.org",
        "http://localhost.example.org",
        "http://localhost@example.org",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://",
        "http://[::1",
    ],
)
def test_another(address: str) -> None:
    assert not is_loopback(host_of(address))
