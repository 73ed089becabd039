"""Secrets stay out of whatever is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedhub.hub import load_hub
from fedhub.hub.credentials import HIDDEN, masked, names_credential, secret_strings
from fedhub.hub.show import shown

SECRETS = ["s3cret-one", "s3cret-two", "s3cret-three", "s3cret-four", "s3cret-five", "s3cret-six"]
VALUES = """
hub:
  config:
    GitHubOAuthenticator: {client_secret: s3cret-one, api_key: s3cret-two}
  db: {url: "postgresql://user:s3cret-three@db/hub"}
  extraConfig:
    a: |
      client_secret = "s3cret-four"
      run("--token=s3cret-six")
singleuser:
  extraEnv:
    - {name: DB_PASSWORD, value: s3cret-five}
    - {name: HARMLESS, value: harmless}
"""


@pytest.mark.parametrize("output", ["text", "yaml", "json"])
def test_no_secret_is_shown(tmp_path: Path, output: str) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(VALUES)
    text = shown(load_hub(str(file)), None, output=output, reveal=False)  # type: ignore[arg-type]
    assert [secret for secret in SECRETS if secret in text] == []
    assert "harmless" in text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("client_secret", True),
        ("apiToken", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("passphrase", True),
        ("existingSecret", False),
        ("secretName", False),
        ("monkey", False),
    ],
)
def test_a_credential_is_known_by_its_name(name: str, expected: bool) -> None:
    assert names_credential(name) == expected


def test_secrets_are_masked_in_other_text(tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text("hub: {config: {X: {client_secret: 918273645546, other: [short]}}}")
    secrets = secret_strings(load_hub(str(file)))
    said = "The 'client_secret' trait expected a unicode string, not the int 918273645546."
    assert masked(said, secrets) == said.replace("918273645546", HIDDEN)
