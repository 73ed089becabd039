"""A preview's identity provider answers the user it runs as, and nobody else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from fedhub.idp import peer
from fedhub.idp.server import IdentityProvider

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"
NOBODY = 65534


def test_our_own_user_is_answered() -> None:
    with IdentityProvider(own_user_only=True) as idp:
        assert httpx.get(f"{idp.url}/idplist/", trust_env=False).status_code == 200


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux can be another user"
)
def test_another_user_of_the_machine_is_refused() -> None:
    def as_nobody(idp: IdentityProvider) -> str:
        # The interpreter of a virtual environment may be out of that user's reach.
        done = subprocess.run(
            ["/usr/bin/python3", "-c", ASK, f"{idp.url}/idplist/"],
            check=False,
            capture_output=True,
            text=True,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin"},
            cwd="/",
        )
        return done.stderr

    with IdentityProvider(own_user_only=True) as idp:
        assert "403" in as_nobody(idp)
    with IdentityProvider() as idp:
        assert as_nobody(idp) == ""


@contextmanager
def connection(host: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection, ours first; the listening socket stays open."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server((host, 0), family=family))
        visitor = stack.enter_context(socket.create_connection(listening.getsockname()[:2]))
        accepted, _ = listening.accept()
        yield stack.enter_context(accepted), visitor


@pytest.fixture(params=["sock_diag", "tables"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the kernel is asked."""

    def is_not_there(*_: object) -> None:
        raise PermissionError

    if request.param == "tables":
        monkeypatch.setattr(peer, "_ask", is_not_there)
    else:
        monkeypatch.setattr(peer, "_TABLES", ())
    return str(request.param)


@LINUX
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_our_own_end_is_found_and_no_other(host: str) -> None:
    with connection(host) as (ours, visitor):
        own, theirs = ours.getsockname()[:2], visitor.getsockname()[:2]
        assert peer.may_enter(theirs, own)
        assert not peer.may_enter((host, 1), own), "nobody is there"
        with connection(host) as (_, other):
            assert not peer.may_enter(other.getsockname()[:2], own), "somebody else's connection"


@LINUX
@pytest.mark.usefixtures("way")
def test_who_has_hung_up_is_nobody() -> None:
    with connection("127.0.0.1") as (ours, visitor):
        theirs = visitor.getsockname()
        visitor.close()
        assert not peer.may_enter(theirs, ours.getsockname())


@LINUX
@pytest.mark.usefixtures("way")
def test_another_users_connection_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with connection("127.0.0.1") as (ours, visitor):
        ends = visitor.getsockname(), ours.getsockname()
        uid = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
        assert peer.may_enter(*ends) is (uid == 0), "root may always"


def test_where_nothing_can_be_told_everybody_may_enter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(socket, "AF_NETLINK", raising=False)
    monkeypatch.setattr(peer, "_TABLES", (tmp_path / "tcp",))
    assert peer.may_enter(("127.0.0.1", 1), ("127.0.0.1", 2))
