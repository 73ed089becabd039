"""An operator's folder of hubs, and the CILogon that its administrator registers them at.

Hides: keys, encrypted files, the command line's entry.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml

from fedhub.cli import main as command_line
from fedhub.hub import load_hub
from fedhub.idp.oa4mp.registry import AdminClient
from fedhub.idp.server import IdentityProvider
from tests.contract.oa4mp_endpoint import Endpoint

ADMIN = AdminClient("cilogon:/adminClient/1/1700000000", "admin:s3cret+/%", max_clients=500)
SOPS = str(Path(sys.executable).with_name("sops"))
VALUES = """\
# The campus hub.
global:
  fedhub:
    domain: {domain}
    login:
      cilogon:
        authenticator: cilogon
        config:
          allow_all: true
"""
SECRETS = """\
# Keys of the hub.
jupyterhub:
  hub:
    config:
      # stays the same
      JupyterHub: {cookie_secret: c00kie-c00kie-c00kie-c00kie-c00kie}
"""


class Said(NamedTuple):
    """What a command printed, and how it ended."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Office:
    """The folder, the provider, and the operator's hands."""

    def __init__(
        self, work: Path, provider: IdentityProvider, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.work = work
        self.values = work / "values"
        self.provider = provider
        self.endpoint = Endpoint(provider, "6.3.2", ADMIN)
        self.capsys = capsys
        self.values.mkdir(exist_ok=True)
        self.settings()
        self.encrypt("enc-admin.yaml", pair(ADMIN))

    def settings(self, **more: Any) -> None:
        """Write `registration.yaml`."""
        administrator = {
            "cilogon_host": "cilogon.org",
            "address": f"{self.provider.url}/oauth2/oidc-cm",
            "credentials": {"file": "enc-admin.yaml"},
        }
        settings = {"owner": "ops", "contact": "ops@example.edu", "administrators": [administrator]}
        (self.values / "registration.yaml").write_text(yaml.safe_dump(settings | more))

    def hub(self, name: str = "campus", *, domain: str = "", secrets: str | None = None) -> None:
        """Write a hub's values."""
        text = VALUES.format(domain=domain or f"{name}.example.org")
        (self.values / f"{name}.values.yaml").write_text(text)
        if secrets is not None:
            self.encrypt(f"enc-{name}.secret.values.yaml", secrets)

    def encrypt(self, name: str, text: str) -> None:
        """Write an encrypted file."""
        file = self.values / name
        command = [SOPS, "encrypt", "--input-type", "yaml", "--output-type", "yaml"]
        done = subprocess.run(
            [*command, "--filename-override", str(file)],
            input=text.encode(),
            capture_output=True,
            check=True,
        )
        file.write_bytes(done.stdout)

    def decrypt(self, name: str) -> str:
        """Return the plaintext of an encrypted file."""
        done = subprocess.run(
            [SOPS, "decrypt", str(self.values / name)], capture_output=True, check=True
        )
        return done.stdout.decode()

    def run(self, *arguments: str) -> Said:
        """Run `fedhub register …`."""
        before = sys.argv
        sys.argv = ["fedhub", "register", *arguments]
        try:
            command_line.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            sys.argv = before
        out, err = self.capsys.readouterr()
        return Said(out, err, code)

    def did(self, *arguments: str) -> Any:
        """Run it as JSON; it must not fail."""
        said = self.run(*arguments, "--format", "json")
        assert said.code == 0, said.err
        return said.json

    def stored(self, name: str = "campus", provider: str = "cilogon") -> tuple[str, str] | None:
        """The id and secret that a hub has."""
        hub = load_hub(name, folder=self.values)
        found = hub.get("credentials", provider)
        return (found["client_id"], found["client_secret"]) if found else None

    def registered(self) -> dict[str, dict[str, Any]]:
        """Every client at the provider, by its id."""
        clients = self.endpoint.get().json()["clients"]
        return {one["client_id"]: self.endpoint.shown(one["client_id"]) for one in clients}

    def works(self, name: str = "campus") -> bool:
        """Whether the provider takes a hub's id and secret."""
        stored = self.stored(name)
        if stored is None:
            return False
        client_id, secret = stored
        form = {"grant_type": "authorization_code", "code": "none", "redirect_uri": "x"}
        form |= {"client_id": client_id, "client_secret": secret}
        said = httpx.post(f"{self.provider.url}/oauth2/token", data=form).json()
        assert said["error"] in ("invalid_request", "invalid_client"), said
        return bool(said["error"] == "invalid_request")

    def journal(self, name: str = "campus") -> Path:
        """Where a hub's journal would be."""
        return self.values / f"enc-{name}.registration.yaml"

    def litter(self) -> Sequence[str]:
        """Files that nobody asked for."""
        return [file.name for file in self.values.iterdir() if ".draft" in file.name]


def pair(admin: AdminClient) -> str:
    """An administrator's credentials, as a source has them."""
    return yaml.safe_dump({"client_id": admin.client_id, "client_secret": admin.client_secret})
