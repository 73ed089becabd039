"""`fedhub secrets show`: what there is and who can read it, and values only on demand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fedhub.errors import UsageError
from fedhub.hub.document import parse
from fedhub.hub.sops import recipients
from fedhub.secrets.encrypt import encrypted
from fedhub.secrets.show import shown
from tests.unit.secrets.conftest import MINE, SECRET, SECRETS, secrets

PLACE = "jupyterhub.hub.config.CILogonOAuthenticator.client_secret"


def test_keys_are_listed_and_values_are_not(hub: Path, own: str) -> None:
    done = secrets("show", "x")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"can be decrypted by {own}"
    assert lines[1].startswith("last changed 20")
    assert f"{PLACE}: <hidden>" in done.stdout
    assert "jupyterhub.hub.config.CryptKeeper.keys[0]: <hidden>" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert "ENC[" not in done.stdout
    assert "sops" not in done.stdout


def test_nobody_needs_a_key_to_see_what_there_is(hub: Path) -> None:
    os.environ["HOME"] = "/nonexistent"
    assert PLACE in secrets("show", "x").stdout
    done = secrets("show", "x", "--reveal")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no key at hand opens this file" in done.stderr


def test_values_are_shown_on_demand(hub: Path) -> None:
    assert f"{PLACE}: {SECRET}\n" in secrets("show", "x", "--reveal").stdout


@pytest.mark.parametrize("reveal", [False, True])
def test_places_are_those_of_the_encrypted_file(hub: Path, reveal: bool) -> None:
    text = SECRETS.read_text().splitlines()
    rows = [line.split() for line in shown("x", reveal=reveal, output="text").splitlines()[2:]]
    lines = {row[1]: text[int(row[0].rpartition(":")[2]) - 1].strip() for row in rows}
    assert lines[f"{PLACE}:"].startswith("client_secret: ENC[")
    # sops keeps the comment behind it as an entry before it.
    assert lines["jupyterhub.hub.config.CryptKeeper.keys[0]:"].endswith(",type:str]")


def test_json_has_all_of_it(hub: Path, own: str) -> None:
    said = json.loads(secrets("show", "x", "--format", "json").stdout)
    assert said["recipients"] == [{"kind": "age", "name": own}]
    assert said["file"] == str(SECRETS)
    assert said["sops_version"].startswith("3.")
    config = said["values"]["jupyterhub"]["hub"]["config"]
    assert config["CILogonOAuthenticator"] == {"client_id": "<hidden>", "client_secret": "<hidden>"}
    said = json.loads(secrets("show", "x", "--reveal", "--format", "json").stdout)
    assert said["values"]["jupyterhub"]["hub"]["config"]["CryptKeeper"] == {"keys": ["mine"]}


def test_a_value_can_not_move_the_cursor(hub: Path) -> None:
    evil = 'a: "x\\e]0;y\\a\\nfake: 1"\nb: "l1\\nl2\\n"\nc: ""\nd: {}\ne: null\n'
    SECRETS.write_bytes(encrypted(evil, SECRETS))
    text = shown("x", reveal=True, output="text")
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == 2 + 5


@pytest.mark.parametrize("command", ["show", "rekey"])
def test_a_hub_without_secrets_is_told_how_to_make_them(hub: Path, command: str) -> None:
    SECRETS.unlink()
    done = secrets(command, "x")
    assert done.returncode == 1
    assert "x has no secrets" in done.stderr
    assert "`fedhub secrets generate x`" in done.stderr


@pytest.mark.parametrize("command", ["show", "edit", "rekey"])
def test_a_file_in_plaintext_is_told_how_to_encrypt_it(hub: Path, command: str) -> None:
    SECRETS.write_text(MINE)
    done = secrets(command, "x", SOPS_EDITOR="false")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{SECRETS}:1:1: this file is not encrypted" in done.stderr
    assert f"`sops encrypt --in-place {SECRETS}`" in done.stderr
    assert SECRET not in done.stderr
    assert SECRETS.read_text() == MINE


@pytest.mark.parametrize("command", ["show", "edit", "rekey"])
@pytest.mark.parametrize("name", ["nonsense", str(SECRETS)])
def test_what_is_no_hub_is_a_wrong_use(hub: Path, command: str, name: str) -> None:
    done = secrets(command, name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_every_kind_of_recipient_is_read() -> None:
    text = """
sops:
  age: [{recipient: age1x, enc: a}, {recipient: age1x, enc: b}, nonsense, {}]
  pgp: [{fp: 85D7}]
  kms: [{arn: 'arn:aws:kms:x'}]
  gcp_kms: [{resource_id: projects/x}]
  hckms: [{key_id: 'r:u'}]
  azure_kv: [{vault_url: 'https://v', name: k, version: '1'}]
  hc_vault: [{vault_address: 'https://h', engine_path: transit, key_name: k}]
  key_groups:
    - age: [{recipient: age1y, enc: a}]
    - hc_vault: []
"""
    assert [str(one) for one in recipients(parse(text, "f"))] == [
        "age1x",
        "pgp 85D7",
        "kms arn:aws:kms:x",
        "gcp_kms projects/x",
        "hckms r:u",
        "azure_kv https://v/k",
        "hc_vault https://h/transit/k",
        "age1y",
    ]


@pytest.mark.parametrize("text", ["sops: 1", "sops: []", "sops: {age: 1}", "a: 1", "sops: {}"])
def test_metadata_that_makes_no_sense_names_nobody(text: str) -> None:
    assert recipients(parse(text, "f")) == []


def test_a_hub_that_is_not_there_is_a_wrong_use_in_code_too(hub: Path) -> None:
    with pytest.raises(UsageError):
        shown("y", reveal=False, output="text")
