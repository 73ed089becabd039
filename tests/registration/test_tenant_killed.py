"""`fedhub register tenant`, killed at any instant: no tenant that nobody knows of, and a way on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fedhub.registration.journal import Journal
from tests.registration.office import SECRETS, Office
from tests.registration.tenant_office import TenantOffice
from tests.registration.test_killed import MANY, Victim


@pytest.fixture
def victim(office: Office) -> Iterator[Victim]:
    victim = Victim(office)
    yield victim
    victim.close()


@pytest.fixture
def desk(office: Office) -> TenantOffice:
    """A hub without a tenant, and Custos' administrator."""
    made = TenantOffice(office)
    made.settings(root=True)
    made.hub("keycloak")
    office.encrypt("enc-campus.secret.values.yaml", SECRETS)
    return made


def each_step(victim: Victim, desk: TenantOffice, command: str, *, requested: bool) -> None:
    """Kill the command at each of its steps, each time from the same beginning, and go on."""
    folder = desk.office.values
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    for last in range(1, MANY):
        for file in folder.iterdir():
            file.unlink()
        for name, content in kept.items():
            (folder / name).write_bytes(content)
        if requested:
            desk.unapprove()
        else:
            for tenant in desk.tenants():
                with desk.custos.by(desk.custos.root) as root:
                    root.delete(tenant.client_id)
        ended = victim.run(last, "tenant", command, "campus", "--yes")
        nothing_is_lost(desk)
        go_on(desk)
        if ended:
            assert last > 5, "it counts no steps"
            return
    raise AssertionError("it never came to its end")


def nothing_is_lost(desk: TenantOffice) -> None:
    """Each tenant is in the hub's file or in its journal."""
    attempts = Journal("campus", desk.office.values)["custos"].attempts
    known = {str(one.tag) for one in attempts} | {desk.stored("credentials", "custos", "client_id")}
    for tenant in desk.tenants():
        assert {str(tenant.tag), tenant.client_id} & known, "a tenant that no file knows of"


def go_on(desk: TenantOffice) -> None:
    """What a person would do leads to one tenant, which is taken up."""
    if not desk.tenants():
        desk.did("request", "campus", "--again")
    desk.did("activate", "campus")
    (tenant,) = desk.tenants()
    assert desk.status()["state"] == "active"
    assert desk.status()["stored"]
    assert desk.stored("credentials", "custos", "client_id") == tenant.client_id
    assert not desk.office.journal().exists()
    assert desk.office.litter() == []
    assert "stays the same" in desk.office.decrypt("enc-campus.secret.values.yaml")


def test_a_killed_request_loses_nothing(victim: Victim, desk: TenantOffice) -> None:
    each_step(victim, desk, "request", requested=False)


def test_a_killed_activation_loses_nothing(victim: Victim, desk: TenantOffice) -> None:
    desk.did("request", "campus")
    each_step(victim, desk, "activate", requested=True)
