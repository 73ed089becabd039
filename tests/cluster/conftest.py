"""A cluster of its own for these tests, as root; `make test-cluster` brings what it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / "ci/cluster"


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


def cluster(folder: Path, *command: str) -> str:
    """Run ci/cluster with its state in a folder; all it said stands in the failure."""
    done = subprocess.run(
        [COMMAND, "--driver", "native", *command],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"FEDHUB_CLUSTER": str(folder)},
    )
    assert done.returncode == 0, f"ci/cluster {' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout
