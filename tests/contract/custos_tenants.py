"""A Custos with a super tenant, as its administrators begin one, and tenants in it.

Hides: the first calls to a new Custos, who is who, and which fields a request needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from fedhub.idp.server import IdentityProvider
from fedhub.registration.clients import Credentials
from fedhub.registration.custos.administration import Person, TenantAdministration
from fedhub.registration.custos.client import ONE_TENANT, TENANTS, TenantClient
from fedhub.registration.tag import Tag
from tests.providers import CALLBACK, HUB

PASSWORD = SecretStr("0wner-passw0rd")
ROOT_PASSWORD = SecretStr("r00t-passw0rd")
TAG = Tag("ops", "campus", "custos", "0" * 32)
WANTED = {
    "client_name": "Campus hub",
    "requester_email": "ops@example.edu",
    "admin_first_name": "Olga",
    "admin_last_name": "Ops",
    "admin_email": "owner@example.edu",
    "admin_username": "olga",
    "contacts": ["ops@example.edu", "help@example.edu"],
    "redirect_uris": [CALLBACK],
    "client_uri": f"{HUB}/",
    "scope": "openid email profile org.cilogon.userinfo",
    "domain": "hub.example.org",
    "application_type": "web",
    "comment": str(TAG),
}
"""What a hub asks of a tenant."""


class Waits(list[float]):
    """How long it would have slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@dataclass
class Installation:
    """A Custos and its administrator.

    Attributes:
        provider: plays it.
        root: the administrator, who signs in at the super tenant.
        waits: of all clients made here.
    """

    provider: IdentityProvider
    root: Person
    waits: Waits

    @classmethod
    def begun(cls, provider: IdentityProvider) -> Installation:
        """Register the first tenant and make it the super tenant, as Custos' own pages have it."""
        asked = {**WANTED, "client_name": "Custos", "admin_username": "root", "comment": "Custos"}
        asked |= {"admin_email": "root@example.org", "requester_email": "root@example.org"}
        asked |= {"admin_password": ROOT_PASSWORD.get_secret_value()}
        said = httpx.post(provider.url + ONE_TENANT, json=asked).json()
        status = {"client_id": said["client_id"], "status": "ACTIVE", "super_tenant": True}
        reply = httpx.post(f"{provider.url}{TENANTS}/status", json={**status, "updatedBy": "root"})
        assert reply.json()["status"] == "ACTIVE", reply.text
        credentials = Credentials(said["client_id"], SecretStr(said["client_secret"]))
        return cls(provider, Person(credentials, "root", ROOT_PASSWORD), Waits())

    def as_(self, tenant: Credentials | None, **more: Any) -> TenantClient:
        """What this tenant, or nobody, may do."""
        settings = {"timeout": 30, "wait": self.waits} | more
        return TenantClient(self.provider.url, tenant, **settings)

    def by(self, person: Person, **more: Any) -> TenantAdministration:
        """What this person may do."""
        settings = {"timeout": 30, "wait": self.waits} | more
        return TenantAdministration(self.provider.url, person, **settings)

    def requested(self, **fields: Any) -> Credentials:
        """A tenant that waits for approval."""
        with self.as_(None) as nobody:
            return nobody.request({**WANTED, **fields}, PASSWORD).credentials

    def active(self, **fields: Any) -> Credentials:
        """One that was approved."""
        made = self.requested(**fields)
        with self.by(self.root) as root:
            root.activate(made.client_id)
        return made


@contextmanager
def overheard(monkeypatch: Any) -> Iterator[list[tuple[httpx.Request, httpx.Response]]]:
    """Every request that is sent, and its answer."""
    said: list[tuple[httpx.Request, httpx.Response]] = []
    send = httpx.HTTPTransport.handle_request

    def heard(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        reply = send(self, request)
        reply.read()
        said.append((request, reply))
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", heard)
        yield said
