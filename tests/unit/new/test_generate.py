"""`fedhub secrets generate` makes each key once, and touches nothing else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from fedhub_authenticators.oidc_keys import SigningKeys

import fedhub.secrets.generate
from fedhub.errors import FedhubError
from fedhub.hub import load_hub
from fedhub.hub.encrypted import sops_binary
from fedhub.secrets.encrypt import encrypted
from fedhub.secrets.generate import generate
from tests.previews import FEDHUB

SECRETS = "values/enc-x.secret.values.yaml"
VALUES = """\
global:
  fedhub:
    domain: hub.example.org
    services:
      grafana: {oauth_redirect_uri: 'https://g.example.org/cb'}
jupyterhub:
  hub:
    services:
      own: {url: 'http://own'}
      kept: {apiToken: abc}
"""
MINE = """\
# who may know this: nobody
credentials:
  campus: {client_id: a, client_secret: s3cr3t}
jupyterhub:
  hub:
    config:
      CryptKeeper:
        keys: [mine] # an old one
"""


@pytest.fixture
def hub(work: Path) -> Path:
    (work / "values").mkdir()
    (work / "values/x.values.yaml").write_text(VALUES)
    return work


def decrypted() -> str:
    return subprocess.run(
        [sops_binary(), "decrypt", SECRETS], capture_output=True, text=True, check=True
    ).stdout


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [FEDHUB, "secrets", "generate", *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_file_is_made_where_there_is_none_and_then_stays(hub: Path) -> None:
    first = run("x")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        "jupyterhub.hub.config.JupyterHub.cookie_secret",
        "jupyterhub.hub.config.CryptKeeper.keys[0]",
        "jupyterhub.hub.config.ConfigurableHTTPProxy.auth_token",
        "jupyterhub.hub.services.own.api_token",
        "global.fedhub.services.grafana.api_token",
    ]
    made = (hub / SECRETS).read_bytes()
    second = run("x")
    assert (second.returncode, second.stdout) == (0, "")
    assert "x has all its keys; nothing changed" in second.stderr
    assert (hub / SECRETS).read_bytes() == made
    assert load_hub("x").get("jupyterhub", "hub", "services", "kept") == {"apiToken": "abc"}


def test_what_is_there_stays_with_its_comments(hub: Path) -> None:
    (hub / SECRETS).write_bytes(encrypted(MINE, Path(SECRETS)))
    (hub / SECRETS).chmod(0o640)
    _, made = generate("x")
    assert ("jupyterhub", "hub", "config", "CryptKeeper", "keys", 0) not in made
    text = decrypted()
    assert "# who may know this: nobody" in text
    assert "# an old one" in text
    loaded = load_hub("x")
    assert loaded.get("credentials", "campus", "client_secret") == "s3cr3t"
    assert loaded.get("jupyterhub", "hub", "config", "CryptKeeper", "keys") == ["mine"]
    assert (hub / SECRETS).stat().st_mode & 0o777 == 0o640
    assert [one.name for one in (hub / "values").iterdir() if one.name.startswith(".")] == []


def test_a_plain_z2jh_file_has_them_where_z2jh_reads_them(hub: Path) -> None:
    (hub / "values/y.values.yaml").write_text("hub: {cookieSecret: a}\nproxy: {secretToken: b}\n")
    _, made = generate("y")
    assert made == [("hub", "config", "CryptKeeper", "keys", 0)]


def test_a_hub_that_is_an_issuer_gets_its_keys(hub: Path) -> None:
    (hub / SECRETS).write_bytes(encrypted(MINE, Path(SECRETS)))
    values = hub / "values/x.values.yaml"
    values.write_text(VALUES.replace("services:", "oidc: {enabled: true}\n    services:", 1))
    _, made = generate("x")
    at = ("global", "fedhub", "oidc")
    assert made[-2:] == [(*at, "privateKey"), (*at, "nextPrivateKey")]
    keys = [load_hub("x").get(*path) for path in made[-2:]]
    SigningKeys(*keys)  # the hub takes them
    assert keys[0] != keys[1]
    assert generate("x")[1] == []


def test_a_file_in_plaintext_is_refused(hub: Path) -> None:
    (hub / SECRETS).write_text(MINE)
    done = run("x")
    assert done.returncode == 1
    assert f"{SECRETS}:1:1: this file is not encrypted" in done.stderr
    assert "sops encrypt --in-place" in done.stderr
    assert (hub / SECRETS).read_text() == MINE


def test_a_dry_run_says_which_and_writes_nothing(hub: Path) -> None:
    done = run("x", "--dry-run", "--format", "json")
    found = json.loads(done.stdout)
    assert found["file"] == SECRETS
    assert len(found["made"]) == 5
    assert not (hub / SECRETS).exists()


def test_what_somebody_else_wrote_meanwhile_stays(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hub / SECRETS).write_bytes(encrypted(MINE, Path(SECRETS)))
    theirs = encrypted(MINE.replace("s3cr3t", "theirs"), Path(SECRETS))
    real = fedhub.secrets.generate.set_value

    def meanwhile(*arguments: object) -> None:
        (hub / SECRETS).write_bytes(theirs)
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fedhub.secrets.generate, "set_value", meanwhile)
    with pytest.raises(FedhubError, match="changed by somebody else meanwhile"):
        generate("x")
    assert (hub / SECRETS).read_bytes() == theirs


def test_of_two_that_make_the_file_at_once_the_first_wins(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = encrypted(MINE, Path(SECRETS))

    def meanwhile(plaintext: str, path: Path) -> bytes:
        (hub / SECRETS).write_bytes(theirs)
        return encrypted(plaintext, path)

    monkeypatch.setattr(fedhub.secrets.generate, "encrypted", meanwhile)
    with pytest.raises(FedhubError, match="appeared meanwhile, and stays as it is"):
        generate("x")
    assert (hub / SECRETS).read_bytes() == theirs
    assert len(list((hub / "values").iterdir())) == 2


def test_what_sops_can_not_set_changes_nothing(hub: Path) -> None:
    (hub / SECRETS).write_bytes(encrypted("jupyterhub: {hub: {config: text}}\n", Path(SECRETS)))
    before = (hub / SECRETS).read_bytes()
    with pytest.raises(FedhubError):
        generate("x")
    assert (hub / SECRETS).read_bytes() == before
