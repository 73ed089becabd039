"""Which user of this machine is at the other end of a loopback connection.

Whoever can reach the identity provider signs in as anybody. On a machine that several people
use, loopback alone would let each of them into the operator's preview.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED, _LISTEN = "01", "0A"  # include/net/tcp_states.h


def may_enter(peer_port: int, own_port: int) -> bool:
    """Return whether a connection comes from the user this process runs as, or from root.

    Linux tells (proc(5), /proc/net/tcp). Where the table is missing or does not even know our
    own listening socket, nothing can be told, and everybody on this machine may enter.

    Args:
        peer_port: the port at the other end.
        own_port: ours.
    """
    rows = list(_rows())
    for local, remote, state, uid in rows:
        # A socket that its owner has closed is listed as root's: only open ones count.
        if (local, remote, state) == (peer_port, own_port, _ESTABLISHED):
            return uid in (os.geteuid(), 0)
    return not any(local == own_port and state == _LISTEN for local, _, state, _ in rows)


def _rows() -> Iterator[tuple[int, int, str, int]]:
    """Yield local port, remote port, state and owner of each TCP socket."""
    for table in _TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, remote, state, _, _, _, uid, *_ = line.split()
            yield _port(local), _port(remote), state, int(uid)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
