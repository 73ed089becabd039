"""CILogon's client management (OA4MP's `/oauth2/oidc-cm`), for an administrative client.

Written for every release since 4.4: 200 and 201, JSON and plain errors are understood.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import httpx
from pydantic import SecretStr

from fedhub.registration.admin import AdminCredentials
from fedhub.registration.calls import TIMEOUT, Calls, Server
from fedhub.registration.cilogon.bearer import AdminBearer
from fedhub.registration.cilogon.refusals import ABOUT_CREDENTIALS, error_of, read_refusal
from fedhub.registration.clients import Credentials, Listed, RegisteredClient, changed, is_line
from fedhub.registration.errors import (
    RegistrationError,
    UncertainError,
    UnreachableError,
    WrongSecretError,
)
from fedhub.registration.tag import Tag

CILOGON = "https://cilogon.org/oauth2/oidc-cm"
OA4MP = Server(
    "OA4MP",
    read_refusal,
    error_of,
    (*ABOUT_CREDENTIALS, "max client count", "there is no content"),
)
DEFAULTS = "org.oa4mp:/server#defaults"
ONLY_THE_SERVERS = frozenset(
    {"registration_access_token", "client_secret_expires_at", "client_id_issued_at"}
    | {"registration_client_uri", "client_id", "client_secret"}
)
"""What GET shows and PUT refuses, or would keep as an attribute that hides the server's own."""
SETS = frozenset({"scope", "grant_types", "response_types", "redirect_uris"})


class ClientManagement:
    """The clients of one administrative client. A context manager: it keeps connections open.

    Args:
        admin: whose clients.
        address: of the endpoint.
        timeout: seconds per request.
        wait: sleeps for these seconds between attempts.
    """

    def __init__(
        self,
        admin: AdminCredentials,
        *,
        address: str = CILOGON,
        timeout: httpx.Timeout | float = TIMEOUT,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._calls = Calls(address, AdminBearer(admin), OA4MP, timeout=timeout, wait=wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.close()

    def create(self, attributes: Mapping[str, Any], tag: Tag) -> Credentials:
        """Register a client. It is never tried twice.

        Args:
            attributes: what to register.
            tag: written into the comment; keep it before calling, to find the client if the
                answer is lost.

        Raises:
            UncertainError: there may be a client now. Its secret is lost: find it by its tag,
                delete it, and create another.
            RegistrationError: there is none.
        """
        kept = {n: v for n, v in attributes.items() if v is not None and n not in ONLY_THE_SERVERS}
        body = kept | {"comment": str(tag), "application_type": "web"}
        said = self._calls.send("POST", "create the client", body=body)
        client_id, secret = said.get("client_id"), said.get("client_secret")
        if not (is_line(client_id) and is_line(secret)):
            raise UncertainError(
                "CILogon created a client but did not tell its id and secret",
                fix="find it by its comment, delete it, and create another",
            )
        return Credentials(client_id, SecretStr(secret))

    def show(self, client_id: str) -> RegisteredClient:
        """What is registered.

        Raises:
            UnknownClientError: there is no such client.
            RegistrationError: it can't be shown.
        """
        said = self._calls.send("GET", f"show {client_id}", query={"client_id": client_id})
        return _shown(said, client_id)

    def list(self) -> tuple[Listed, ...]:
        """All clients of this administrative client.

        Raises:
            RegistrationError: they can't be listed.
        """
        said = self._calls.send("GET", "list the clients").get("clients")
        if not isinstance(said, list):
            raise _unreadable("list the clients")
        for one in said:
            if not (isinstance(one, dict) and is_line(one.get("client_id"))):
                raise _unreadable("list the clients")
        return tuple(Listed(one["client_id"], str(one.get("name") or "")) for one in said)

    def update(self, client_id: str, changes: Mapping[str, Any]) -> RegisteredClient:
        """Change some attributes and keep all others, also those that others have set.

        OA4MP replaces a client as a whole, so what it shows is sent back with the changes. Not
        shown, and so lost, is a `description`. Where the answer is lost, a look decides.

        Args:
            client_id: which client.
            changes: attribute → value; None takes one away.

        Returns:
            What is registered now; nothing is sent when it is so already.

        Raises:
            UnknownClientError: there is no such client.
            UncertainError: nobody knows whether it was done; it may be repeated.
            RegistrationError: it was not done.
        """
        now = self.show(client_id)
        if not self.differences(now, changes):
            return now
        body = _merged(now.attributes, changes)

        def put() -> RegisteredClient:
            query = {"client_id": client_id}
            said = self._calls.send("PUT", f"update {client_id}", query=query, body=body)
            return _shown(said, client_id)

        return changed(self, client_id, changes, put)

    def differences(
        self, client: RegisteredClient, attributes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return which attributes are not registered so; one without a value may be absent."""
        return {
            name: value
            for name, value in attributes.items()
            if _comparable(name, client.attributes.get(name)) != _comparable(name, value)
        }

    def claim(self, client_id: str, secret: SecretStr, tag: Tag) -> None:
        """Mark a client, if this is its secret: OA4MP checks one that comes with a PUT.

        Raises:
            WrongSecretError: it is not.
            UnknownClientError: there is no such client.
            UncertainError: nobody knows whether it was done; it may be repeated.
            RegistrationError: it was not done.
        """
        now = self.show(client_id)
        body = _merged(now.attributes, {"comment": str(tag)})
        body["client_secret"] = secret.get_secret_value()
        try:
            self._calls.send("PUT", f"mark {client_id}", query={"client_id": client_id}, body=body)
        except RegistrationError as error:
            if "does not match" not in error.message:
                raise
            raise WrongSecretError(
                f"this is not the secret of {client_id}",
                fix="give the one that CILogon told when it was registered",
            ) from None

    def delete(self, client_id: str) -> None:
        """Delete a client; one that is not there is fine.

        Raises:
            RegistrationError: it was not deleted.
        """
        self._calls.send("DELETE", f"delete {client_id}", query={"client_id": client_id})

    def defaults(self) -> dict[str, Any]:
        """The server's own lifetimes, in seconds, and, of a new one, its release.

        Raises:
            RegistrationError: they can't be had.
        """
        return self._calls.send("GET", "tell its defaults", query={"query": DEFAULTS})


def _shown(said: Mapping[str, Any], client_id: str) -> RegisteredClient:
    if said.get("client_id") != client_id:
        raise _unreadable(f"show {client_id}")
    return RegisteredClient(client_id, said)


def _merged(shown: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a PUT."""
    both = {**shown, **changes}
    kept = {n: v for n, v in both.items() if v is not None and n not in ONLY_THE_SERVERS}
    if "jwks" in kept or "jwks_uri" in kept:
        # It shows the keys but not the method, without which it takes the keys for something else.
        kept.setdefault("token_endpoint_auth_method", "private_key_jwt")
    return kept


def _comparable(name: str, value: Any) -> Any:
    if name in SETS:
        words = value.split() if isinstance(value, str) else value or ()
        known = words if isinstance(words, list | tuple) else [words]
        return {one if isinstance(one, str) else repr(one) for one in known}
    return value or None if isinstance(value, str | list | dict) else value


def _unreadable(what: str) -> RegistrationError:
    return UnreachableError(
        f"CILogon can't be asked to {what}: the answer is not what OA4MP says",
        fix="check the address of the endpoint",
    )
