"""Taking up an approved tenant; approving it first, where Custos' administrator runs this."""

from __future__ import annotations

from fedhub.errors import FedhubError
from fedhub.registration.custos.replies import TenantCredentials
from fedhub.registration.job import Outcome
from fedhub.registration.stored import store
from fedhub.registration.tenants.job import TenantJob
from fedhub.registration.tenants.lost import find, lost


def activate(job: TenantJob) -> Outcome:
    """Keep what a hub needs of its active tenant; also of one whose answer was lost.

    Raises:
        FedhubError: there is none, or it is not approved.
    """
    target = job.target
    target.place.check()
    client_id = target.stored.client_id if target.stored else _lost_one(job)
    both = job.credentials(client_id)
    if both is not None and target.has(both):
        job.note(None)
        return Outcome("unchanged", client_id)
    if both is None and job.root is None:
        raise FedhubError(
            f"the tenant of {target.name} is not active, or the secret in {target.place.file} is "
            "not the one that Custos told",
            fix=f"wait until {job.approvers} have approved {client_id}, then try again",
        )
    job.agree(Outcome("activated", client_id), _lines(job, client_id, approve=both is None))
    credentials, beside = target.to_store(both or _approved(job, client_id))
    before = target.stored.client_id if target.stored else None
    store(target.place, credentials, instead_of=before, beside=beside)
    job.note(None)
    deploy = f"commit {target.place.file}, and deploy {target.hub.name}"
    return Outcome("activated", client_id, (deploy,))


def _lost_one(job: TenantJob) -> str:
    if job.attempt is None:
        raise FedhubError(f"{job.target.name} has no tenant", fix=job.command("request"))
    found = find(job, job.attempt)
    if found is not None:
        return found.client_id
    if job.root is None:
        raise lost(job, job.attempt)
    raise FedhubError(
        f"{job.target.name}: there is no tenant of the request whose answer was lost",
        fix=job.command("request"),
    )


def _lines(job: TenantJob, client_id: str, *, approve: bool) -> list[str]:
    target = job.target
    which = "Keycloak's secret, and Custos' beside it" if target.uses_keycloaks else "its secret"
    first = [f"approve {client_id} at {target.settings.address}"] if approve else []
    return [*first, f"store {which}, in {target.place.file}"]


def _approved(job: TenantJob, client_id: str) -> TenantCredentials:
    assert job.root is not None
    with job.administration(job.root) as root:
        root.activate(client_id)
    both = job.credentials(client_id)
    if both is None:
        raise FedhubError(
            f"{client_id} is active now, but Custos does not tell its credentials",
            fix="try again",
        )
    return both
