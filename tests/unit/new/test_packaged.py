"""An installed wheel has the templates, from the one folder that holds them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.previews import ROOT


def test_a_wheel_carries_the_files_of_values_and_uses_them(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    installed = tmp_path / "installed" / "fedhub"
    assert {one.name: one.read_bytes() for one in (installed / "values").iterdir()} == {
        one.name: one.read_bytes() for one in (ROOT / "values").iterdir()
    }
    code = "import fedhub.new.template as t; print(t.__file__); print(t.template('github', None))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(str(installed))
    assert "# A GitHub organisation." in done.stdout
