"""A folder of hubs with the chart beside them, on z2jh's or on the stand-in, and an age key."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pyrage
import pytest
import yaml

from fedhub.secrets.encrypt import encrypted
from tests.chart.conftest import ARCHIVE, KEYS, STAND_IN, with_dependency
from tests.previews import FEDHUB, ROOT

SECRET = "s3cr3t-0f-campus"
KEPT = {
    "credentials": {"campus": {"client_id": "cilogon:/client_id/1", "client_secret": SECRET}},
    "jupyterhub": {"hub": {"config": KEYS}},
}
"""What is in the encrypted file of the hub campus."""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub campus with its secrets, in the working folder."""
    for name in [name for name in os.environ if name.startswith(("SOPS_", "XDG_", "FEDHUB_"))]:
        monkeypatch.delenv(name)
    identity = pyrage.x25519.Identity.generate()
    monkeypatch.setenv("HOME", str(tmp_path))
    keys = tmp_path / ".config/sops/age/keys.txt"
    keys.parent.mkdir(parents=True)
    keys.write_text(f"# public key: {identity.to_public()}\n{identity}\n")
    monkeypatch.setenv("SOPS_AGE_RECIPIENTS", str(identity.to_public()))
    (tmp_path / "values").mkdir()
    shutil.copy(ROOT / "values/campus.values.yaml", tmp_path / "values")
    seal(tmp_path, "campus", KEPT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seal(work: Path, hub: str, values: object) -> None:
    """Write a hub's encrypted file."""
    file = work / f"values/enc-{hub}.secret.values.yaml"
    file.write_bytes(encrypted(yaml.safe_dump(values), file))


@pytest.fixture
def chart(work: Path) -> Path:
    """fedhub's chart as in a checkout, on z2jh's where it is at hand."""
    made = with_dependency(work, ARCHIVE if ARCHIVE.is_file() else STAND_IN)
    (work / "charts").mkdir()
    return made.rename(work / "charts/fedhub")


def fedhub(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FEDHUB, *argv], capture_output=True, text=True, check=False, env=os.environ | environment
    )
