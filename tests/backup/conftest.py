"""Disks that are full or can't be written to, and the chart's pods."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.conftest import CHART, STAND_IN, Rendered, helm, merged, with_dependency


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_dependency(tmp_path_factory.mktemp("chart"), STAND_IN)


def rendered(chart: Path, scenario: str, **changes: Any) -> Rendered:
    """Render a scenario of `ci/` with changes."""
    (file,) = (CHART / "ci").glob(f"{scenario}-*-values.yaml")
    values = merged(yaml.safe_load(file.read_text()), changes)
    done = helm("template", "myhub", str(chart), "--values", "-", values=values)
    return Rendered(done.stdout, done.stderr if done.returncode else "")


def fill_up(folder: Path) -> None:
    """Leave 16 KiB of a disk."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        with contextlib.suppress(OSError):
            while filler.write(bytes(4096)) == 4096:
                pass
        filler.truncate(filler.tell() // 4096 * 4096 - 16384)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """`database`, and the same folder where nobody can write."""
    (tmp_path / "database").mkdir(exist_ok=True)
    folder = tmp_path / "read-only"
    folder.mkdir()
    bind = ["mount", "--bind", str(tmp_path / "database"), str(folder)]
    if subprocess.run(bind, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
