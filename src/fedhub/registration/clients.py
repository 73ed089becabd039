"""What every provider's registrations have in common: which clients there are, and one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

from pydantic import SecretStr

from fedhub.registration.errors import RegistrationError, UncertainError
from fedhub.registration.tag import Tag


def is_line(value: object) -> TypeGuard[str]:
    """Whether this can be an id or a secret: both go into files, requests and onto terminals."""
    return isinstance(value, str) and value != "" and value.isprintable()


@dataclass(frozen=True)
class Credentials:
    """What a hub needs to log people in.

    Attributes:
        client_id: the client's id.
        client_secret: its secret. CILogon tells it once, and can't be asked for it again.
    """

    client_id: str
    client_secret: SecretStr


@dataclass(frozen=True)
class Listed:
    """A client as the list has it; the name is "" where it has none."""

    client_id: str
    name: str


@dataclass(frozen=True)
class RegisteredClient:
    """A client as the provider shows it.

    Attributes:
        client_id: its id.
        attributes: all that the provider says, also what others have set, under the names of
            RFC 7591 where it has them.
    """

    client_id: str
    attributes: Mapping[str, Any]

    @property
    def tag(self) -> Tag | None:
        """Whose it is; None for a client that is not ours."""
        return Tag.parse(self.attributes.get("comment"))


class Clients(Protocol):
    """The clients that one administrator keeps at a provider.

    Every call raises a RegistrationError when it was refused or could not be made.
    """

    def create(self, attributes: Mapping[str, Any], tag: Tag) -> Credentials:
        """Register a client; never sent twice.

        Args:
            attributes: what to register, under the names of RFC 7591.
            tag: whose it is; kept before calling, to find the client if the answer is lost.

        Raises:
            UncertainError: there may be a client now, and its secret is lost.
        """

    def show(self, client_id: str) -> RegisteredClient:
        """What is registered.

        Raises:
            UnknownClientError: there is no such client.
        """

    def list(self) -> tuple[Listed, ...]:
        """All clients of this administrator."""

    def update(self, client_id: str, changes: Mapping[str, Any]) -> RegisteredClient:
        """Change some attributes and keep all others, also those that others have set.

        Args:
            client_id: which client.
            changes: attribute → value; None takes one away.

        Returns:
            What is registered now; nothing is sent when it is so already.

        Raises:
            UncertainError: nobody knows whether it was done; it may be repeated.
        """

    def claim(self, client_id: str, secret: SecretStr, tag: Tag) -> None:
        """Mark a client, if this is its secret; everything else of it stays.

        Raises:
            WrongSecretError: it is not.
            UncertainError: nobody knows whether it was done; it may be repeated.
        """

    def differences(
        self, client: RegisteredClient, attributes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return those attributes that are registered otherwise, as they should be."""

    def delete(self, client_id: str) -> None:
        """Delete a client; one that is not there is fine."""


def changed(
    clients: Clients,
    client_id: str,
    changes: Mapping[str, Any],
    put: Callable[[], RegisteredClient],
) -> RegisteredClient:
    """Send a change, and see that all of it is there; where the answer is lost, a look decides.

    Args:
        clients: where.
        client_id: which client.
        changes: attribute → value.
        put: sends them, once.

    Raises:
        UncertainError: nobody knows whether it was done; it may be repeated.
        RegistrationError: it was not done, or not all of it.
    """
    try:
        new = put()
    except UncertainError as lost:
        try:
            new = clients.show(client_id)
        except RegistrationError:
            raise lost from None
        if clients.differences(new, changes):
            raise
    if clients.differences(new, changes):
        raise RegistrationError(
            f"the provider did not keep all that was asked for, to update {client_id}",
            fix="look at the client with `fedhub register show`",
        )
    return new
