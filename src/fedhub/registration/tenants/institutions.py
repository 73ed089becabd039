"""The institutions that a tenant's people are shown; the hub itself lets in whom `idps` names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fedhub.errors import FedhubError
from fedhub.registration.custos.client import TenantClient
from fedhub.registration.custos.replies import Institution
from fedhub.registration.job import Outcome
from fedhub.registration.tenants.job import TenantJob


@dataclass(frozen=True)
class Shown:
    """What people are shown.

    Attributes:
        only: these; all where it is empty.
        never: none of these, where `only` is empty.
    """

    only: tuple[Institution, ...]
    never: tuple[Institution, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as `--format json` prints it."""
        return asdict(self)


def institutions(
    job: TenantJob,
    *,
    only: Sequence[str] = (),
    never: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> Shown:
    """Change what a tenant's people are shown, and say what it is then.

    Args:
        job: what to work with.
        only: entity ids to put on the list of the only ones.
        never: entity ids to put on the list of those that are left out.
        remove: entity ids to take off both.

    Raises:
        FedhubError: there is no tenant, it is not active, or Custos can't be asked.
    """
    tenant = job.target.known_to_custos
    if tenant is None:
        raise FedhubError(f"{job.target.name} has no tenant", fix=job.command("request"))
    with job.custos(tenant) as custos:
        now = _shown(custos)
        more = [one for one in only if one not in _ids(now.only)]
        fewer = [one for one in never if one not in _ids(now.never)]
        if not (more or fewer or remove):
            return now
        job.agree(Outcome("updated", tenant.client_id), _lines(more, fewer, remove))
        # Whatever is on a list can't be put on another.
        custos.remove_institutions([*remove, *more, *fewer])
        if more:
            custos.add_institutions(more, "WHITELIST")
        if fewer:
            custos.add_institutions(fewer, "BACKLIST")
        return _shown(custos)


def _shown(custos: TenantClient) -> Shown:
    return Shown(custos.institutions("WHITELIST"), custos.institutions("BACKLIST"))


def _ids(listed: Sequence[Institution]) -> set[str]:
    return {one.entity_id for one in listed}


def _lines(only: Sequence[str], never: Sequence[str], remove: Sequence[str]) -> list[str]:
    lines = [f"show {one}, and only what is listed so" for one in only]
    lines += [f"leave out {one}" for one in never]
    return [*lines, *(f"take {one} off its list" for one in remove)]
