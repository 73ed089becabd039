"""One realm at two servers: the embedded Keycloak face, and a real Keycloak.

Hides: how somebody signs in and confirms a logout on their pages, and how they are administered.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Protocol
from urllib.parse import urljoin

import httpx
from pydantic import SecretStr

from fedhub.access.persona import Persona
from fedhub.idp.client import Client
from fedhub.idp.keycloak_clients.registry import ServiceAccount
from fedhub.idp.server import IdentityProvider
from fedhub.registration.admin import AdminCredentials
from tests.peers.keycloak import REALM, Keycloak
from tests.providers import CALLBACK, LOGGED_OUT, SECRET

NAME = REALM["realm"]
HUB = Client(
    provider="keycloak",
    face="keycloak",
    client_id="hub1",
    client_secret=SECRET,
    redirect_uris=(CALLBACK,),
    post_logout_redirect_uris=(LOGGED_OUT,),
    realm=NAME,
)
PASSWORD = REALM["users"][0]["credentials"][0]["value"]
ADA = {
    "email": "ada@example.edu",
    "email_verified": True,
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "preferred_username": "ada",
    "groups": ["team-a"],
}
"""What `realm.json` says of her, as claims."""


def browser() -> httpx.Client:
    """Keeps cookies, and follows no redirect."""
    client = httpx.Client(timeout=60, trust_env=False, verify=False)

    def allow(reply: httpx.Response) -> None:
        # Keycloak's are Secure over HTTP too; browsers send them back on the loopback interface.
        for cookie in client.cookies.jar:
            cookie.secure = False

    client.event_hooks["response"].append(allow)
    return client


class Realm(Protocol):
    """The realm `hubtest`, in which ada can sign in."""

    url: str

    def add_client(self, client: Client) -> None:
        """Register a client, or replace it."""

    def sign_in(self, visitor: httpx.Client, page: str) -> httpx.Response:
        """Go to an authorize address and sign in as ada; returns the last answer."""

    def confirm(self, visitor: httpx.Client, asked: httpx.Response) -> httpx.Response:
        """Press the button of the page that asks whether to log out."""

    def service_account(self, *roles: str) -> AdminCredentials:
        """A client whose service account has these roles of `realm-management`."""

    def end_sessions(self) -> None:
        """End all sessions of ada, as an administrator would."""


class EmbeddedRealm:
    """At the embedded identity provider."""

    def __init__(self, provider: IdentityProvider) -> None:
        self.url = provider.url
        self._provider = provider
        persona = Persona("ada", "keycloak", "", "", "A student", {"sub": "ada-sub", **ADA})
        provider.set_personas([persona])

    def add_client(self, client: Client) -> None:
        self._provider.add_client(client)

    def sign_in(self, visitor: httpx.Client, page: str) -> httpx.Response:
        return visitor.post(page, data={"persona": "ada"})

    def confirm(self, visitor: httpx.Client, asked: httpx.Response) -> httpx.Response:
        return visitor.post(form_of(asked), data={"confirm": "yes"})

    def service_account(self, *roles: str) -> AdminCredentials:
        client_id = account_id(roles)
        account = ServiceAccount(NAME, client_id, SECRET, frozenset(roles), "keycloak")
        self._provider.add_service_account(account)
        return AdminCredentials(client_id, SecretStr(SECRET))

    def end_sessions(self) -> None:
        for answer in self._provider.end_sessions("ada"):
            answer.result()


class RealRealm:
    """At a real Keycloak."""

    def __init__(self, keycloak: Keycloak) -> None:
        self.url = keycloak.url
        self._keycloak = keycloak
        self._clients: dict[str, Client] = {}

    def add_client(self, client: Client) -> None:
        self._clients[client.client_id] = client
        self._keycloak.add_client(client)

    def clear(self) -> None:
        """Remove the clients that were added, also by service accounts."""
        for client_id in self._clients:
            self._keycloak.remove_client(NAME, client_id)
        for client in self._keycloak.call("GET", f"/{NAME}/clients?clientId=fedhub-&search=true"):
            self._keycloak.remove_client(NAME, client["clientId"])

    def sign_in(self, visitor: httpx.Client, page: str) -> httpx.Response:
        asked = visitor.get(page)
        if asked.status_code != httpx.codes.OK:
            return asked
        return visitor.post(form_of(asked), data={"username": "ada", "password": PASSWORD})

    def confirm(self, visitor: httpx.Client, asked: httpx.Response) -> httpx.Response:
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', asked.text)
        return visitor.post(form_of(asked), data=dict(hidden) | {"confirmLogout": "Logout"})

    def service_account(self, *roles: str) -> AdminCredentials:
        client_id = account_id(roles)
        self._keycloak.add_service_account(NAME, client_id, SECRET, roles)
        return AdminCredentials(client_id, SecretStr(SECRET))

    def end_sessions(self) -> None:
        (ada,) = self._keycloak.call("GET", f"/{NAME}/users?username=ada&exact=true")
        self._keycloak.call("POST", f"/{NAME}/users/{ada['id']}/logout")


def account_id(roles: tuple[str, ...]) -> str:
    """What a service account's client is called."""
    return "-".join(["registrar", *roles])


def form_of(page: httpx.Response) -> str:
    """Where the form of a page leads."""
    found = re.search(r'<form[^>]* action="([^"]*)"', page.text)
    assert found, page.text
    return urljoin(str(page.url), unescape(found[1]))
