"""What the `fedhub register tenant` commands do with a hub's name: load, lock, open, work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from fedhub.hub import load_hub
from fedhub.registration.admin_credentials import read_source
from fedhub.registration.clients import Credentials
from fedhub.registration.command import Report, Talk, alone, folder_of, opened_settings
from fedhub.registration.custos.administration import Person, TenantAdministration
from fedhub.registration.custos.client import TenantClient
from fedhub.registration.job import DryRun, Outcome
from fedhub.registration.journal import Journal
from fedhub.registration.settings import Custos
from fedhub.registration.tenants.institutions import Shown
from fedhub.registration.tenants.job import TenantJob
from fedhub.registration.tenants.status import TenantStatus, status
from fedhub.registration.tenants.target import tenant_target

ROOT_KEYS = ("client_id", "client_secret", "username", "password")


def work(
    hub: str, provider: str | None, talk: Talk, do: Callable[[TenantJob], Outcome], folder: Path
) -> Report:
    """Do something about the tenant of a hub, alone in its folder.

    Args:
        hub: a name in the folder, or the path of a values file.
        provider: which of its login providers; None for the only one that is Custos.
        talk: with the person.
        do: what.
        folder: where hubs are looked for by name.

    Raises:
        FedhubError: what `do` raises, or the hub can't be loaded.
    """
    with alone(folder_of(hub, folder), talk):
        job = _job(hub, provider, talk, folder)
        try:
            outcome = do(job)
        except DryRun as end:
            outcome = end.outcome
        target = job.target
        return Report(target.hub.name, target.provider.name, str(target.place.file), outcome)


def look(hub: str, provider: str | None, talk: Talk, folder: Path) -> TenantStatus:
    """Find out where the tenant of a hub stands.

    Raises:
        FedhubError: it can't be found out.
    """
    return status(_job(hub, provider, talk, folder))


def show_institutions(
    hub: str, provider: str | None, talk: Talk, change: Callable[[TenantJob], Shown], folder: Path
) -> Shown | None:
    """Change, or look at, the institutions that people are shown; None after a dry run.

    Raises:
        FedhubError: what `change` raises, or the hub can't be loaded.
    """
    with alone(folder_of(hub, folder), talk):
        try:
            return change(_job(hub, provider, talk, folder))
        except DryRun:
            return None


def _job(hub: str, provider: str | None, talk: Talk, folder: Path) -> TenantJob:
    place = folder_of(hub, folder)
    settings = opened_settings(place)
    target = tenant_target(load_hub(hub, folder=folder), settings, provider)
    address = target.settings.address

    def owner() -> tuple[str, SecretStr]:
        source = target.settings.owner.credentials
        username, password = read_source(source, place, ("username", "password"))
        return username, SecretStr(password)

    return TenantJob(
        target,
        Journal(target.hub.name, place),
        talk.agree,
        custos=lambda tenant: TenantClient(address, tenant),
        owner=owner,
        root=_root(target.settings, place),
        administration=lambda person: TenantAdministration(address, person),
        dry=talk.dry,
    )


def _root(settings: Custos, folder: Path) -> Person | None:
    if settings.administrator is None:
        return None
    client_id, secret, username, password = read_source(settings.administrator, folder, ROOT_KEYS)
    return Person(Credentials(client_id, SecretStr(secret)), username, SecretStr(password))
