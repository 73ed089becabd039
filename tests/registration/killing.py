"""Runs `fedhub register` and kills it with SIGKILL at its n-th step.

A step is anything that the world sees: a file that is put in place or removed, a program that is
started, a request before it is sent and after it was answered. Reads from standard input lines
of JSON, `[n, folder, arguments]`, and writes for each how it ended: `killed`, or the exit code.
Each runs in a fork of this process, which has all modules loaded.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from typing import Any

import httpx

from fedhub.cli import main as command_line
from fedhub.registration import admin_credentials, command, create, delete, rotate, text, update
from fedhub.registration.tenants import activate, request
from fedhub.registration.tenants import command as tenants

LOADED = (admin_credentials, command, create, delete, rotate, text, update)
TENANTS_LOADED = (activate, request, tenants)
SEEN = {"os.rename", "os.link", "os.remove", "subprocess.Popen"}


class Steps:
    """Counts steps, and kills at one of them."""

    def __init__(self, last: int) -> None:
        self.left = last

    def count(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in SEEN:
            self.count()

    def send(self, transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        self.count()
        reply = SEND(transport, request)
        reply.read()
        self.count()
        return reply


SEND = httpx.HTTPTransport.handle_request


def run(last: int, folder: str, arguments: list[str]) -> None:
    """Run the command, in a process of its own."""
    steps = Steps(last)
    os.chdir(folder)
    sys.argv = ["fedhub", "register", *arguments]
    sys.stdin = io.StringIO()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)

    def send(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return steps.send(transport, request)

    httpx.HTTPTransport.handle_request = send  # type: ignore[method-assign]
    sys.addaudithook(steps.audit)
    try:
        command_line.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    for line in sys.stdin:
        last, folder, arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            run(last, folder, arguments)
        _, status = os.waitpid(child, 0)
        ended: Any = "killed" if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)
        sys.stdout.write(f"{json.dumps(ended)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
