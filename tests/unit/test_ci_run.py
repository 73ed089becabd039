"""What `.ci/run` says at its end, with a `make` that only says what the real one would."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.previews import ROOT

CLOSING = "=========== {} in 12.34s (0:00:12) ============"
SMOKE = "=== Smoke test on z2jh chart 4.4.0, Kubernetes v1.34.4 ==="
SAID = {
    "lint": "All checks passed!",
    "lint-workflows": "The workflows are fine.",
    "test-image": CLOSING.format("20 passed"),
    "test-peers": CLOSING.format("30 passed"),
    "test": CLOSING.format("4000 passed"),
    "test-cluster": f"{SMOKE}\n{CLOSING.format('25 passed')}",
}


def ci(
    folder: Path, said: dict[str, str], *, failing: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run it on targets that say this."""
    lines = [f"{target}) cat <<'END'\n{text}\nEND\n;;" for target, text in said.items()]
    make = folder / "make"
    make.write_text(
        "#!/bin/sh\ncase $1 in\n" + "\n".join(lines) + f'\nesac\n[ "$1" != "{failing}" ]\n'
    )
    make.chmod(0o755)
    return subprocess.run(
        [ROOT / ".ci" / "run"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
    )


def test_it_ends_with_times_and_the_closing_line_of_all_tests(tmp_path: Path) -> None:
    done = ci(tmp_path, SAID)
    end = done.stdout.partition("\n\n")[2].splitlines()
    assert done.returncode == 0
    assert end[:2] == ["Nothing was left out.", SMOKE]
    assert re.findall(r"^ *\d+:\d\d min  (\S+)", done.stdout, re.M) == list(SAID)
    assert end[-2].endswith("25 passed in 12.34s (0:00:12)")
    assert end[-1] == SAID["test"]


def test_what_was_skipped_is_told_with_the_reason(tmp_path: Path) -> None:
    skipped = "SKIPPED [3] tests/peers/conftest.py:9: no Java here"
    no_go = "No Go here, which builds actionlint: the workflows are not checked."
    peers = f"{skipped}\n{CLOSING.format('3 skipped')}"
    done = ci(tmp_path, SAID | {"test-peers": peers, "lint-workflows": no_go})
    end = done.stdout.partition("\n\n")[2].splitlines()
    assert done.returncode == 0
    assert end[:3] == [no_go, skipped, "That was not tested."]
    assert "ON A CLUSTER" not in done.stdout


def test_without_a_cluster_it_says_so(tmp_path: Path) -> None:
    done = ci(tmp_path, SAID | {"test-cluster": CLOSING.format("2 passed, 23 skipped")})
    assert done.returncode == 0
    assert "NO HUB WAS TESTED ON A CLUSTER" in done.stdout


@pytest.mark.parametrize("target", SAID)
def test_what_fails_ends_it(tmp_path: Path, target: str) -> None:
    done = ci(tmp_path, SAID, failing=target)
    assert done.returncode != 0
    assert done.stdout.endswith(f"{SAID[target]}\n")
