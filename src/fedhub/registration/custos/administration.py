"""What takes a person at Custos: a tenant's owner for that tenant, an administrator for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx
from pydantic import SecretStr

from fedhub.registration.calls import TIMEOUT, Calls, Method
from fedhub.registration.clients import Credentials
from fedhub.registration.custos import replies
from fedhub.registration.custos.bearers import PersonBearer
from fedhub.registration.custos.client import ONE_TENANT, TENANTS, TenantClient
from fedhub.registration.custos.refusals import CUSTOS
from fedhub.registration.errors import RegistrationError, UncertainError, UnknownClientError

ONLY_CUSTOS = frozenset(
    {"tenant_id", "tenant_status", "client_id", "parent_tenant_id", "parent_client_id"}
    | {"admin_password"}
)
"""What Custos shows and sets itself; the owner's password it keeps."""
SETS = frozenset({"redirect_uris", "contacts"})
"""Kept in no order."""
PAGE = 100
EARLY = 60.0
"""Seconds before its end at which a token is renewed."""


@dataclass(frozen=True)
class Person:
    """Who signs in by name and password.

    Attributes:
        tenant: where; an administrator of Custos' at the super tenant.
        username: as the tenant's realm knows it.
        password: never shown in a representation.
    """

    tenant: Credentials
    username: str
    password: SecretStr


class TenantAdministration:
    """Tenants, as one person may deal with them. A context manager: it keeps connections open.

    Args:
        address: of Custos, such as `https://custos.example.org`.
        person: who asks.
        timeout: seconds per request.
        wait: sleeps for these seconds between attempts.
        clock: seconds, of which only differences count.

    Raises:
        UsageError: the address is not HTTPS.
    """

    def __init__(
        self,
        address: str,
        person: Person,
        *,
        timeout: httpx.Timeout | float = TIMEOUT,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._person = person
        self._bearer = PersonBearer()
        self._ends = float("-inf")
        self._clock = clock
        self._client = TenantClient(address, person.tenant, timeout=timeout, wait=wait)
        address = address.rstrip("/")
        self._calls = Calls(address, self._bearer, CUSTOS, timeout=timeout, wait=wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.close()
        self._client.__exit__()

    def show(self, client_id: str) -> replies.Tenant:
        """A tenant.

        Raises:
            UnknownClientError: there is no such tenant.
            CredentialsError: it is not this person's.
            RegistrationError: it can't be shown.
        """
        what = f"show {client_id}"
        found = replies.tenant(self._send("GET", what, query={"client_id": client_id}), what)
        if found.client_id != client_id:
            raise replies.unreadable(what)
        return found

    def update(self, client_id: str, changes: Mapping[str, Any]) -> replies.Tenant:
        """Change some fields and keep all others.

        Custos replaces a tenant as a whole, so what it shows is sent back with the changes. Where
        the answer is lost, a look decides.

        Args:
            client_id: which tenant.
            changes: field of the message `Tenant` → value; None empties it.

        Returns:
            What is there now; nothing is sent when it is so already.

        Raises:
            UncertainError: nobody knows whether it was done; it may be repeated.
            RegistrationError: it was not done.
        """
        now = self.show(client_id)
        if _has(now, changes):
            return now
        both = {**now.attributes, **changes}
        body = {n: v for n, v in both.items() if v is not None and n not in ONLY_CUSTOS}
        what = f"update {client_id}"
        try:
            self._send("PUT", what, query={"client_id": client_id}, body=body)
        except UncertainError as lost:
            new = self._look_again(client_id, lost)
            if not _has(new, changes):
                raise
            return new
        new = self.show(client_id)
        if not _has(new, changes):
            fix = "look at the tenant with `fedhub register tenant status`"
            raise RegistrationError(f"Custos did not keep all, to {what}", fix=fix)
        return new

    def _look_again(self, client_id: str, lost: UncertainError) -> replies.Tenant:
        try:
            return self.show(client_id)
        except RegistrationError:
            raise lost from None

    def delete(self, client_id: str) -> None:
        """Delete a tenant with its realm, its people and its credentials; one not there is fine.

        Raises:
            RegistrationError: it was not deleted, or nobody knows.
        """
        try:
            self._send("DELETE", f"delete {client_id}", query={"client_id": client_id})
        except UnknownClientError:
            return

    def activate(self, client_id: str) -> replies.Status:
        """Approve a tenant: its realm is made, and its owner's account.

        Returns:
            Where the tenant stands now; nothing is sent when it is active already.

        Raises:
            UnknownClientError: there is no such tenant.
            CredentialsError: this person is no administrator of the super tenant's.
            UncertainError: nobody knows; it may be repeated.
            RegistrationError: it was not done.
        """
        if self.show(client_id).status == "ACTIVE":
            return "ACTIVE"
        what = f"activate {client_id}"
        body = {"client_id": client_id, "status": "ACTIVE"}
        try:
            self._calls.send("POST", what, path=f"{TENANTS}/status", body=body)
        except UncertainError as lost:
            if self._look_again(client_id, lost).status != "ACTIVE":
                raise
        return self.show(client_id).status

    def tenants(self, requested_by: str = "") -> tuple[replies.Tenant, ...]:
        """All tenants that are requested, active or denied, the newest first.

        Args:
            requested_by: only those of this e-mail address.

        Raises:
            CredentialsError: this person is not of the super tenant.
            RegistrationError: they can't be listed.
        """
        return tuple(self._pages({"requester_email": requested_by} if requested_by else {}))

    def _pages(self, asked: Mapping[str, str]) -> Iterator[replies.Tenant]:
        what, offset, total = "list the tenants", 0, 1
        while offset < total:
            self._sign_in()
            query = {**asked, "limit": str(PAGE), "offset": str(offset)}
            said = self._calls.send("GET", what, path=f"{TENANTS}/tenants", query=query)
            found, total = replies.tenants(said, what)
            yield from found
            offset += PAGE

    def _send(
        self,
        method: Method,
        what: str,
        *,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        self._sign_in()
        return self._calls.send(method, what, path=ONE_TENANT, query=query, body=body)

    def _sign_in(self) -> None:
        if self._clock() < self._ends - EARLY:
            return
        began = self._clock()
        token, lasts = self._client.sign_in(self._person.username, self._person.password)
        self._bearer.token, self._ends = token, began + lasts


def _has(tenant: replies.Tenant, changes: Mapping[str, Any]) -> bool:
    """Whether all changes are there; an empty field counts as none."""
    return all(
        _comparable(name, tenant.attributes.get(name)) == _comparable(name, value)
        for name, value in changes.items()
    )


def _comparable(name: str, value: Any) -> Any:
    if name in SETS:
        return set(value or ())
    return value or None if isinstance(value, str) else value
