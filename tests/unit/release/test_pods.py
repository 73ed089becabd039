"""What is told of a pod that does not come up, and of one that only takes its time."""

from __future__ import annotations

from typing import Any

import pytest

from fedhub.release.pods import state_of, stuck

PULL = 'Back-off pulling image "quay.io/a/b:c": not found'


def pod(container: dict[str, Any], *, init: bool = False, **status: Any) -> dict[str, Any]:
    key = "initContainerStatuses" if init else "containerStatuses"
    return {
        "metadata": {"name": "hub-1"},
        "status": {"phase": "Pending", key: [{"name": "hub", **container}], **status},
    }


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason, "message": message}}, **more}


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason}}


UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: 1 Insufficient memory.",
}
CRASHING = waiting("CrashLoopBackOff", "back-off 20s", lastState=ended(1), restartCount=2)
KILLED = waiting("CrashLoopBackOff", lastState=ended(137, "OOMKilled"), restartCount=1)


@pytest.mark.parametrize(
    ("given", "reason", "message", "log", "before"),
    [
        (pod(waiting("ImagePullBackOff", PULL)), "ImagePullBackOff", PULL, False, False),
        (pod(waiting("ErrImagePull", PULL), init=True), "ErrImagePull", PULL, False, False),
        (
            pod(waiting("CreateContainerConfigError", 'secret "x" not found')),
            "CreateContainerConfigError",
            'secret "x" not found',
            False,
            False,
        ),
        (pod(CRASHING), "CrashLoopBackOff", "it ended with exit code 1", True, True),
        (pod(KILLED), "CrashLoopBackOff", "it ended with exit code 137 (OOMKilled)", True, True),
        (pod({"state": ended(2)}), "Error", "it ended with exit code 2", True, False),
        (
            pod({"state": {}}, conditions=[UNSCHEDULABLE]),
            "Unschedulable",
            UNSCHEDULABLE["message"],
            False,
            False,
        ),
    ],
)
def test_a_pod_that_does_not_go_on(
    given: dict[str, Any], reason: str, message: str, log: bool, before: bool
) -> None:
    found = stuck(given)
    assert found is not None
    assert (found.reason, found.message) == (reason, message)
    assert (found.has_log, found.ended_before) == (log, before)
    assert state_of(given) == reason


READY = {"type": "Ready", "status": "True"}


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (pod(waiting("ContainerCreating")), "starting"),
        (pod(waiting("PodInitializing")), "starting"),
        (pod({"state": {"running": {}}}, phase="Running"), "not ready yet"),
        (pod({"state": {"running": {}}}, phase="Running", conditions=[READY]), "ready"),
        (pod({"state": ended(0, "Completed")}, phase="Succeeded"), "ready"),
        (pod(CRASHING, conditions=[READY]), "ready"),
        ({"metadata": {"name": "new"}}, "starting"),
    ],
)
def test_a_pod_that_takes_its_time(given: dict[str, Any], state: str) -> None:
    assert stuck(given) is None
    assert state_of(given) == state
