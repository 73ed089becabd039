"""Where a service's secret never shows: other processes, errors, representations, other people."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from fedhub.hub.load import load_hub
from fedhub.services.declared import find
from fedhub.services.handover import handover
from tests.unit.services.conftest import SECRETS, add, hub_of, service
from tests.unit.services.test_credentials import ISSUER, credentials, own

__all__ = ["own"]


class Overheard(subprocess.Popen[Any]):
    """A child process, of which everybody on the machine can read what is noted here."""

    told: list[str] = []  # noqa: RUF012 - it is emptied for each test

    def __init__(self, args: Any, **options: Any) -> None:
        environment = options.get("env")
        self.told += [str(args), str(dict(os.environ) if environment is None else environment)]
        super().__init__(args, **options)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    Overheard.told = []
    monkeypatch.setattr(subprocess, "Popen", Overheard)
    return Overheard.told


def test_no_other_process_is_told(work: Path, told: list[str]) -> None:
    hub_of(ISSUER)
    add("--users", "olga")
    first = find(load_hub("x"), "grafana").token
    credentials("--reveal", "--format", "json")
    credentials("--format", "env", "--output", "grafana.env")
    assert service("rotate", "x", "grafana", "--yes").returncode == 0
    second = find(load_hub("x"), "grafana").token
    service("list", "x")
    service("test", "x", "grafana", "--hub-url", "http://127.0.0.1:9")
    service("remove", "x", "grafana", "--yes")
    assert first != second
    assert any("sops" in one for one in told)
    assert not [one for one in told if first in one or second in one]


def test_what_is_sealed_or_encrypted_is_in_no_file_as_it_is(
    own: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    owner = pyrage.x25519.Identity.generate()
    done = credentials("--age", str(owner.to_public()), "--format", "env", "--output", "sealed.age")
    assert done.returncode == 0
    text = pyrage.decrypt(Path("sealed.age").read_bytes(), [owner]).decode()
    assert f"OAUTH_CLIENT_SECRET={own}\n" in text
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert SECRETS.resolve() in everything
    assert not [path for path in everything if own.encode() in path.read_bytes()]


def test_it_is_sealed_for_an_ssh_key_too(own: str) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    done = credentials("--age", f"{public.decode()} olga@laptop")
    identity = pyrage.ssh.Identity.from_buffer(private)
    assert own in pyrage.decrypt(done.stdout.encode(), [identity]).decode()


@pytest.mark.parametrize("mask", [0o000, 0o277])
def test_a_file_is_its_owners_alone_whatever_the_mask(own: str, mask: int) -> None:
    before = os.umask(mask)
    try:
        done = credentials("--format", "env", "--output", "grafana.env")
    finally:
        os.umask(before)
    assert done.returncode == 0
    assert stat.S_IMODE(Path("grafana.env").stat().st_mode) == 0o600


def test_a_link_is_not_followed(own: str) -> None:
    Path("grafana.env").symlink_to("elsewhere.env")
    done = credentials("--format", "env", "--output", "grafana.env")
    assert done.returncode == 1
    assert not Path("elsewhere.env").exists()
    assert own not in done.stdout + done.stderr


@pytest.mark.parametrize("place", ["nowhere/grafana.env", "values"])
def test_an_error_does_not_quote_it(own: str, place: str) -> None:
    done = credentials("--format", "env", "--output", place)
    assert (done.returncode, done.stdout) == (1, "")
    assert own not in done.stderr
    assert "Traceback" not in done.stderr


def test_somebody_elses_hidden_file_beside_it_stays(own: str) -> None:
    for name in (".letter.draft", ".x.draft", ".a.b.draft", ".x.UPPER123.draft"):
        Path(name).write_text("mine")
    assert credentials("--format", "env", "--output", "grafana.env").returncode == 0
    assert len(list(Path().glob(".*.draft"))) == 4


def test_it_is_not_in_what_a_debugger_shows(own: str) -> None:
    hub = load_hub("x")
    for one in (find(hub, "grafana"), handover("x", "grafana"), hub):
        assert own not in repr(one)
