"""Service accounts, and the clients of each realm that were registered by them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fedhub.idp.client import Client
from fedhub.idp.keycloak_clients.representation import as_client

TOKEN_LIFETIME = 300.0
"""Seconds; a realm's default."""


@dataclass(frozen=True)
class ServiceAccount:
    """A client of a realm that asks in its own name.

    Attributes:
        realm: the realm's name.
        client_id: as in the token request.
        client_secret: as in the token request; never shown in a representation.
        roles: of the client `realm-management`.
        provider: the login provider whose personas sign in through its clients; "" for everybody.
    """

    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    roles: frozenset[str] = frozenset({"manage-clients"})
    provider: str = ""


@dataclass(frozen=True)
class Registered:
    """A client: Keycloak's `ClientRepresentation`, and the login provider whose people it has."""

    representation: dict[str, Any] = field(repr=False)
    provider: str

    @property
    def secret(self) -> str:
        """The client's."""
        return str(self.representation["secret"])

    def as_client(self, realm: str) -> Client:
        """The client as a login meets it."""
        return as_client(self.representation, realm, self.provider)


class Registry:
    """The memory of the endpoint.

    Args:
        clock: seconds since the epoch.

    Attributes:
        lock: hold it over what must be looked at and changed at once.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.lock = threading.RLock()
        self._accounts: dict[tuple[str, str], ServiceAccount] = {}
        self._tokens: dict[str, tuple[ServiceAccount, float]] = {}
        self._clients: dict[tuple[str, str], Registered] = {}

    def add_account(self, account: ServiceAccount) -> None:
        """Let a service account in; one with the same realm and id is replaced."""
        with self.lock:
            self._accounts[account.realm, account.client_id] = account

    def account(self, realm: str, client_id: str) -> ServiceAccount | None:
        """The service account of a client."""
        with self.lock:
            return self._accounts.get((realm, client_id))

    def accounts(self, realm: str) -> list[ServiceAccount]:
        """All of a realm."""
        with self.lock:
            return [one for one in self._accounts.values() if one.realm == realm]

    def issue(self, account: ServiceAccount, token: str) -> None:
        """Remember a token."""
        with self.lock:
            self._tokens[token] = (account, self._clock() + TOKEN_LIFETIME)

    def holder(self, realm: str, token: str) -> ServiceAccount | None:
        """Whose live token of a realm this is."""
        with self.lock:
            account, ends = self._tokens.get(token, (None, 0.0))
        live = account is not None and account.realm == realm and self._clock() < ends
        return account if live else None

    def keep(self, realm: str, registered: Registered) -> None:
        """Register a client, or replace it."""
        with self.lock:
            self._clients[realm, registered.representation["clientId"]] = registered

    def delete(self, realm: str, client_id: str) -> None:
        """Forget a client."""
        with self.lock:
            self._clients.pop((realm, client_id), None)

    def get(self, realm: str, client_id: str) -> Registered | None:
        """The registered client with this id."""
        with self.lock:
            return self._clients.get((realm, client_id))

    def clients(self, realm: str) -> list[Registered]:
        """All of a realm."""
        with self.lock:
            return [one for (where, _), one in self._clients.items() if where == realm]


def new_secret() -> str:
    """As long as Keycloak's."""
    return secrets.token_urlsafe(64)
