"""The request whose answer was lost: there may be a tenant, whose secret nobody has.

Custos' own administrator can look, and can be told the secret once the tenant is active.
"""

from __future__ import annotations

from datetime import UTC, datetime

from fedhub.errors import FedhubError
from fedhub.registration.custos.replies import Tenant
from fedhub.registration.journal import Attempt
from fedhub.registration.settle import STILL_COMING
from fedhub.registration.tenants.job import TenantJob


def find(job: TenantJob, attempt: Attempt) -> Tenant | None:
    """The tenant of a lost request, where Custos' administrator looks.

    Raises:
        RegistrationError: Custos can't be asked.
    """
    if job.root is None:
        return None
    with job.administration(job.root) as root:
        return next((one for one in root.tenants() if one.tag == attempt.tag), None)


def check_there_is_none(job: TenantJob, attempt: Attempt) -> None:
    """Go on where a lost request left no tenant.

    Raises:
        FedhubError: there is one, or nobody here can tell.
    """
    if job.root is None or find(job, attempt) is not None:
        raise lost(job, attempt)
    if attempt.begun > datetime.now(UTC) - STILL_COMING:
        raise FedhubError(
            f"{job.target.name}: a request was lost a moment ago, and may still arrive",
            fix=f"try again in {STILL_COMING.seconds // 60} minutes",
        )


def lost(job: TenantJob, attempt: Attempt, why: str = "") -> FedhubError:
    """The error that says how to go on.

    Args:
        job: what to work with.
        attempt: the request.
        why: it was lost.
    """
    words = why or f"the answer to the request of {attempt.begun:%Y-%m-%d %H:%M} UTC was lost"
    return FedhubError(
        f"{job.target.name}: {words}, and with it a secret", fix=way_on(job, attempt)
    )


def way_on(job: TenantJob, attempt: Attempt) -> str:
    """What a person can do about a lost request."""
    if job.root is not None:
        return f"{job.command('activate')} looks for the tenant, and takes it up"
    return (
        f"ask {job.approvers} to delete the tenant with the comment `{attempt.tag}`, if there is "
        f"one; then {job.command('request')[:-1]} --again`"
    )
