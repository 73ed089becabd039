"""Follows the pods of a release while helm waits for them, and remembers why one did not start.

helm says only that its time is over, and after it rolled back the pods that failed are gone. So
they are looked at meanwhile.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from fedhub.release.kubectl import kubectl
from fedhub.release.pods import Stuck, is_leaving, is_ready, name_of, state_of, stuck
from fedhub.release.target import Release

_EVERY = 2.0  # seconds between two looks
_TAIL = 12  # lines of a log
_LEFT_ALONE = "component notin (singleuser-server,user-placeholder)"
"""z2jh's labels of people's servers, and of those that wait for a place for them."""
_WORKLOADS = {"Pod", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"}
_UNHEALTHY = "Unhealthy"
_TOLD_BY_PODS = {"BackOff", "Failed", "FailedScheduling"}
"""Reasons of events that pods themselves say better."""


@dataclass(frozen=True)
class Trouble:
    """Why something of a release did not come up.

    Attributes:
        what: the pod, or whatever else it is.
        reason: such as `ImagePullBackOff`.
        message: in words.
        log: the last lines of a container that ended.
    """

    what: str
    reason: str
    message: str
    log: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = f": {' '.join(self.message.split())}" if self.message else ""
        return f"{self.what}: {self.reason}{said}"


class Watch:
    """What is seen of a release.

    Args:
        release: which.
        tell: told in a line how far its pods are, at each look.
    """

    def __init__(self, release: Release, tell: Callable[[str], None]) -> None:
        self._release = release
        self._tell = tell
        self._found: dict[str, Trouble | None] = {}
        self._logs: dict[tuple[str, str, int], tuple[str, ...]] = {}
        self._old: set[str] = set()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Look again and again until the block ends, and once more then."""
        self._old = set()
        jobs = [one for one in self._pods() if _is_of_job(one)]
        self._old = {one["metadata"]["uid"] for one in (*self._warnings(), *jobs)}
        over = threading.Event()
        thread = threading.Thread(target=self._follow, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @property
    def troubles(self) -> list[Trouble]:
        """What did not come up, as it was when it was last seen."""
        return [one for one in self._found.values() if one is not None]

    def _follow(self, over: threading.Event) -> None:
        while not over.wait(_EVERY):
            self._look()
        self._look()

    def _look(self) -> None:
        seen = self._pods()
        for pod in seen:
            self._found[f"pod {name_of(pod)}"] = self._trouble(pod)
        if not all(map(is_ready, seen)) or not seen:
            for event in self._warnings():
                self._note(event)
        self._tell(", ".join(f"{_short(pod)} {state_of(pod)}" for pod in seen))

    def _trouble(self, pod: Mapping[str, Any]) -> Trouble | None:
        what, found = f"pod {name_of(pod)}", stuck(pod)
        if found is not None:
            log = self._last_log(pod, found) if found.has_log else ()
            return Trouble(what, found.reason, found.message, log)
        before = self._found.get(what)
        if is_ready(pod) or before is None:
            return None
        # What was said holds until it is ready: a volume that is not there, or how it ended before
        # it was started again.
        if before.reason == _UNHEALTHY:
            return replace(before, log=self._log(name_of(pod)))
        return before

    def _last_log(self, pod: Mapping[str, Any], found: Stuck) -> tuple[str, ...]:
        key = (name_of(pod), found.container, found.restarts)
        if not self._logs.get(key):
            options = ["--container", found.container]
            before = ["--previous"] if found.ended_before else []
            self._logs[key] = self._log(name_of(pod), *options, *before)
        return self._logs[key]

    def _note(self, event: Mapping[str, Any]) -> None:
        """Take up an event that is new, of something that has said nothing itself.

        Of several with one reason the last counts: a volume's first may only say that something
        took too long.
        """
        about, reason = event.get("involvedObject", {}), event.get("reason", "")
        kind, name = about.get("kind", ""), about.get("name", "")
        what = f"{kind.lower()} {name}"
        ours = what in self._found or kind != "Pod"
        if kind not in _WORKLOADS or not ours or reason in _TOLD_BY_PODS:
            return
        if event["metadata"]["uid"] in self._old:
            return
        before, message = self._found.get(what), event.get("message", "")
        if before is None:
            self._found[what] = Trouble(what, reason, message)
        elif before.reason == reason:
            self._found[what] = replace(before, message=message)

    def _pods(self) -> list[Mapping[str, Any]]:
        selector = f"app.kubernetes.io/instance={self._release.name},{_LEFT_ALONE}"
        found = self._items("pods", "--selector", selector)
        return [
            one for one in found if not is_leaving(one) and one["metadata"]["uid"] not in self._old
        ]

    def _warnings(self) -> list[Mapping[str, Any]]:
        return self._items("events", "--field-selector", "type=Warning")

    def _items(self, *what: str) -> list[Mapping[str, Any]]:
        said = kubectl(self._release, "get", *what, "--output", "json")
        try:
            return list(json.loads(said or "{}").get("items", []))
        except ValueError:
            return []

    def _log(self, pod: str, *options: str) -> tuple[str, ...]:
        said = kubectl(self._release, "logs", pod, "--tail", str(_TAIL), *options)
        return tuple(line.rstrip() for line in (said or "").splitlines() if line.strip())


def _short(pod: Mapping[str, Any]) -> str:
    labels = pod["metadata"].get("labels", {})
    return str(labels.get("component") or labels.get("app.kubernetes.io/component") or name_of(pod))


def _is_of_job(pod: Mapping[str, Any]) -> bool:
    owners = pod["metadata"].get("ownerReferences", [])
    return any(one.get("kind") == "Job" for one in owners)
