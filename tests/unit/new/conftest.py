"""An operator with an age key, in an empty folder."""

from __future__ import annotations

import os
from pathlib import Path

import pyrage
import pytest


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No key at all."""
    for name in [name for name in os.environ if name.startswith(("SOPS_", "XDG_"))]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def work(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key where sops looks for it, as age-keygen writes it."""
    identity = pyrage.x25519.Identity.generate()
    keys = Path(os.environ["HOME"]) / ".config/sops/age/keys.txt"
    keys.parent.mkdir(parents=True)
    keys.write_text(f"# created: today\n# public key: {identity.to_public()}\n{identity}\n")
    return nobody
