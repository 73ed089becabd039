"""`fedhub deploy` before it gets to a cluster, and how Ctrl-C is passed on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fedhub.release.deploy import Stop
from tests.unit.release.conftest import SECRET, fedhub
from tests.unit.release.test_diff import KUBECONFIG


@pytest.fixture
def config(work: Path, chart: Path) -> dict[str, str]:
    (work / "kubeconfig").write_text(KUBECONFIG)
    return {"KUBECONFIG": str(work / "kubeconfig")}


def test_what_check_finds_stops_it(work: Path, config: dict[str, str]) -> None:
    (work / "bad.yaml").write_text(
        "global:\n  fedhub:\n    login:\n      campus:\n        config: {idpz: {}}\n"
    )
    done = fedhub("deploy", "campus", "--yes", "-f", "bad.yaml", **config)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("bad.yaml:5:18: ")
    assert "[unknown-trait]" in done.stderr
    assert "does not answer" not in done.stderr


@pytest.mark.parametrize("timeout", ["5", "soon", "0s", "-5m", "5m ", ""])
def test_what_is_no_time_is_a_wrong_use(work: Path, config: dict[str, str], timeout: str) -> None:
    done = fedhub("deploy", "campus", "--yes", f"--timeout={timeout}", **config)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"--timeout {timeout} is no time; ")


def test_a_cluster_that_is_not_there_is_said_in_a_line(work: Path, config: dict[str, str]) -> None:
    for option in ("--yes", "--dry-run", "--timeout=1h30m0.5s"):
        done = fedhub("deploy", "campus", option, **config)
        assert (done.returncode, done.stdout) == (1, "")
        # Which context is the current one, kubectl says, where there is one.
        said = done.stderr.replace(" of context gone", "")
        assert said.startswith("the cluster does not answer: dial tcp 127.0.0.1:1")
        assert done.stderr.count("\n") == 1
        assert SECRET not in done.stderr


def test_several_hubs_need_a_word_where_nobody_can_be_asked(
    work: Path, config: dict[str, str]
) -> None:
    done = fedhub("deploy", "--all", **config)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "nobody can be asked here; add --yes\n"


def test_of_several_hubs_each_has_a_line(work: Path, config: dict[str, str]) -> None:
    done = fedhub("deploy", "campus", "campsu", "--yes", **config)
    assert done.returncode == 2
    assert sorted(line.split()[:2] for line in done.stdout.splitlines()) == [
        ["failed", "campsu"],
        ["failed", "campus"],
    ]
    assert done.stderr == "2 hubs: 2 failed\n"


LISTENS = """\
import signal, sys
signal.signal(signal.SIGINT, lambda *_: print("stop", flush=True))
print("ready", flush=True)
sys.stdin.read()
"""


def test_ctrl_c_reaches_a_helm_once_and_one_that_comes_later_as_well() -> None:
    stop, said = Stop(), []

    def child() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", LISTENS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def heard(process: subprocess.Popen[str]) -> str:
        assert process.stdout
        return process.stdout.readline()

    before = signal.getsignal(signal.SIGINT)
    with child() as first, child() as second, stop.listening(said.append):
        assert heard(first) == heard(second) == "ready\n"
        with stop.knows(first):
            os.kill(os.getpid(), signal.SIGINT)
            assert heard(first) == "stop\n"
            os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wanted
        with stop.knows(second):
            assert heard(second) == "stop\n"
        assert [process.communicate("")[0] for process in (first, second)] == ["", ""]
    assert said == ["Stopping: helm takes back what it has begun; wait for it", "Wait"]
    assert signal.getsignal(signal.SIGINT) == before
