"""What is remembered of pods while helm waits, by a kubectl that says what a test wants."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fedhub.release.chart import Chart
from fedhub.release.deploy import _why
from fedhub.release.target import Release
from fedhub.release.watch import Watch
from tests.unit.release.test_pods import CRASHING, PULL, READY, waiting

KUBECTL = """\
#!/bin/sh
echo "$@" >> asked
case "$1 $2" in
  "get pods") cat pods.json ;;
  "get events") cat events.json ;;
  logs*) cat log ;;
  *) exit 3 ;;
esac
"""
RELEASE = Release("lab", "hubs", "prod", Chart("charts/fedhub"))


class Cluster:
    """What kubectl says."""

    def __init__(self) -> None:
        self.has()
        self.warns()
        Path("log").write_text("Loading\n\nNo such class\n")

    def has(self, **pods: dict[str, Any]) -> None:
        items = [
            {"metadata": {"name": name, "uid": name, **pod.pop("metadata", {})}, **pod}
            for name, pod in pods.items()
        ]
        Path("pods.json").write_text(json.dumps({"items": items}))

    def warns(self, *events: tuple[str, str, str, str]) -> None:
        items = [
            {
                "metadata": {"uid": uid},
                "involvedObject": {"kind": kind, "name": name},
                "reason": reason,
                "message": "really because" if uid == "later" else "because",
            }
            for uid, kind, name, reason in events
        ]
        Path("events.json").write_text(json.dumps({"items": items}))


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    kubectl = tmp_path / "bin/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{kubectl.parent}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return Cluster()


@pytest.fixture
def watch(cluster: Cluster) -> Watch:
    return Watch(RELEASE, lambda _: None)


def pod(container: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"name": "hub", **(container or {})}], **status}}


def looked(watch: Watch, before: Any, then: Any) -> list[str]:
    """What is told after looking at what was there before, and then is."""
    before()
    with watch.following():
        then()
    return [str(one) for one in watch.troubles]


def nothing() -> None:
    pass


def test_a_pod_that_is_gone_is_remembered_as_it_was(watch: Watch, cluster: Cluster) -> None:
    broken = {"hub": pod(waiting("ImagePullBackOff", PULL))}
    said = [f"pod hub: ImagePullBackOff: {PULL}"]
    assert looked(watch, nothing, lambda: cluster.has(**broken)) == said
    assert looked(watch, nothing, cluster.has) == said


def test_a_pod_that_recovers_is_no_trouble(watch: Watch, cluster: Cluster) -> None:
    assert looked(watch, nothing, lambda: cluster.has(hub=pod(waiting("ErrImagePull"))))
    assert looked(watch, nothing, lambda: cluster.has(hub=pod(conditions=[READY]))) == []


def test_what_ended_says_its_last_words(watch: Watch, cluster: Cluster) -> None:
    looked(watch, nothing, lambda: cluster.has(hub=pod(CRASHING)))
    (trouble,) = watch.troubles
    assert trouble.log == ("Loading", "No such class")
    asked = Path("asked").read_text()
    assert "logs hub --tail 12 --container hub --previous --namespace hubs --context prod" in asked
    # People's servers are none of its business.
    assert "app.kubernetes.io/instance=lab,component notin (singleuser-server," in asked


def test_what_ended_is_told_though_it_was_just_started_again(
    watch: Watch, cluster: Cluster
) -> None:
    said = looked(watch, nothing, lambda: cluster.has(hub=pod(CRASHING)))
    again = pod({"state": {"running": {}}, "restartCount": 3}, phase="Running")
    cluster.has(hub=again)
    unhealthy = ("3", "Pod", "hub", "Unhealthy")
    assert looked(watch, nothing, lambda: cluster.warns(unhealthy)) == said
    assert watch.troubles[0].log == ("Loading", "No such class")


MOUNT = ("2", "Pod", "hub", "FailedMount")


def test_an_event_tells_what_the_pod_does_not_until_it_is_ready(
    watch: Watch, cluster: Cluster
) -> None:
    cluster.has(hub=pod(waiting("ContainerCreating")))
    said = ["pod hub: FailedMount: because"]
    assert looked(watch, nothing, lambda: cluster.warns(MOUNT)) == said
    assert looked(watch, nothing, nothing) == said
    assert looked(watch, nothing, lambda: cluster.has(hub=pod(conditions=[READY]))) == []


def test_the_last_event_with_a_reason_counts(watch: Watch, cluster: Cluster) -> None:
    cluster.has(hub=pod(waiting("ContainerCreating")))
    said = looked(watch, nothing, lambda: cluster.warns(MOUNT, ("later", *MOUNT[1:])))
    assert said == ["pod hub: FailedMount: really because"]


@pytest.mark.parametrize(
    "event",
    [
        ("2", "Pod", "jupyter-ann", "FailedMount"),
        ("2", "PersistentVolumeClaim", "claim-ann", "ProvisioningFailed"),
        ("2", "Pod", "hub", "BackOff"),
    ],
)
def test_an_event_of_something_else_tells_nothing(
    event: tuple[str, str, str, str], watch: Watch, cluster: Cluster
) -> None:
    cluster.has(hub=pod(waiting("ContainerCreating")))
    assert looked(watch, nothing, lambda: cluster.warns(event)) == []


def test_what_was_there_before_is_not_blamed(watch: Watch, cluster: Cluster) -> None:
    of_job = {"metadata": {"ownerReferences": [{"kind": "Job"}]}}
    failed = {"terminated": {"exitCode": 1, "reason": "Error"}}
    quota = ("1", "ReplicaSet", "hub-1", "FailedCreate")

    def before() -> None:
        cluster.warns(quota)
        cluster.has(backup=pod({"state": failed}) | of_job)

    assert looked(watch, before, nothing) == []
    new = ("2", *quota[1:])
    assert looked(watch, nothing, lambda: cluster.warns(quota, new)) == [
        "replicaset hub-1: FailedCreate: because"
    ]


def test_without_kubectl_nothing_is_known(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert looked(watch, nothing, nothing) == []


def test_a_secret_in_a_log_is_not_shown(
    watch: Watch, cluster: Cluster, work: Path, chart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fedhub.hub import load_hub
    from tests.unit.release.conftest import SECRET

    hub = load_hub("campus")
    monkeypatch.chdir(work)
    cluster = Cluster()
    Path("log").write_text(f"client_secret={SECRET} is wrong\n")
    looked(watch, nothing, lambda: cluster.has(hub=pod(CRASHING)))
    monkeypatch.setattr("fedhub.release.deploy.installed", lambda hub, release: None)
    errors = "Error: context deadline exceeded"
    said = str(_why(hub, RELEASE, None, errors, watch.troubles, stopped=False))
    assert "  | client_secret=<hidden>" in said
    assert SECRET not in said
