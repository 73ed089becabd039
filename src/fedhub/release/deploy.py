"""Installs or upgrades a hub with helm, which rolls back what does not come up.

helm runs in a session of its own: Ctrl-C reaches it as one request to stop, after which it rolls
back in peace, and so it does when this process is killed.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from fedhub.errors import FedhubError
from fedhub.hub.credentials import masked, secret_strings
from fedhub.hub.values import Hub
from fedhub.release.helm import place, run_helm, started
from fedhub.release.installed import Installed, installed, read, upgrade
from fedhub.release.kubectl import kubectl
from fedhub.release.refusal import refusal
from fedhub.release.target import Release
from fedhub.release.watch import Trouble, Watch

_WAITED = re.compile(
    r"timed out|deadline exceeded|not ready|context canceled|job \S+ failed|BackoffLimitExceeded|"
    r"unable to find a previously successful release",
    re.IGNORECASE,
)
"""What helm says where it was the pods that failed, and not the request."""
_SHOWN = 3
"""Things that did not come up, of which a message tells."""


class NotDeployedError(FedhubError):
    """A hub did not come up.

    Args:
        message: what did not, and what became of the release.
        fix: what to do.
        log: the last lines of what ended.
    """

    def __init__(self, message: str, *, fix: str, log: Sequence[str] = ()) -> None:
        super().__init__(message, fix=fix)
        self.log = tuple(log)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  | {line}" for line in self.log)])


@dataclass(frozen=True)
class Deployed:
    """A hub that came up.

    Attributes:
        release: which release.
        revision: its number.
        notes: what the chart says is left to do; "" where it said the same before.
    """

    release: Release
    revision: int
    notes: str


class Stop:
    """Passes Ctrl-C on to the helms that run, once, and lets no other begin."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.RLock()
        self.wanted = False

    @contextmanager
    def listening(self, say: Callable[[str], None]) -> Iterator[None]:
        """Take SIGINT and SIGTERM until the block ends; for the main thread."""

        def stop(number: int, frame: object) -> None:
            with self._lock:
                first, self.wanted = not self.wanted, True
                for process in self._running:
                    if first:
                        process.send_signal(signal.SIGINT)
                many = len(self._running)
            if many:
                say("Stopping: helm takes back what it has begun; wait for it" if first else "Wait")

        before = [signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)]
        try:
            yield
        finally:
            for one, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
                signal.signal(one, handler)

    @contextmanager
    def knows(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """Have a helm stopped with the others."""
        with self._lock:
            self._running.add(process)
            if self.wanted:
                process.send_signal(signal.SIGINT)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)


def deploy(
    hub: Hub, release: Release, *, timeout: str, tell: Callable[[str], None], stop: Stop
) -> Deployed:
    """Install or upgrade a hub, and wait until all its pods are ready.

    Args:
        hub: its values, which are fine.
        release: where.
        timeout: how long helm waits, as helm has it, such as `5m`.
        tell: told how far its pods are.
        stop: passes Ctrl-C on.

    Raises:
        NotDeployedError: it did not come up; helm took back what it did.
        FedhubError: helm, the chart or the cluster refuse it; nothing changed.
    """
    if stop.wanted:
        raise FedhubError(f"{release} was not begun", fix="deploy it again")
    before = installed(hub, release)
    command = [*upgrade(release), "--wait", "--timeout", timeout, _roll_back(), "--cleanup-on-fail"]
    if before is None and _lacks_namespace(release):
        command.append("--create-namespace")
    watch = Watch(release, tell)
    with (
        watch.following(),
        started([*command, *place(release)], hub, own_session=True) as process,
        stop.knows(process),
    ):
        out, errors = process.communicate()
    if process.returncode != 0:
        raise _why(hub, release, before, errors, watch.troubles, stopped=stop.wanted)
    # One that was asked to stop too late says so before its JSON.
    now = read(out[out.find("{") :])
    return Deployed(
        release, now.revision, "" if before and before.notes == now.notes else now.notes
    )


def _roll_back() -> str:
    """Return the option by which this helm takes back what fails."""
    version = run_helm(["version", "--short"]).stdout
    return "--atomic" if version.startswith("v3") else "--rollback-on-failure"


def _lacks_namespace(release: Release) -> bool:
    """Whether a namespace is to be made; who may not make one is not to try where there is one."""
    asked = ("get", "namespace", release.namespace, "--ignore-not-found", "--output", "name")
    return kubectl(release, *asked) == "" or shutil.which("kubectl") is None


def _why(
    hub: Hub,
    release: Release,
    before: Installed | None,
    errors: str,
    troubles: Sequence[Trouble],
    *,
    stopped: bool,
) -> FedhubError:
    """Return why it was not deployed, and what there is now."""
    refused = refusal(errors, hub, release)
    if not stopped and not _WAITED.search(errors):
        return refused
    state = _state(hub, release, before)
    secrets = secret_strings(hub)
    if stopped:
        return NotDeployedError(f"{release} was stopped; {state}", fix="deploy it again")
    if not troubles:
        return NotDeployedError(
            f"{release} did not come up in time, and no pod says why; {state}",
            fix="give it more time with --timeout, or see its pods' logs and events",
        )
    said = "; ".join(masked(str(one), secrets) for one in troubles[:_SHOWN])
    more = f"; and {len(troubles) - _SHOWN} more" if len(troubles) > _SHOWN else ""
    log = next((one.log for one in troubles if one.log), ())
    return NotDeployedError(
        f"{release} did not come up: {said}{more}; {state}",
        fix="mend what it names, and deploy again",
        log=[masked(line, secrets) for line in log],
    )


def _state(hub: Hub, release: Release, before: Installed | None) -> str:
    """Return what there is of a release now, in words."""
    try:
        now = installed(hub, release)
    except FedhubError:
        return "what became of it can't be told: the cluster does not answer"
    if now is None:
        return "it was taken away again, since nothing was installed before"
    if now.status != "deployed":
        return f"its revision {now.revision} is {now.status}"
    if before is None or now.revision == before.revision:
        return f"revision {now.revision} runs"
    return f"what was installed before runs again, as revision {now.revision}"
