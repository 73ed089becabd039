"""An operator whose hub logs people in by Custos, and the Custos it requests a tenant at."""

from __future__ import annotations

from typing import Any

import httpx
import yaml

from fedhub.hub import load_hub
from fedhub.registration.custos.client import TENANTS
from fedhub.registration.custos.replies import Tenant
from tests.contract.custos_tenants import PASSWORD, Installation
from tests.registration.office import Office, Said

OWNER = {"username": "olga", "password": PASSWORD.get_secret_value()}
LOGIN = """\
# The campus hub.
global:
  fedhub:
    domain: campus.example.org
    login:
      custos:
        authenticator: custos
        config:
          custos_url: {url}
          flavour: {flavour}
          allow_all: true
"""
PLAIN = """\
hub:
  config:
    JupyterHub:
      authenticator_class: custos
    CustosOAuthenticator:
      custos_url: {url}
      flavour: {flavour}
      oauth_callback_url: https://campus.example.org/hub/oauth_callback
      allow_all: true
"""
CALLBACK = "https://campus.example.org/hub/oauth_callback"
APPROVAL = "custos@example.org"


class TenantOffice:
    """The folder, Custos, and the hands of both.

    Args:
        office: the folder; its provider plays Custos too.
    """

    def __init__(self, office: Office) -> None:
        self.office = office
        self.custos = Installation.begun(office.provider)
        self.settings()
        office.encrypt("enc-admin-owner.yaml", yaml.safe_dump(OWNER))
        root = self.custos.root
        credentials = {
            "client_id": root.tenant.client_id,
            "client_secret": root.tenant.client_secret.get_secret_value(),
            "username": root.username,
            "password": root.password.get_secret_value(),
        }
        office.encrypt("enc-admin-root.yaml", yaml.safe_dump(credentials))

    def settings(
        self, *, root: bool = False, owner_from: dict[str, str] | None = None, **more: Any
    ) -> None:
        """Write `registration.yaml`; with Custos' administrator in it or not."""
        custos = {
            "custos_url": self.office.provider.url,
            "approval": APPROVAL,
            "owner": {
                "first_name": "Olga",
                "last_name": "Ops",
                "email": "owner@example.edu",
                "credentials": owner_from or {"file": "enc-admin-owner.yaml"},
            },
        }
        custos |= {"administrator": {"file": "enc-admin-root.yaml"}} if root else {}
        settings = {"owner": "ops", "contact": "ops@example.edu", "custos": [custos]}
        text = yaml.safe_dump(settings | more)
        (self.office.values / "registration.yaml").write_text(text)

    def hub(self, flavour: str = "legacy", text: str = LOGIN) -> None:
        """Write the hub's values."""
        values = text.format(url=self.office.provider.url, flavour=flavour)
        (self.office.values / "campus.values.yaml").write_text(values)

    def run(self, *arguments: str) -> Said:
        """Run `fedhub register tenant …`."""
        return self.office.run("tenant", *arguments)

    def did(self, *arguments: str) -> Any:
        """Run it as JSON; it must not fail."""
        return self.office.did("tenant", *arguments)

    def status(self) -> dict[str, Any]:
        """What `status` says, whether good or not."""
        said: dict[str, Any] = self.run("status", "campus", "--format", "json").json
        return said

    def approve(self) -> None:
        """Let Custos' administrators activate the hub's tenant."""
        with self.custos.by(self.custos.root) as root:
            root.activate(self.tenants()[0].client_id)

    def unapprove(self) -> None:
        """Let them take that back."""
        root = self.custos.root
        with self.custos.as_(root.tenant) as client:
            token, _ = client.sign_in(root.username, root.password)
        status = {"client_id": self.tenants()[0].client_id, "status": "REQUESTED"}
        header = {"Authorization": f"Bearer {token.get_secret_value()}"}
        address = f"{self.office.provider.url}{TENANTS}/status"
        assert httpx.post(address, json=status, headers=header).json()["status"] == "REQUESTED"

    def tenants(self) -> list[Tenant]:
        """All but the super tenant, the newest first."""
        with self.custos.by(self.custos.root) as root:
            return [one for one in root.tenants() if one.tag]

    def stored(self, *path: str) -> Any:
        """A value of the hub's."""
        return load_hub("campus", folder=self.office.values).get(*path)
