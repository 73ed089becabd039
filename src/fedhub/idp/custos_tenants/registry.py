"""The tenants that were requested, and the institutions that each lets people choose from."""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Status = Literal["UNKNOWN", "REQUESTED", "APPROVED", "DENIED", "CANCELLED", "ACTIVE", "DEACTIVATED"]
FIRST_ID = 10100000
"""Of the tenants requested here; those of a hub's values have lower ones."""
LISTED = ("REQUESTED", "ACTIVE", "DENIED")
"""What a list without a status shows."""
_ID = string.ascii_lowercase + string.digits
_SECRET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Tenant:
    """A tenant that was requested.

    Attributes:
        tenant_id: the name of its realm, too.
        client_id: as Custos and Keycloak know it.
        client_secret: Custos'; Keycloak makes another.
        status: where it stands.
        settings: the fields of its message, as they were asked for.
        parent: the id of the tenant above it; 0 for none.
        above_all: whether it is the super tenant.
        issued_at: milliseconds since the epoch.
    """

    tenant_id: int
    client_id: str
    client_secret: str = field(repr=False)
    status: Status
    settings: Mapping[str, Any] = field(repr=False)
    parent: int
    issued_at: float
    above_all: bool = False


class Tenants:
    """The memory of the tenant management.

    Args:
        clock: seconds since the epoch.

    Attributes:
        lock: hold it over what must be looked at and changed at once.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.lock = threading.RLock()
        self._tenants: dict[int, Tenant] = {}
        self._next = FIRST_ID
        self._institutions: dict[tuple[str, str], str] = {}

    def add(self, settings: Mapping[str, Any], *, parent: int = 0) -> Tenant:
        """Keep a new tenant, as requested."""
        with self.lock:
            tenant_id, self._next = self._next, self._next + 1
            drawn = "".join(secrets.choice(_ID) for _ in range(20))
            tenant = Tenant(
                tenant_id=tenant_id,
                client_id=f"custos-{drawn}-{tenant_id}",
                client_secret="".join(secrets.choice(_SECRET) for _ in range(40)),
                status="REQUESTED",
                settings=settings,
                parent=parent,
                issued_at=float(int(self._clock() * 1000)),
            )
            self._tenants[tenant_id] = tenant
            return tenant

    def change(self, tenant: Tenant, **changes: Any) -> Tenant:
        """Replace what is known of a tenant."""
        with self.lock:
            self._tenants[tenant.tenant_id] = replace(tenant, **changes)
            return self._tenants[tenant.tenant_id]

    def by_id(self, tenant_id: int | str) -> Tenant | None:
        """The tenant with this id, which is also the name of its realm."""
        with self.lock:
            return next(
                (t for t in self._tenants.values() if str(t.tenant_id) == str(tenant_id)), None
            )

    def by_client(self, client_id: str) -> Tenant | None:
        """The tenant with this client id, unless it was deleted, which ends its credentials."""
        with self.lock:
            found = (t for t in self._tenants.values() if t.client_id == client_id)
            return next((t for t in found if t.status != "DEACTIVATED"), None)

    def all(self) -> list[Tenant]:
        """Every tenant, the newest first."""
        with self.lock:
            return list(self._tenants.values())[::-1]

    def institutions(self, tenant_id: str, kind: str) -> list[str]:
        """The institutions on one of a tenant's lists, by entity id."""
        with self.lock:
            mine = self._institutions.items()
            return [entity for (owner, entity), on in mine if (owner, on) == (tenant_id, kind)]

    def add_institutions(self, tenant_id: str, entities: list[str], kind: str) -> str:
        """Put institutions on a list.

        Returns:
            One that is on a list already, and then nothing was done; "" otherwise.
        """
        with self.lock:
            for entity in entities:
                if (tenant_id, entity) in self._institutions:
                    return entity
            self._institutions |= {(tenant_id, entity): kind for entity in entities}
            return ""

    def remove_institutions(self, tenant_id: str, entities: list[str]) -> None:
        """Take institutions off both lists."""
        with self.lock:
            for entity in entities:
                self._institutions.pop((tenant_id, entity), None)
