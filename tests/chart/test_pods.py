"""The check of pods finds what is wrong with one, each alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.chart.pods import against_restricted, pod_of

GOOD: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "volumes": [{"name": "here", "emptyDir": {}}],
    "containers": [
        {
            "name": "one",
            "image": "example.org:5000/one:1.0",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
}


def test_a_good_pod_is_good() -> None:
    assert against_restricted(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("hostNetwork",), True, "hostNetwork"),
        (("automountServiceAccountToken",), True, "service account"),
        (("securityContext", "runAsNonRoot"), False, "may run as root"),
        (("securityContext", "runAsUser"), 0, "runs as root"),
        (("securityContext", "seccompProfile"), {}, "seccomp"),
        (("volumes", 0), {"name": "here", "hostPath": {"path": "/"}}, "hostPath"),
        (("containers", 0, "image"), "example.org:5000/one", "no tag"),
        (("containers", 0, "image"), "one:latest", "latest"),
        (("containers", 0, "ports"), [{"hostPort": 80}], "port of the host"),
        (("containers", 0, "securityContext", "privileged"), True, "privileged"),
        (("containers", 0, "securityContext", "allowPrivilegeEscalation"), True, "escalate"),
        (("containers", 0, "securityContext", "readOnlyRootFilesystem"), False, "root file system"),
        (("containers", 0, "securityContext", "capabilities"), {"drop": []}, "keeps"),
        (
            ("containers", 0, "securityContext", "capabilities"),
            {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
            "adds",
        ),
    ],
)
def test_what_is_wrong_is_found(path: tuple[str | int, ...], value: Any, said: str) -> None:
    pod = copy.deepcopy(GOOD)
    place: Any = pod
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    (found,) = against_restricted(pod)
    assert said in found


@pytest.mark.parametrize(
    "manifest",
    [
        {"kind": "Pod", "spec": GOOD},
        {"kind": "Deployment", "spec": {"template": {"spec": GOOD}}},
        {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": GOOD}}}}},
    ],
)
def test_pods_are_found_where_they_are(manifest: dict[str, Any]) -> None:
    assert pod_of(manifest) == GOOD


def test_what_makes_no_pods_has_none() -> None:
    assert pod_of({"kind": "Certificate", "spec": {"secretName": "x"}}) is None
