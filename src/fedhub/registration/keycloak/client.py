"""The clients of one Keycloak realm, for the service account of an administrative client."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Self
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from fedhub.registration.admin import AdminCredentials
from fedhub.registration.calls import TIMEOUT, Calls
from fedhub.registration.clients import Credentials, Listed, RegisteredClient, changed
from fedhub.registration.errors import (
    RegistrationError,
    UncertainError,
    UnknownClientError,
    UnreachableError,
    WrongSecretError,
)
from fedhub.registration.keycloak import attributes as mapping
from fedhub.registration.keycloak.refusals import KEYCLOAK
from fedhub.registration.keycloak.service_account import ServiceAccountBearer, realm_address
from fedhub.registration.tag import Tag

REGISTRATIONS = "/clients-registrations/default"
KEYCLOAKS_OWN = frozenset(
    {"account", "account-console", "admin-cli", "broker", "realm-management"}
    | {"security-admin-console"}
)
"""The clients that every realm is made with."""
Scopes = Sequence[str]
LONGEST_DESCRIPTION = 255
"""Characters; of more, Keycloak's database makes a 500."""


class KeycloakClients:
    """The clients of a realm. A context manager: it keeps connections open.

    Args:
        admin: the administrative client, a confidential one of the realm.
        url: Keycloak's address; before Keycloak 17, with `/auth`.
        realm: the realm's name.
        timeout: seconds per request.
        wait: sleeps for these seconds between attempts.
        clock: seconds, of which only differences count.

    Raises:
        UsageError: the address is not HTTPS.
    """

    def __init__(
        self,
        admin: AdminCredentials,
        *,
        url: str,
        realm: str,
        timeout: httpx.Timeout | float = TIMEOUT,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        address = realm_address(url, realm)
        rest = realm_address(f"{url.rstrip('/')}/admin", realm)
        self._own_id = admin.client_id
        self._tokens = Calls(address, None, KEYCLOAK, timeout=timeout, wait=wait, within=True)
        bearer = ServiceAccountBearer(self._tokens, admin, clock)
        self._calls = Calls(address, bearer, KEYCLOAK, timeout=timeout, wait=wait)
        self._admin = Calls(rest, bearer, KEYCLOAK, timeout=timeout, wait=wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for calls in (self._calls, self._admin, self._tokens):
            calls.close()

    def create(self, attributes: Mapping[str, Any], tag: Tag) -> Credentials:
        """Register a client. It is never tried twice.

        Args:
            attributes: what to register.
            tag: written into the description; keep it before calling, to find the client if the
                answer is lost.

        Raises:
            UncertainError: there may be a client now: find it by its tag.
            RegistrationError: there is none.
        """
        default, optional = self._scopes_for(attributes.get("scope") or ())
        body = {
            "clientId": f"fedhub-{tag.hub}-{tag.registration[:8]}",
            **mapping.as_keycloak_has_it({**attributes, "comment": _description(tag)}),
            "defaultClientScopes": default,
            "optionalClientScopes": optional,
        }
        said = self._calls.send("POST", "create the client", path=REGISTRATIONS, body=body)
        client_id, secret = said.get("clientId"), said.get("secret")
        if not (isinstance(client_id, str) and client_id and isinstance(secret, str) and secret):
            raise UncertainError(
                "Keycloak created a client but did not tell its id and secret",
                fix="find it by its description, delete it, and create another",
            )
        return Credentials(client_id, SecretStr(secret))

    def show(self, client_id: str) -> RegisteredClient:
        """What is registered.

        Raises:
            UnknownClientError: there is no such client.
            RegistrationError: it can't be shown.
        """
        return _registered(self._found(client_id))

    def _found(self, client_id: str) -> dict[str, Any]:
        what = f"show {client_id}"
        said = self._calls.send("GET", what, path=_path(client_id))
        if said.get("clientId") != client_id:
            raise _unreadable(what)
        return said

    def list(self) -> tuple[Listed, ...]:
        """All clients of the realm that people log in through, but for those of every realm.

        Raises:
            RegistrationError: they can't be listed.
        """
        what = "list the clients"
        found = []
        for one in self._admin.send_for_list("GET", what, path="/clients"):
            if not (isinstance(one, dict) and isinstance(one.get("clientId"), str)):
                raise _unreadable(what)
            if one.get("protocol", "openid-connect") == "openid-connect":
                found.append(Listed(one["clientId"], str(one.get("name") or "")))
        others = KEYCLOAKS_OWN | {self._own_id}
        return tuple(one for one in found if one.client_id not in others)

    def update(self, client_id: str, changes: Mapping[str, Any]) -> RegisteredClient:
        """Change some attributes and keep all others, also those that others have set.

        Only what changes is sent, and Keycloak leaves the rest; scopes alone it takes as a whole.
        Where the answer is lost, a look decides.

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
        found = self._found(client_id)
        now = _registered(found)
        needed = self.differences(now, changes)
        if not needed:
            return now
        body = {"clientId": client_id, **mapping.as_keycloak_has_it(needed)}
        if "scope" in needed:
            body |= self._more_scopes(found, needed["scope"])

        def put() -> RegisteredClient:
            said = self._calls.send("PUT", f"update {client_id}", path=_path(client_id), body=body)
            return _registered(said)

        return changed(self, client_id, changes, put)

    def differences(
        self, client: RegisteredClient, attributes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return which attributes are not registered so; one without a value may be absent."""
        return mapping.differences(client.attributes, attributes)

    def claim(self, client_id: str, secret: SecretStr, tag: Tag) -> None:
        """Mark a client, if this is its secret.

        Raises:
            WrongSecretError: it is not.
            UnknownClientError: there is no such client.
            UncertainError: nobody knows whether it was done; it may be repeated.
            RegistrationError: it was not done.
        """
        known = str(self._found(client_id).get("secret") or "")
        given = secret.get_secret_value()
        if not known or not hmac.compare_digest(given.encode(), known.encode()):
            raise WrongSecretError(
                f"this is not the secret of {client_id}",
                fix="give the one that Keycloak shows under the client's Credentials",
            )
        body = {"clientId": client_id, "description": _description(tag)}
        self._calls.send("PUT", f"mark {client_id}", path=_path(client_id), body=body)

    def delete(self, client_id: str) -> None:
        """Delete a client; one that is not there is fine.

        Raises:
            RegistrationError: it was not deleted.
        """
        try:
            self._calls.send("DELETE", f"delete {client_id}", path=_path(client_id))
        except UnknownClientError:
            return

    @cached_property
    def _realms_scopes(self) -> tuple[Scopes, Scopes]:
        """The scopes that the realm gives to new clients: by default, and for the asking."""
        pages = ("/default-default-client-scopes", "/default-optional-client-scopes")
        found = []
        for page in pages:
            scopes = self._admin.send_for_list("GET", "tell the realm's scopes", path=page)
            found.append([_scope_name(one) for one in scopes if _is_openids(one)])
        return found[0], found[1]

    def _scopes_for(self, wanted: Iterable[str]) -> tuple[Scopes, Scopes]:
        """The scopes of a new client: the realm's default ones, and what is wanted beside them."""
        default, optional = self._realms_scopes
        asked = [one for one in dict.fromkeys(wanted) if one != mapping.OPENID]
        _check(one for one in asked if one not in default and one not in optional)
        return default, [one for one in asked if one not in default]

    def _more_scopes(self, client: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
        default, optional = mapping.default_scopes(client), mapping.optional_scopes(client)
        has = {*default, *optional, mapping.OPENID}
        more = [one for one in wanted if one not in has]
        offered = {one for scopes in self._realms_scopes for one in scopes}
        _check(one for one in more if one not in offered)
        return {"defaultClientScopes": default, "optionalClientScopes": [*optional, *more]}


def _check(lacking: Iterable[str]) -> None:
    names = ", ".join(lacking)
    if names:
        raise RegistrationError(
            f"the realm offers no client scope {names}",
            fix="make it in the realm under Client scopes, assigned as Optional; or take it out of "
            "the hub's scope",
        )


def _registered(said: Mapping[str, Any]) -> RegisteredClient:
    return RegisteredClient(str(said.get("clientId")), mapping.shown(said))


def _path(client_id: str) -> str:
    return f"{REGISTRATIONS}/{quote(client_id, safe='')}"


def _description(tag: Tag) -> str:
    text = str(tag)
    if len(text) > LONGEST_DESCRIPTION:
        raise RegistrationError(
            f"the mark of {tag.hub} is longer than a client's description may be at Keycloak, "
            f"{LONGEST_DESCRIPTION} characters",
            fix="shorten the names of the owner, the hub or its login provider",
        )
    return text


def _is_openids(scope: Any) -> bool:
    return isinstance(scope, dict) and scope.get("protocol") == "openid-connect"


def _scope_name(scope: Mapping[str, Any]) -> str:
    return str(scope.get("name"))


def _unreadable(what: str) -> UnreachableError:
    return UnreachableError(
        f"Keycloak can't be asked to {what}: the answer is not what Keycloak says",
        fix="check Keycloak's address and the realm",
    )
