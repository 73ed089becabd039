"""What is registered, against what is wanted and what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fedhub.registration.clients import Clients, RegisteredClient
from fedhub.registration.errors import UnknownClientError
from fedhub.registration.journal import Unfinished
from fedhub.registration.targets import Target
from fedhub.registration.update import callbacks, described, wanted_of

State = Literal[
    "as wanted", "differs", "not registered", "not stored", "stored only", "not fedhub's"
]


@dataclass(frozen=True)
class Row:
    """One registration.

    Attributes:
        hub: the hub's name.
        provider: its login provider.
        administrator: where it is registered, in words.
        state: in two words; `not stored` is registered with no secret at hand, `stored only` the
            other way round.
        client_id: "" for none.
        callbacks: the callback URLs that are registered.
        wanted: the callback URLs that the hub asks for.
        differences: between the two, line by line.
        file: where id and secret are stored.
        overlap: whether callback URLs are kept that nobody asks for.
        rotation: the other client of a rotation that is under way; "" for none.
        lost: clients that may be there and are of no use.
        registered: all attributes, as the provider has them.
    """

    hub: str
    provider: str
    administrator: str
    state: State
    client_id: str
    callbacks: tuple[str, ...]
    wanted: tuple[str, ...]
    differences: tuple[str, ...]
    file: str
    overlap: bool
    rotation: str
    lost: int
    registered: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether nothing is to be done about it."""
        return self.state == "as wanted" and not self.rotation and not self.lost

    def as_json(self) -> dict[str, Any]:
        """Return it as `--format json` prints it."""
        return asdict(self)


def row(
    target: Target,
    unfinished: Unfinished,
    clients: Clients,
    client: RegisteredClient | None,
) -> Row:
    """Return a registration, held against its client.

    Args:
        target: the registration.
        unfinished: what the journal has of it.
        clients: of the administrator.
        client: the one whose id is stored, or else the one that is tagged as its; None for none.
    """
    state, differences = _state(target, clients, client)
    tag = client.tag if client else None
    stored = target.stored.client_id if target.stored else ""
    client_id = client.client_id if client else stored
    return Row(
        hub=target.hub.name,
        provider=target.provider.name,
        administrator=target.administrator.label,
        state=state,
        client_id=client_id,
        callbacks=tuple(callbacks(client)) if client else (),
        wanted=target.wanted.redirect_uris,
        differences=differences,
        file=str(target.place.file),
        overlap=bool(tag and tag.overlap),
        rotation=_other(unfinished, client_id),
        lost=len(unfinished.attempts),
        registered=client.attributes if client else {},
    )


def _other(unfinished: Unfinished, client_id: str) -> str:
    if unfinished.rotation is None:
        return ""
    old, new = unfinished.rotation.old.client_id, unfinished.rotation.new.client_id
    return old if client_id == new else new


def find_client(target: Target, clients: Clients) -> RegisteredClient | None:
    """Return the client whose id a hub has stored; None where there is none.

    Raises:
        RegistrationError: the provider can't be asked.
    """
    if target.stored is None:
        return None
    try:
        return clients.show(target.stored.client_id)
    except UnknownClientError:
        return None


def _state(
    target: Target, clients: Clients, client: RegisteredClient | None
) -> tuple[State, tuple[str, ...]]:
    if client is None:
        return ("stored only" if target.stored else "not registered"), ()
    if not target.owns(client.tag):
        return "not fedhub's", ()
    changes = clients.differences(client, wanted_of(target, client))
    if target.stored is None or target.stored.client_id != client.client_id:
        return "not stored", ()
    return ("differs" if changes else "as wanted"), tuple(described(client, changes))
