"""Making a tenant match the hub's values: its owner signs in, and what others set stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedhub.errors import FedhubError
from fedhub.registration.clients import Credentials
from fedhub.registration.custos.administration import Person
from fedhub.registration.job import Outcome
from fedhub.registration.tenants.job import TenantJob

KEPT = ("requester_email", "contacts", "admin_first_name", "admin_last_name", "admin_email")
"""Said once, when the tenant was requested; the owner's account has them since."""


def update(job: TenantJob) -> Outcome:
    """Change what the hub's values say otherwise, such as the callback URL.

    Raises:
        FedhubError: there is no tenant, it is not active, or it is somebody else's.
    """
    target = job.target
    tenant = target.known_to_custos
    if tenant is None:
        raise FedhubError(f"{target.name} has no tenant", fix=job.command("request"))
    wanted = {name: value for name, value in target.wanted.items() if name not in KEPT}
    with job.administration(_owner(job, tenant)) as owner:
        now = owner.show(tenant.client_id)
        if not target.owns(now.tag):
            raise FedhubError(
                f"{tenant.client_id} was not requested for {target.name}",
                fix="change it where it was requested",
            )
        changes = {n: v for n, v in wanted.items() if now.attributes.get(n) != v}
        if not changes:
            return Outcome("unchanged", tenant.client_id)
        job.agree(Outcome("updated", tenant.client_id), _lines(now.attributes, changes))
        owner.update(tenant.client_id, changes)
    return Outcome("updated", tenant.client_id)


def _owner(job: TenantJob, tenant: Credentials) -> Person:
    username, password = job.owner()
    return Person(tenant, username, password)


def _lines(now: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {_text(now.get(name))} → {_text(value)}" for name, value in changes.items()]


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "nothing")
