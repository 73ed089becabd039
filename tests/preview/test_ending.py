"""However a preview ends, nothing of it is left: no process, no folder."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path

import psutil
import pytest

from tests.previews import Visitor, running_hub


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("fedhub-*"))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left(
    end: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder of its own: other previews may run beside this test.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tempfile.tempdir = None
    try:
        with running_hub("campus") as hub, Visitor() as visitor:
            member = next(name for name, one in hub.personas.items() if one["expected"]["allowed"])
            visitor.log_in(hub, member)
            visitor.get(f"{hub.url}hub/spawn", follow_redirects=True)
            assert len(folders()) == 1
            processes = psutil.Process(hub.process.pid).children(recursive=True)
            # The keeper, the hub, the proxy, and the notebook server of one user.
            assert len(processes) >= 4
            hub.process.send_signal(end)
            hub.process.wait(timeout=30)
            _, alive = psutil.wait_procs(processes, timeout=30)
            assert alive == []
            assert folders() == set()
    finally:
        tempfile.tempdir = None


def test_killing_the_keeper_ends_the_preview(tmp_path: Path) -> None:
    with running_hub("campus") as hub:
        children = psutil.Process(hub.process.pid).children()
        keeper = next(child for child in children if "fedhub.preview.keeper" in child.cmdline())
        processes = keeper.children(recursive=True)
        keeper.kill()
        assert hub.process.wait(timeout=30) == 1
        _, alive = psutil.wait_procs(processes, timeout=30)
        assert alive == []


def test_a_second_interrupt_does_not_stop_the_tidying_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running_hub("campus") as hub:
        processes = psutil.Process(hub.process.pid).children(recursive=True)
        for _ in range(3):
            hub.process.send_signal(signal.SIGINT)
        assert hub.process.wait(timeout=30) == 0
        assert [process for process in processes if process.is_running()] == []
        assert list(tmp_path.glob("fedhub-*")) == []
