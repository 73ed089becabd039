"""Administrative clients and the clients they registered."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fedhub.idp.client import Client

Release = Literal["5.5", "6.3.2"]
"""Which OA4MP is played."""

MAX_CLIENTS = 50
"""OA4MP's default quota of an administrative client."""


@dataclass(frozen=True)
class AdminClient:
    """Who may register clients.

    Attributes:
        client_id: as in the bearer.
        client_secret: as in the bearer; never shown in a representation.
        approved: whether CILogon's staff has approved it.
        max_clients: its quota; OA4MP lets it have one more.
        provider: the login provider whose personas sign in through its clients; "" for everybody.
    """

    client_id: str
    client_secret: str = field(repr=False)
    approved: bool = True
    max_clients: int = MAX_CLIENTS
    provider: str = ""


@dataclass(frozen=True)
class Registered:
    """A client that an administrative client registered.

    Attributes:
        client_id: made by the server.
        admin: who registered it.
        secret_hash: all that is kept of the secret; "" for a public client.
        issued_at: seconds since the epoch, of the registration or the last update.
        public: whether it has no secret, ever.
        settings: what OA4MP understands, by its name in JSON.
        extra: other attributes, kept as they came.
    """

    client_id: str
    admin: AdminClient
    secret_hash: str = field(repr=False)
    issued_at: int
    public: bool
    settings: Mapping[str, Any]
    extra: Mapping[str, Any]

    def has_secret(self, secret: str) -> bool:
        """Whether this is its secret; takes the same time for every answer."""
        return bool(self.secret_hash) and secrets.compare_digest(_hash(secret), self.secret_hash)

    def as_client(self) -> Client:
        """The client as a login meets it; `has_secret` checks the secret."""
        settings = self.settings
        refreshes = "refresh_token" in settings["grant_types"] or settings["rt_lifetime"] > 0
        return Client(
            provider=self.admin.provider,
            face="cilogon",
            client_id=self.client_id,
            client_secret="",
            redirect_uris=tuple(settings["redirect_uris"]),
            refresh_tokens=refreshes,
        )


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
        self._admins: dict[str, AdminClient] = {}
        self._clients: dict[str, Registered] = {}

    def add_admin(self, admin: AdminClient) -> None:
        """Let an administrative client in; one with the same id is replaced."""
        with self.lock:
            self._admins[admin.client_id] = admin

    def admin(self, client_id: str) -> AdminClient | None:
        """The administrative client with this id."""
        with self.lock:
            return self._admins.get(client_id)

    def create(
        self,
        admin: AdminClient,
        *,
        public: bool,
        settings: Mapping[str, Any],
        extra: Mapping[str, Any],
    ) -> tuple[Registered, str]:
        """Register a client; returns it and its secret, which is kept nowhere."""
        secret = "" if public else secrets.token_urlsafe(64)
        registered = Registered(
            client_id=f"cilogon:/client_id/{secrets.token_hex(16)}",
            admin=admin,
            secret_hash=_hash(secret) if secret else "",
            issued_at=int(self._clock()),
            public=public,
            settings=settings,
            extra=extra,
        )
        with self.lock:
            self._clients[registered.client_id] = registered
        return registered, secret

    def update(
        self, old: Registered, *, settings: Mapping[str, Any], extra: Mapping[str, Any]
    ) -> Registered:
        """Replace what is known of a client, which must be there: hold the lock."""
        # OA4MP makes a new object, and so the time is that of the update.
        new = replace(old, issued_at=int(self._clock()), settings=settings, extra=extra)
        with self.lock:
            self._clients[old.client_id] = new
        return new

    def delete(self, client_id: str) -> None:
        """Forget a client."""
        with self.lock:
            self._clients.pop(client_id, None)

    def get(self, client_id: str) -> Registered | None:
        """The registered client with this id."""
        with self.lock:
            return self._clients.get(client_id)

    def clients_of(self, admin: AdminClient) -> list[Registered]:
        """What an administrative client has registered, in this order."""
        with self.lock:
            return [
                client
                for client in self._clients.values()
                if client.admin.client_id == admin.client_id
            ]

    def providers(self) -> set[str]:
        """The login providers of all that is registered; "" stands for all."""
        with self.lock:
            return {client.admin.provider for client in self._clients.values()}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
