"""The real Keycloak leaves nothing behind, also when who started it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tests.peers.keycloak import Keycloak

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif("FEDHUB_PEERS" not in os.environ, reason="make test-peers starts a Keycloak")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_of_it(keycloak: Keycloak, tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.peers.keycloak"]
    env = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        address = one.stdout.readline().split()[1].rstrip(",")
        below = psutil.Process(one.pid).children(recursive=True)
        assert any(process.name() == "java" for process in below)
        assert httpx.get(f"{address}/realms/hubtest", trust_env=False).status_code == 200
        assert list(tmp_path.iterdir())
        one.send_signal(how)
    _, alive = psutil.wait_procs(below, timeout=60)
    assert not alive
    assert not list(tmp_path.iterdir())
