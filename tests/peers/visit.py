"""A browser, and the hub that it logs in to: every request of theirs to a realm."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx

from fedhub.idp.client import Client
from tests.peers.realms import HUB, Realm, browser
from tests.providers import authorize_url, callback_query

VERIFIER = "VEzxU44XMWG25dNuWPbBUmoPHVMSTdB8NB7UCBKlmHA"
CHALLENGE = "ft1BVfNwBOS4C3turqyvyoG2Ru2D8FrtfQ5W4fTQc4c"
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


class Visit:
    """A context manager: it keeps a browser's connections and cookies.

    Args:
        realm: where the hub is registered.
        hub: its client.
        other: whose browser this is; a new one without it.
    """

    def __init__(self, realm: Realm, hub: Client = HUB, other: Visit | None = None) -> None:
        self.realm = realm
        self.hub = hub
        self.browser = other.browser if other else browser()
        self._server = (
            other._server if other else httpx.Client(timeout=60, trust_env=False, verify=False)
        )

    def __enter__(self) -> Visit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.browser.close()
        self._server.close()

    @property
    def issuer(self) -> str:
        return f"{self.realm.url}/realms/{self.hub.realm}"

    def at(self, endpoint: str) -> str:
        return f"{self.issuer}/protocol/openid-connect/{endpoint}"

    @property
    def own(self) -> dict[str, str]:
        """The hub's id and secret, as a form has them."""
        return {"client_id": self.hub.client_id, "client_secret": self.hub.client_secret}

    def address(self, **more: str) -> str:
        """The address a login begins at; a parameter set to "" is left out."""
        own = {"client_id": self.hub.client_id, "redirect_uri": self.hub.redirect_uris[0]}
        return authorize_url(self.at("auth"), "keycloak", **{**own, **more})

    def begin(self, **more: str) -> httpx.Response:
        """Begin a login; what the browser is shown."""
        return self.browser.get(self.address(**more))

    def code(self, **more: str) -> str:
        """Sign in as ada, and come back with a code."""
        return callback_query(self.realm.sign_in(self.browser, self.address(**more)))["code"]

    def redeem(self, code: str, **more: str) -> httpx.Response:
        """Ask for tokens; a parameter set to "" is left out."""
        form = {"grant_type": "authorization_code", "redirect_uri": self.hub.redirect_uris[0]}
        return self.ask("token", **{**form, "code": code, **more})

    def log_in(self, **more: str) -> dict[str, Any]:
        """Sign in as ada; the hub's tokens."""
        tokens: dict[str, Any] = self.redeem(self.code(**more)).raise_for_status().json()
        return tokens

    def come_again(self) -> dict[str, Any]:
        """Log in with the session that the browser has."""
        code = callback_query(self.begin())["code"]
        tokens: dict[str, Any] = self.redeem(code).raise_for_status().json()
        return tokens

    def refresh(self, tokens: dict[str, Any], **more: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        return self.ask("token", **{**form, **more})

    def ask(self, endpoint: str, **form: str) -> httpx.Response:
        """Post a form, as the hub itself."""
        filled = {name: value for name, value in {**self.own, **form}.items() if value}
        return self._server.post(self.at(endpoint), data=filled)

    def userinfo(self, access_token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
        return self._server.get(self.at("userinfo"), headers=headers)

    def log_out(self, **query: str) -> httpx.Response:
        return self.browser.get(self.at("logout"), params=query)

    @property
    def is_signed_in(self) -> bool:
        """Whether the provider knows this browser."""
        return "code" in callback_query(self.begin(prompt="none"))


def refused(reply: httpx.Response) -> tuple[int, str, str]:
    """The status, code and words of an error in JSON."""
    assert reply.headers["content-type"] == "application/json", reply.text
    said = reply.json()
    assert set(said) == {"error", "error_description"}
    return reply.status_code, said["error"], said["error_description"]


def is_page(reply: httpx.Response, status: int, words: str = "") -> bool:
    """Whether it is a page for people, with these words, that leads nowhere."""
    html = reply.headers["content-type"].startswith("text/html")
    there = words in reply.text and "location" not in reply.headers
    return reply.status_code == status and html and there
