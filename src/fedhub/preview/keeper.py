"""Keeps a preview's processes, and takes them and their folder away when the preview ends.

It runs as a process of its own, between `fedhub run` and the hub, so that nothing is left
even when `fedhub run` is killed with SIGKILL: its standard input is a pipe that only
`fedhub run` holds open. First comes one line of JSON, the processes to start; the end of
the pipe means "stop everything".

    {"folder": PATH, "processes": [{"name", "argv", "env", "cwd", "fds"}, …]}

On standard output it writes a line of JSON for each process that ends by itself:
`{"exited": NAME, "code": N}`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
from typing import Any

import psutil

GRACE = 3.0
"""Seconds that processes have after SIGTERM before SIGKILL."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    """Set a property of this process; Linux only, nothing happens elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _adopt_orphans() -> None:
    """Make grandchildren whose parent dies ours, so that stopping finds every one of them.

    Linux only; elsewhere a process that outlives its parent is found through the tree as
    long as that parent lives, which covers the hub and the notebook servers.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _end_with_keeper() -> None:
    """Have a child asked to end should the keeper itself be killed."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _start(process: dict[str, Any]) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        process["argv"],
        env=process["env"],
        cwd=process["cwd"],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,  # what they print is the log; our standard output is the protocol
        stderr=sys.stderr,
        pass_fds=process["fds"],
        start_new_session=True,
        preexec_fn=_end_with_keeper,  # noqa: PLW1509 - the keeper has no threads
    )
    for fd in process["fds"]:
        os.close(fd)  # only the child may hold it, so that its end is seen
    return child


def _descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _stop_everything() -> None:
    """Ask every descendant to end, then make it, until none is left."""
    for process in _descendants():
        with contextlib.suppress(psutil.Error):
            process.terminate()
    psutil.wait_procs(_descendants(), timeout=GRACE)
    while remaining := _descendants():
        for process in remaining:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(remaining, timeout=GRACE)


def _report_exits(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, child in list(children.items()):
        code = child.poll()
        if code is not None:
            del children[name]
            sys.stdout.write(json.dumps({"exited": name, "code": code}) + "\n")
            sys.stdout.flush()


def _wait_for_the_end(children: dict[str, subprocess.Popen[bytes]]) -> None:
    """Return when the pipe closes or SIGTERM arrives."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.buffer, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        _report_exits(children)  # one may have ended before SIGCHLD had a handler
        while True:
            for key, _ in selector.select():
                if key.fd == wake_read:
                    if signal.SIGTERM in os.read(wake_read, 512):
                        return
                    _report_exits(children)
                elif not os.read(key.fd, 65536):
                    return


def main() -> None:
    """Start what the first line asks for; stop and remove everything at the end."""
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: None)
    _adopt_orphans()
    # Unbuffered: a second line, or the end, must stay visible to the selector.
    first_line = bytearray()
    while not first_line.endswith(b"\n"):
        chunk = os.read(sys.stdin.fileno(), 1 << 16)
        if not chunk:
            return
        first_line += chunk
    request = json.loads(first_line)
    try:
        children = {process["name"]: _start(process) for process in request["processes"]}
        _wait_for_the_end(children)
    finally:
        with contextlib.suppress(BrokenPipeError):
            _stop_everything()
        shutil.rmtree(request["folder"], ignore_errors=True)


if __name__ == "__main__":
    main()
