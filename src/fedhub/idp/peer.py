"""Which user of this machine is at the other end of a loopback connection.

Whoever can reach the identity provider signs in as anybody. On a machine that several people
use, loopback alone would let each of them into the operator's preview. Linux tells whose socket
it is: by sock_diag(7), which answers for one socket, else by the tables of proc(5), which list
them all and take a hundred times as long.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

Address = tuple[str, int]

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED, _LISTEN = 0x01, 0x0A  # include/net/tcp_states.h
_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG, include/uapi/linux/netlink.h
_BY_FAMILY, _REQUEST, _ERROR = 20, 1, 2  # SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, NLMSG_ERROR
_NO_COOKIE = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
_ID = 48  # bytes of an inet_diag_sockid
_FIRST = struct.Struct("=BB")  # of inet_diag_msg: family, state; two bytes and the id follow
_UID = _HEADER.size + 4 + _ID + 3 * 4  # after expires, rqueue and wqueue


def may_enter(peer: Address, own: Address) -> bool:
    """Return whether a connection comes from the user this process runs as, or from root.

    Where neither way of asking is there, or the tables do not even know our own listening
    socket, nothing can be told, and everybody on this machine may enter.

    Args:
        peer: address and port at the other end.
        own: ours.
    """
    try:
        found = _ask(peer, own)
    except (OSError, struct.error, AttributeError):  # no Linux, or one that does not tell
        return _may_enter_by_tables(peer[1], own[1])
    return found is not None and _is_ours(*found)


def _is_ours(state: int, uid: int) -> bool:
    # A socket that its owner has closed is listed as root's: only open ones count.
    return state == _ESTABLISHED and uid in (os.geteuid(), 0)


def _ask(local: Address, remote: Address) -> tuple[int, int] | None:
    """Return state and owner of the socket with these ends; None where there is none.

    Raises:
        OSError: the kernel does not answer such questions.
    """
    family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
    source, target = (
        socket.inet_pton(family, host).ljust(16, b"\0") for host, _ in (local, remote)
    )
    ends = struct.pack("!HH", local[1], remote[1]) + source + target
    identity = ends + struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    body = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + identity
    header = _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.settimeout(1)
        kernel.sendto(header + body, (0, 0))
        answer = kernel.recv(4096)
    if _HEADER.unpack_from(answer)[1] == _ERROR:
        (code,) = struct.unpack_from("=i", answer, _HEADER.size)
        if -code == errno.ENOENT:
            return None
        raise OSError(-code, os.strerror(-code))
    _, state = _FIRST.unpack_from(answer, _HEADER.size)
    (uid,) = struct.unpack_from("=I", answer, _UID)
    return state, uid


def _may_enter_by_tables(peer_port: int, own_port: int) -> bool:
    rows = list(_rows())
    for local, remote, state, uid in rows:
        if (local, remote, state) == (peer_port, own_port, _ESTABLISHED):
            return _is_ours(state, uid)
    return not any(local == own_port and state == _LISTEN for local, _, state, _ in rows)


def _rows() -> Iterator[tuple[int, int, int, int]]:
    """Yield local port, remote port, state and owner of each TCP socket."""
    for table in _TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, remote, state, _, _, _, uid, *_ = line.split()
            yield _port(local), _port(remote), int(state, 16), int(uid)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
