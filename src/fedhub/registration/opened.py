"""The client managements of a folder's administrators, opened when they are first needed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from fedhub.registration.admin import AdminCredentials
from fedhub.registration.admin_credentials import admin_credentials
from fedhub.registration.cilogon.client import ClientManagement
from fedhub.registration.clients import Clients
from fedhub.registration.keycloak.client import KeycloakClients
from fedhub.registration.settings import Administrator


class Opened:
    """A context manager; what it opened is closed at its end.

    Args:
        folder: where `registration.yaml` is, and the files that it names.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: list[tuple[Administrator, Clients]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def of(self, administrator: Administrator) -> Clients:
        """Return the clients of an administrator; the same object each time.

        Raises:
            FedhubError: its credentials can't be had.
        """
        for known, clients in self._open:
            if known is administrator:
                return clients
        credentials = admin_credentials(administrator.credentials, self._folder)
        clients = _management(administrator, credentials)
        self._stack.enter_context(clients)
        self._open.append((administrator, clients))
        return clients


def _management(
    administrator: Administrator, credentials: AdminCredentials
) -> ClientManagement | KeycloakClients:
    if administrator.iam_url is not None and administrator.realm is not None:
        url = administrator.address or administrator.iam_url
        return KeycloakClients(credentials, url=url, realm=administrator.realm)
    address = administrator.address or f"https://{administrator.cilogon_host}/oauth2/oidc-cm"
    return ClientManagement(credentials, address=address)
