"""The native driver: what it starts works, and nothing of it stays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.hubs import cluster
from tests.previews import ROOT

SYSCTLS = [
    "vm.overcommit_memory",
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.keys.root_maxkeys",
]


def machine(folder: Path) -> dict[str, list[str]]:
    """What a cluster could leave on the machine."""

    def lines(*command: str) -> list[str]:
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.splitlines()

    processes = [
        line
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        for line in [_read(entry).replace("\0", " ")]
        if str(folder) in line or line.startswith("/pause")
    ]
    return {
        "processes": processes,
        "mounts": Path("/proc/self/mounts").read_text().splitlines(),
        "links": sorted(line.split(": ")[1] for line in lines("ip", "-o", "link")),
        "rules": [line for line in lines("iptables-save") if not line.startswith(("#", ":"))],
        "cgroups": sorted(map(str, Path("/sys/fs/cgroup").glob("**/fedhub-cluster"))),
        "settings": lines("sysctl", *SYSCTLS),
        "folders": [str(folder)] if folder.exists() else [],
    }


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""  # ended meanwhile


@pytest.mark.usefixtures("machine_alone")
def test_a_cluster_comes_up_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    before = machine(folder)

    cluster(folder, "up")
    try:
        (node,) = json.loads(cluster(folder, "kubectl", "get", "nodes", "-o", "json"))["items"]
        ready = {one["type"]: one["status"] for one in node["status"]["conditions"]}["Ready"]
        during = machine(folder)
    finally:
        cluster(folder, "down")

    assert ready == "True"
    assert during["processes"]
    assert during["links"] != before["links"]
    assert machine(folder) == before


@pytest.mark.usefixtures("machine_alone")
def test_a_second_cluster_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    cluster(first, "up")
    try:
        for folder in (first, second):
            said = cluster(folder, "up", refused=True)
            assert said.splitlines() == [said.strip()]
            assert "take it down first" in said
        second.mkdir()  # such as of one that ended by itself
        assert str(first) in cluster(second, "down", refused=True)
        cluster(first, "kubectl", "get", "nodes")
    finally:
        cluster(first, "down")


@pytest.mark.parametrize("driver", ["kind", "native"])
def test_a_folder_that_holds_no_cluster_stays(tmp_path: Path, driver: str) -> None:
    kind = tmp_path / "programs" / "kind"
    kind.parent.mkdir()
    kind.write_text("#!/bin/sh\n")
    kind.chmod(0o755)
    thesis = tmp_path / "home" / "thesis"
    thesis.parent.mkdir()
    thesis.write_text("three years")
    done = subprocess.run(
        [ROOT / "ci" / "cluster", "--driver", driver, "down"],
        env={
            **os.environ,
            "FEDHUB_CLUSTER": str(thesis.parent),
            "PATH": f"{kind.parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "holds no cluster, and stays" in done.stderr
    assert thesis.read_text() == "three years"


@pytest.mark.usefixtures("machine_alone")
def test_what_took_it_up_takes_it_down(tmp_path: Path) -> None:
    checkout, folder = tmp_path / "checkout", tmp_path / "cluster"
    shutil.copytree(ROOT / "ci", checkout / "ci")
    before = machine(folder)
    cluster(folder, "up")

    (checkout / "ci/native/main.go").write_text("no longer what it was")
    cluster(folder, "down", checkout=checkout)

    assert machine(folder) == before
