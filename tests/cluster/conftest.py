"""A cluster of its own for these tests, as root; `make test-cluster` brings what it needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart.conftest import ARCHIVE, with_dependency
from tests.cluster.hubs import Cluster, Hub, cluster

IMAGES = os.environ.get("FEDHUB_CLUSTER_IMAGES", "")


@pytest.fixture(scope="session")
def able() -> None:
    """Skip where no cluster can be had, and say why."""
    if os.geteuid():
        pytest.skip("a cluster without kind needs root")
    for tool, package in {"containerd": "containerd", "iptables": "iptables"}.items():
        if not shutil.which(tool):
            pytest.skip(f"no {tool} here; on Debian: apt install {package}")
    if not Path("/usr/lib/cni/bridge").exists():
        pytest.skip("no CNI plugins here; on Debian: apt install containernetworking-plugins")
    if not shutil.which("go"):
        pytest.skip("no Go here, which builds Kubernetes")


class Shared:
    """The tests' one cluster: up when a test wants it, down when another wants the machine."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._cluster: Cluster | None = None

    def up(self) -> Cluster:
        if not self._cluster:
            folder = self._place / "cluster"
            cluster(folder, "up")
            self._cluster = Cluster(folder, with_dependency(self._place, ARCHIVE), ARCHIVE)
            cluster(folder, "load", IMAGES)
        return self._cluster

    def down(self) -> None:
        if self._cluster:
            cluster(self._cluster.folder, "down")
            shutil.rmtree(self._place / "fedhub")
            self._cluster = None


@pytest.fixture(scope="session")
def shared(able: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    shared = Shared(tmp_path_factory.mktemp("shared"))
    yield shared
    shared.down()


@pytest.fixture
def machine_alone(shared: Shared) -> None:
    """No cluster is up: a machine has one at a time."""
    shared.down()


@pytest.fixture
def hub(shared: Shared, request: pytest.FixtureRequest) -> Iterator[Hub]:
    """A namespace of the test's own, for the release `myhub`; gone with all in it at the end."""
    if not Path(IMAGES).is_file():
        pytest.skip("no images: FEDHUB_CLUSTER_IMAGES=$(ci/cluster-images)")
    if not ARCHIVE.exists():
        pytest.skip("z2jh chart 4.4.0 not at hand")
    running = shared.up()
    name = request.node.name.removeprefix("test_").replace("_", "-")[:50].strip("-")
    running.kubectl("create", "namespace", name)
    yield Hub(running, name)
    running.kubectl("delete", "namespace", name, "--wait=false")
