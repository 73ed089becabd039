"""A new secret for a service: what it changes for whom, and making it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fedhub.hub.load import load_hub
from fedhub.hub.providers import mapping
from fedhub.hub.values import Hub
from fedhub.services.declared import Service, find
from fedhub.services.tokens import check_encrypted, file_of, new_token


@dataclass(frozen=True)
class Rotation:
    """A new secret that is to be.

    Attributes:
        hub: the hub.
        service: the service.
        secrets: the encrypted file that gets it.
    """

    hub: Hub
    service: Service
    secrets: Path

    def carry_out(self) -> None:
        """Put a new token in the place of the old.

        Raises:
            FedhubError: the file can't be written, or was changed meanwhile.
        """
        with new_token(self.hub, self.service.token_path) as put:
            put()

    def consequences(self) -> Iterator[str]:
        """Yield what changes when the hub is deployed, and who must do what.

        JupyterHub keeps one secret for each client (jupyterhub/oauth/provider.py, add_client), so
        there is no time in which both are valid.
        """
        name = self.service.name
        yield (
            f"You: commit {self.secrets}, and deploy; the hub restarts. Until then the old secret "
            f"of {name} is valid, from then on only the new: JupyterHub knows one at a time."
        )
        if self.hub.get("deployments", name) is not None:
            yield f"The pods of {name} get the new one with the same deployment."
        else:
            yield (
                f"The owner of {name}: put the new client secret into the application when the hub "
                "has restarted; from then until that is done, nobody can log in there. `fedhub "
                f"service credentials {self.hub.name} {name} --age KEY` makes what you can e-mail."
            )
        for role in _own_roles(self.hub, name):
            yield (
                f"If the old one has leaked: as an API token it keeps the scopes of the role "
                f"{role}: JupyterHub deletes a service's tokens only with the service. Deploy once "
                f"without {name}, or under another name."
            )


def rotation(name: str, service: str, *, folder: Path = Path("values")) -> Rotation:
    """Return what a new secret for a service means.

    Args:
        name: the hub's name in the folder, or the path of a values file.
        service: the service's name.
        folder: where hubs are looked for by name.

    Raises:
        UsageError: there is no such hub or service.
        FedhubError: the token is in a file that everybody reads.
    """
    hub = load_hub(name, folder=folder)
    found = find(hub, service)
    check_encrypted(hub, found.token_path)
    return Rotation(hub, found, file_of(hub))


def _own_roles(hub: Hub, service: str) -> Iterator[str]:
    """Yield the roles that let the service itself use the hub's API."""
    for key, role in mapping(hub.z2jh_get("hub", "loadRoles")).items():
        if service in (mapping(role).get("services") or []):
            yield key
