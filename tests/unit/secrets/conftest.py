"""A hub with secrets, its operator, and a colleague with a key of his own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pyrage
import pytest

from fedhub.hub.encrypted import sops_binary
from fedhub.secrets.encrypt import encrypted
from tests.previews import FEDHUB
from tests.unit.new.conftest import nobody, work

__all__ = ["nobody", "work"]

SECRETS = Path("values/enc-x.secret.values.yaml")
SECRET = "s3cr3t-0f-campus"
MINE = f"""\
# who may know this: nobody
jupyterhub:
  hub:
    config:
      CILogonOAuthenticator: {{client_id: a, client_secret: {SECRET}}}
      CryptKeeper:
        keys: [mine] # an old one
"""


def key_of(identity: pyrage.x25519.Identity) -> str:
    return str(identity.to_public())


@pytest.fixture
def own(work: Path) -> str:
    """The operator's public key."""
    text = (Path(os.environ["HOME"]) / ".config/sops/age/keys.txt").read_text()
    return text.partition("public key: ")[2].split()[0]


@pytest.fixture
def colleague() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def hub(work: Path, own: str) -> Path:
    """The hub x, whose secrets only the operator can read."""
    (work / "values").mkdir()
    (work / "values/x.values.yaml").write_text("jupyterhub: {hub: {}}\n")
    SECRETS.write_bytes(encrypted(MINE, SECRETS))
    return work


def secrets(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [FEDHUB, "secrets", *argv]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment
    )


def decrypted(path: Path = SECRETS, **environment: str) -> str:
    done = subprocess.run(
        [sops_binary(), "decrypt", str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return done.stdout
