"""Every form that values come in runs: plain z2jh, wrapped, with secrets encrypted or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyrage
import pytest

from tests.previews import RunningHub, Visitor, running_hub

SOPS = str(Path(sys.executable).parent / "sops")

PLAIN = """
hub:
  config:
    JupyterHub:
      authenticator_class: github
    GitHubOAuthenticator:
      allow_all: true
"""
FEDHUB = """
global:
  fedhub:
    domain: hub.example.org
    login:
      code:
        authenticator: github
        config:
          allow_all: true
"""
CREDENTIALS = "client_id: id-from-the-secrets-file\nclient_secret: s3cret-from-the-secrets-file\n"


def indented(text: str, *path: str) -> str:
    """Put a mapping below a path of keys."""
    for key in reversed(path):
        text = f"{key}:\n" + "".join(f"  {line}\n" for line in text.strip().splitlines())
    return text


FORMS = {
    "plain": (PLAIN, ("hub", "config", "GitHubOAuthenticator")),
    "wrapped": (
        indented(PLAIN, "jupyterhub"),
        ("jupyterhub", "hub", "config", "GitHubOAuthenticator"),
    ),
    "fedhub": (FEDHUB, ("global", "fedhub", "login", "code", "config")),
}


def client_id_sent_by(hub: RunningHub) -> str:
    with Visitor() as visitor:
        page = visitor.follow(f"{hub.url}hub/oauth_login")
    return parse_qs(urlsplit(str(page.url)).query)["client_id"][0]


@pytest.mark.parametrize("form", FORMS)
def test_credentials_come_from_the_encrypted_file(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, path = FORMS[form]
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "age.txt").write_text(str(identity))
    (tmp_path / "x.values.yaml").write_text(values)
    secrets = tmp_path / "enc-x.secret.values.yaml"
    secrets.write_text(indented(CREDENTIALS, *path))
    command = [SOPS, "encrypt", "--in-place", "--age", str(identity.to_public()), str(secrets)]
    subprocess.run(command, check=True, capture_output=True)
    assert "s3cret" not in secrets.read_text()
    monkeypatch.setitem(os.environ, "SOPS_AGE_KEY_FILE", str(tmp_path / "age.txt"))
    with running_hub(tmp_path / "x.values.yaml") as hub:
        assert client_id_sent_by(hub) == "id-from-the-secrets-file"
        (persona,) = hub.personas
        with Visitor() as visitor:
            visitor.log_in(hub, persona)
            assert visitor.user(hub) is not None
        everything = subprocess.run(
            ["ps", "axeww"], check=True, capture_output=True, text=True
        ).stdout
        assert "s3cret-from" not in everything


def test_plaintext_secrets_work_with_a_warning(tmp_path: Path) -> None:
    values, path = FORMS["plain"]
    (tmp_path / "x.values.yaml").write_text(values)
    (tmp_path / "enc-x.secret.values.yaml").write_text(indented(CREDENTIALS, *path))
    with running_hub(tmp_path / "x.values.yaml") as hub:
        assert client_id_sent_by(hub) == "id-from-the-secrets-file"
    assert "warning: " in hub.log()
    assert "s3cret" not in hub.log()
