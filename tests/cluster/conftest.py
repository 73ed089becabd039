"""A cluster of its own for these tests, as root; `make test-cluster` brings what it needs."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.browser.conftest import browser_type_launch_args  # noqa: F401  # for these tests, too
from tests.chart.conftest import ARCHIVE, Z2JH, with_dependency
from tests.cluster.hubs import DRIVER, Cluster, Hub, cluster

IMAGES = os.environ.get("FEDHUB_CLUSTER_IMAGES", "")
REPORT = pytest.StashKey[list[tuple[str, list[str]]]]()


@pytest.fixture(scope="session")
def able() -> None:
    """Skip where no cluster can be had, and say why."""
    if DRIVER == "kind":
        return  # who asks for it has it
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
        pytest.skip(f"z2jh chart {Z2JH} not at hand")
    running = shared.up()
    name = re.sub(r"\W+|_", "-", request.node.name.removeprefix("test_"))[:50].strip("-")
    running.kubectl("create", "namespace", name)
    yield Hub(running, name)
    running.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def as_it_is(browser_type_launch_args: dict[str, Any]) -> list[str]:  # noqa: F811  # a fixture
    """The options that a browser needs on this machine."""
    return list(browser_type_launch_args["args"])


@pytest.fixture
def report(hub: Hub, pytestconfig: pytest.Config) -> Callable[[list[str]], None]:
    """Takes the smoke test's lines, to which it goes on adding; printed when all tests are done.

    Before them stands what it ran on; `.ci/run` looks for that.
    """
    done = hub.helm("show", "chart", str(hub.cluster.z2jh))
    chart = yaml.safe_load(done.stdout)
    kubernetes = hub.cluster.node["status"]["nodeInfo"]["kubeletVersion"]
    about = f"Smoke test on z2jh chart {chart['version']}, Kubernetes {kubernetes}"

    def take(lines: list[str]) -> None:
        pytestconfig.stash.setdefault(REPORT, []).append((about, lines))

    return take


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what tests reported."""
    for about, lines in config.stash.get(REPORT, []):
        terminalreporter.section(about)
        for line in lines:
            terminalreporter.write_line(line)
