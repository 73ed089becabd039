"""What a pod says of itself: how far it is, and why it does not go on.

Reasons are the kubelet's and the scheduler's (Kubernetes, `pkg/kubelet/container`,
`pkg/kubelet/images`): those of a pod that is only being started are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_STARTING = {"ContainerCreating", "PodInitializing", ""}


@dataclass(frozen=True)
class Stuck:
    """Why a container does not go on.

    Attributes:
        container: its name; "" where it is the pod itself.
        reason: such as `ImagePullBackOff`.
        message: in words.
        restarts: how often it was started again.
        has_log: whether it ran, and may have said why.
        ended_before: whether what it said is that of its run before.
    """

    container: str
    reason: str
    message: str = ""
    restarts: int = 0
    has_log: bool = False
    ended_before: bool = False


def name_of(pod: Mapping[str, Any]) -> str:
    """Return a pod's name."""
    return str(pod["metadata"]["name"])


def is_leaving(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod is being taken away."""
    return "deletionTimestamp" in pod["metadata"]


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod does its work, or has done it."""
    status = pod.get("status", {})
    ready = {"type": "Ready", "status": "True"}.items()
    return status.get("phase") == "Succeeded" or any(
        ready <= one.items() for one in status.get("conditions", [])
    )


def state_of(pod: Mapping[str, Any]) -> str:
    """Return how far a pod is, in a word or two."""
    if is_ready(pod):
        return "ready"
    found = stuck(pod)
    if found is not None:
        return found.reason
    return "not ready yet" if pod.get("status", {}).get("phase") == "Running" else "starting"


def stuck(pod: Mapping[str, Any]) -> Stuck | None:
    """Return why a pod does not go on; None where it may still."""
    if is_ready(pod):
        return None
    status = pod.get("status", {})
    for one in status.get("conditions", []):
        if one.get("type") == "PodScheduled" and one.get("reason") == "Unschedulable":
            return Stuck("", "Unschedulable", one.get("message", ""))
    return next((found for one in _containers(status) if (found := _stuck(one))), None)


def _containers(status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from status.get("initContainerStatuses", [])
    yield from status.get("containerStatuses", [])


def _stuck(container: Mapping[str, Any]) -> Stuck | None:
    name, restarts = container["name"], container.get("restartCount", 0)
    state = container.get("state", {})
    if waiting := state.get("waiting"):
        reason, message = waiting.get("reason", ""), waiting.get("message", "")
        if reason in _STARTING:
            return None
        ended = container.get("lastState", {}).get("terminated")
        if ended:
            message = _how_it_ended(ended)
        return Stuck(name, reason, message, restarts, has_log=bool(ended), ended_before=bool(ended))
    ended = state.get("terminated")
    if ended and ended.get("exitCode"):
        return Stuck(
            name, ended.get("reason", "Error"), _how_it_ended(ended), restarts, has_log=True
        )
    return None


def _how_it_ended(ended: Mapping[str, Any]) -> str:
    reason = ended.get("reason", "")
    said = f" ({reason})" if reason not in ("", "Error", "Completed") else ""
    return f"it ended with exit code {ended.get('exitCode')}{said}"
