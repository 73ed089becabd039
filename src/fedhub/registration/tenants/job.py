"""One command at work on one tenant: what it works with and asks for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from pydantic import SecretStr

from fedhub.registration.clients import Credentials
from fedhub.registration.custos.administration import Person, TenantAdministration
from fedhub.registration.custos.client import TenantClient
from fedhub.registration.custos.replies import TenantCredentials
from fedhub.registration.errors import CredentialsError
from fedhub.registration.job import Outcome
from fedhub.registration.journal import Attempt, Journal
from fedhub.registration.tenants.target import TenantTarget


@dataclass
class TenantJob:
    """What a command works with.

    Attributes:
        target: the tenant.
        journal: of the hub.
        agree: told what will be done, line by line; raises to stop it.
        custos: opens Custos for a tenant, or for nobody.
        owner: gives the name and the password of the tenant's owner.
        root: Custos' own administrator, where that is who runs this.
        administration: opens Custos for a person.
        dry: change nothing, not even the journal.
    """

    target: TenantTarget
    journal: Journal
    agree: Callable[[Outcome, list[str]], None]
    custos: Callable[[Credentials | None], TenantClient]
    owner: Callable[[], tuple[str, SecretStr]]
    root: Person | None
    administration: Callable[[Person], TenantAdministration]
    dry: bool = False

    @property
    def attempt(self) -> Attempt | None:
        """The request whose answer was lost."""
        found = self.journal[self.target.provider.name].attempts
        return found[-1] if found else None

    def note(self, attempt: Attempt | None) -> None:
        """Write into the journal which request is open."""
        if not self.dry:
            name = self.target.provider.name
            attempts = (attempt,) if attempt else ()
            self.journal.write(name, replace(self.journal[name], attempts=attempts))

    def credentials(self, client_id: str) -> TenantCredentials | None:
        """What a tenant has been given; None where it is not active, or those who may ask can't.

        Raises:
            RegistrationError: Custos can't be asked.
        """
        super_tenant = self.root.tenant if self.root else None
        for asks in (self.target.known_to_custos, super_tenant):
            if asks is not None:
                with suppress(CredentialsError), self.custos(asks) as custos:
                    return custos.credentials(client_id)
        return None

    @property
    def approvers(self) -> str:
        """Who approves a tenant."""
        mail = self.target.settings.approval
        return f"Custos' administrators ({mail})" if mail else "Custos' administrators"

    def command(self, name: str) -> str:
        """One of the commands, for this hub, as it is typed."""
        return f"`fedhub register tenant {name} {self.target.hub.name}`"
