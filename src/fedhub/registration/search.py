"""Looking through all clients of an administrator: several requests at once."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from fedhub.registration.calls import AT_ONCE
from fedhub.registration.clients import Clients, RegisteredClient
from fedhub.registration.errors import UnknownClientError
from fedhub.registration.tag import Tag


def shown(clients: Clients, known: Iterable[RegisteredClient] = ()) -> tuple[RegisteredClient, ...]:
    """Every client of an administrator, in the list's order.

    The list has names only, so each client is asked for; one that is deleted meanwhile is left out.

    Args:
        clients: of the administrator.
        known: those that need not be asked for.

    Raises:
        RegistrationError: they can't be listed, or one can't be shown.
    """

    by_id = {one.client_id: one for one in known}

    def show(client_id: str) -> RegisteredClient | None:
        try:
            return by_id.get(client_id) or clients.show(client_id)
        except UnknownClientError:
            return None

    listed = [one.client_id for one in clients.list()]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(show, listed)
        return tuple(client for client in found if client is not None)


def find(clients: Clients, tag: Tag) -> tuple[RegisteredClient, ...]:
    """The clients of one registration: none, or the one that was made with its tag.

    Raises:
        RegistrationError: they can't be listed or shown.
    """
    return tuple(
        client
        for client in shown(clients)
        if client.tag and client.tag.registration == tag.registration
    )
