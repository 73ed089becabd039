"""A preview's ports: free when it chooses them, and still free when it listens."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fedhub.errors import FedhubError
from fedhub.preview import processes
from fedhub.preview.processes import free_port

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_no_connection_of_the_machines_takes_a_port_away_meanwhile() -> None:
    if not RANGE.exists():
        pytest.skip("this system does not say which ports it gives to connections")
    first, last = map(int, RANGE.read_text().split())
    assert not [port for port in (free_port() for _ in range(50)) if first <= port <= last]


def test_no_port_is_given_out_twice() -> None:
    assert len({free_port() for _ in range(200)}) == 200


def test_a_port_that_somebody_listens_on_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        taken = listening.getsockname()[1]
        with pytest.raises(FedhubError, match=f"port {taken} can't be used here"):
            free_port(taken)
        monkeypatch.setattr(processes, "_PORTS", [taken])
        monkeypatch.setattr(processes, "_TRIES", 1)
        with pytest.raises(FedhubError, match="no port is free"):
            free_port()
    assert free_port(taken) == taken
