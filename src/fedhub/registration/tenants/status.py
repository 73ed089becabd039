"""Where a hub's tenant stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from fedhub.registration.tenants.job import TenantJob
from fedhub.registration.tenants.lost import find, way_on

State = Literal["not requested", "lost", "waiting", "active"]


@dataclass(frozen=True)
class TenantStatus:
    """Where a hub's tenant stands.

    Attributes:
        hub: the hub's name.
        provider: its login provider.
        custos: where the tenant is.
        state: `lost` where a request may have made a tenant whose secret nobody has.
        says: what Custos calls the state, where its administrator asks; "" otherwise.
        client_id: "" for none.
        file: where id and secret are stored.
        stored: whether all that the hub needs of an active tenant is there.
        todo: what a person must still do.
    """

    hub: str
    provider: str
    custos: str
    state: State
    says: str
    client_id: str
    file: str
    stored: bool
    todo: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether people can log in by it."""
        return self.state == "active" and self.stored

    def as_json(self) -> dict[str, Any]:
        """Return it as `--format json` prints it."""
        return asdict(self)


def status(job: TenantJob) -> TenantStatus:
    """Find out where a hub's tenant stands.

    One that is not active can't be asked for with its own credentials, so to its owner it waits,
    also when it was denied; more is known to Custos' administrator alone.

    Raises:
        RegistrationError: Custos can't be asked.
    """
    target = job.target
    both, says, client_id = None, "", ""
    state: State = "not requested"
    if target.stored is not None:
        client_id = target.stored.client_id
        both = job.credentials(client_id)
        state = "active" if both else "waiting"
        says = _says(job, client_id)
    elif job.attempt is not None:
        state = "lost"
        found = find(job, job.attempt)
        client_id, says = (found.client_id, found.status) if found else ("", "")
    stored = both is not None and target.has(both)
    return TenantStatus(
        target.hub.name,
        target.provider.name,
        target.settings.address,
        state,
        says,
        client_id,
        str(target.place.file),
        stored,
        _todo(job, state, stored=stored),
    )


def _says(job: TenantJob, client_id: str) -> str:
    if job.root is None:
        return ""
    with job.administration(job.root) as root:
        return root.show(client_id).status


def _todo(job: TenantJob, state: State, *, stored: bool) -> tuple[str, ...]:
    if state == "not requested":
        return (job.command("request"),)
    if state == "lost" and job.attempt is not None:
        return (way_on(job, job.attempt),)
    if state == "waiting" and job.root is None:
        return (f"wait until {job.approvers} have approved it, then {job.command('activate')}",)
    return () if stored else (job.command("activate"),)
