"""Requesting a tenant for a hub that has none."""

from __future__ import annotations

from datetime import UTC, datetime

from fedhub.registration.errors import RegistrationError, UncertainError
from fedhub.registration.job import Outcome
from fedhub.registration.journal import Attempt
from fedhub.registration.stored import store
from fedhub.registration.tenants.job import TenantJob
from fedhub.registration.tenants.lost import check_there_is_none, lost


def request(job: TenantJob, *, again: bool = False) -> Outcome:
    """Request a tenant, and keep its id and secret; once.

    Args:
        job: what to work with.
        again: Custos' administrators say that a lost request has left no tenant.

    Raises:
        FedhubError: it could not be done, or nobody knows whether it was.
    """
    target = job.target
    target.place.check()
    if target.stored is not None:
        job.note(None)
        return Outcome("unchanged", target.stored.client_id, (job.command("status"),))
    if job.attempt is not None and not again:
        check_there_is_none(job, job.attempt)
    job.agree(Outcome("requested", ""), _lines(job))
    username, password = job.owner()
    begun, before = Attempt(target.new_tag(), datetime.now(UTC)), job.attempt
    attributes = {**target.wanted, "admin_username": username, "comment": str(begun.tag)}
    job.note(begun)
    try:
        with job.custos(None) as custos:
            made = custos.request(attributes, password)
    except UncertainError as error:
        raise lost(job, begun, error.message) from None
    except RegistrationError:
        job.note(before)
        raise
    store(target.place, made.credentials, instead_of=None)
    job.note(None)
    wait = f"wait until {job.approvers} have approved it, then {job.command('activate')}"
    return Outcome("requested", made.credentials.client_id, (wait,))


def _lines(job: TenantJob) -> list[str]:
    target, wanted = job.target, job.target.wanted
    owner = target.settings.owner
    return [
        f"at            {target.settings.address}",
        f"name          {wanted['client_name']}",
        *(f"callback URL  {one}" for one in wanted["redirect_uris"]),
        f"scopes        {wanted['scope']}",
        f"owner         {owner.first_name} {owner.last_name} <{owner.email}>",
        f"contact       {wanted['requester_email']}",
        f"credentials   into {target.place.file}, encrypted",
    ]
