"""Taking a service away: its token, then its lines in the values and its role."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fedhub.errors import FedhubError, UsageError
from fedhub.hub.credentials import masked, secret_strings
from fedhub.hub.load import load_alone, load_hub
from fedhub.hub.values import Hub
from fedhub.services.declared import FEDHUB, access_scope, in_z2jh, role_path
from fedhub.services.tokens import forget
from fedhub.services.values import Draft, without


@dataclass(frozen=True)
class Removal:
    """What is to be taken away.

    Attributes:
        hub: the hub.
        name: the service.
        entries: where the values and the encrypted file have it.
        draft: the values file without it.
    """

    hub: Hub
    name: str
    entries: tuple[tuple[str, ...], ...]
    draft: Draft

    def shown(self) -> str:
        """Return how the values file changes, secrets hidden."""
        return masked(self.draft.diff(), secret_strings(self.hub))

    def carry_out(self) -> None:
        """Do it.

        The token goes first: what is left when this is cut short is declared, and a second run
        takes it away; a token without a declaration would stop the hub.

        Raises:
            FedhubError: a file can't be written, or was changed meanwhile.
        """
        for entry in self.entries:
            forget(self.hub, entry)
        self.draft.write()


def removal(name: str, service: str, *, folder: Path = Path("values")) -> Removal:
    """Return what taking a service away means.

    Args:
        name: the hub's name in the folder, or the path of a values file.
        service: the service's name.
        folder: where hubs are looked for by name.

    Raises:
        UsageError: there is no such hub or service.
        FedhubError: the service is declared where this hub's own file is not, or still runs.
    """
    hub = load_hub(name, folder=folder)
    entries = tuple(
        (*base, service) for base in (FEDHUB, in_z2jh(hub)) if hub.get(*base, service) is not None
    )
    if not entries:
        raise UsageError(
            f"{hub.name} has no service {service}", fix=f"see `fedhub service list {hub.name}`"
        )
    if hub.get("deployments", service) is not None:
        raise FedhubError(
            f"deployments.{service} still runs it in the cluster",
            fix="remove that first",
            position=hub.position("deployments", service),
        )
    role = role_path(hub, service)
    gone = entries
    if hub.get(*role, "scopes") == [access_scope(service)]:
        gone = (*entries, role)
    for path in gone:
        _check_own(hub, path)
    return Removal(hub, service, entries, without(hub, gone))


def _check_own(hub: Hub, path: tuple[str, ...]) -> None:
    for file in hub.files:
        if file.kind != "common":
            continue
        shared, _ = load_alone(file.path)
        if path in shared.positions:
            raise FedhubError(
                f"{'.'.join(path)} is declared for every hub in the folder",
                fix="remove it there by hand",
                position=shared.positions[path],
            )
