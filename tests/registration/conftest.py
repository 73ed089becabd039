"""An operator with an age key, a folder of hubs and a CILogon."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from fedhub.idp.server import IdentityProvider
from tests.providers import Clock, furnish
from tests.registration.office import ADMIN, Office


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; the key is where sops looks for it, and rules name it."""
    for name in [name for name in os.environ if name.startswith(("SOPS_", "XDG_"))]:
        monkeypatch.delenv(name)
    identity = pyrage.x25519.Identity.generate()
    keys = tmp_path / "home/.config/sops/age/keys.txt"
    keys.parent.mkdir(parents=True)
    keys.write_text(f"# public key: {identity.to_public()}\n{identity}\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "work"
    folder.mkdir()
    rule = "values/enc-.*\\.secret\\.values\\.yaml$|enc-.*admin"
    (folder / ".sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: {rule}\n    age: {identity.to_public()}\n"
    )
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    """A CILogon with an administrator."""
    with IdentityProvider(clock=Clock(), oa4mp="6.3.2") as running:
        furnish(running)
        running.add_admin_client(ADMIN)
        yield running


@pytest.fixture
def office(work: Path, provider: IdentityProvider, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(work, provider, capsys)
