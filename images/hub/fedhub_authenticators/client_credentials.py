"""The hub's own client id and secret: from files, read when they are used.

Kubernetes replaces the files of a mounted Secret while the pod runs, so a rotation needs no
restart. A login that was begun with the pair before is finished with it.
"""

from __future__ import annotations

import base64
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPResponse
from traitlets import Unicode

from fedhub_authenticators.fetching import Fetching
from fedhub_authenticators.login import fingerprint, state_id_of
from fedhub_authenticators.refusals import Reason, Refused

KEPT_FOR = 24 * 3600.0
"""Seconds for which a pair that was replaced is still used, by those who began with it."""

CLIENT = "client_id"
"""The key of auth_state that says with which client somebody's tokens were made."""

_TRIES = 5
"""How often a Secret is read that is being replaced at that moment."""


@dataclass(frozen=True)
class Client:
    """A client id and its secret."""

    client_id: str
    client_secret: str = field(repr=False)


_in_use: ContextVar[Client | None] = ContextVar("client in use", default=None)


class ClientCredentials(Fetching, OAuthenticator):
    """Reads the client's credentials anew when their files change."""

    client_id_file = Unicode(
        config=True, help="A file with the client id, read at every use; instead of `client_id`."
    )
    client_secret_file = Unicode(
        config=True,
        help="A file with the client secret, read at every use; instead of `client_secret`.",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._earlier: dict[str, tuple[Client, float]] = {}
        self.current_client()

    def current_client(self) -> Client:
        """Return the pair for what begins now. Unreadable files leave the pair before in force."""
        if self.client_id_file or self.client_secret_file:
            try:
                self._take(*_read_together(self.client_id_file, self.client_secret_file))
            except (OSError, ValueError) as error:
                self.log.error("The client's credentials can't be read: %s", error)
        return self._configured()

    def _configured(self) -> Client:
        return Client(self.client_id, self.client_secret)

    def _take(self, client_id: str | None, client_secret: str | None) -> None:
        before = self._configured()
        now = Client(client_id or before.client_id, client_secret or before.client_secret)
        if now == before:
            return
        if before.client_id and before.client_secret:
            self._earlier[before.client_id] = (before, monotonic())
            self.log.info("The client's credentials have changed")
        self.set_trait("client_id", now.client_id)
        self.set_trait("client_secret", now.client_secret)

    def client_in_use(self) -> Client:
        """Return the pair for what is going on, which may have begun with an earlier one."""
        return _in_use.get() or self._configured()

    def secrets_in_use(self) -> list[str]:
        """Return the client secrets that the provider is sent."""
        return [self.client_in_use().client_secret, getattr(self, "custos_client_secret", "")]

    def known_client_ids(self) -> list[str]:
        """Return the ids of clients that people may have logged in with, the current one first."""
        earlier = [key for key, (_, at) in self._earlier.items() if monotonic() - at < KEPT_FOR]
        return list(dict.fromkeys([self.current_client().client_id, *earlier]))

    def use_client(self, client_id: Any) -> None:
        """Go on with the pair of a client id, as far as it is still known."""
        _in_use.set(self._known_client(lambda client: client.client_id == client_id))

    def _known_client(self, fits: Any) -> Client:
        current = self.current_client()
        if fits(current):
            return current
        for client, replaced in self._earlier.values():
            if fits(client) and monotonic() - replaced < KEPT_FOR:
                return client
        return current

    def client_refused(self, response: HTTPResponse) -> bool:
        """Say so of the current client alone.

        That one before it has ended at the provider is how rotations go: whose tokens it made
        logs in again.
        """
        return self.client_in_use() == self._configured() and super().client_refused(response)

    # --- where upstream takes them ------------------------------------------------------

    def build_access_tokens_request_params(self, handler: Any, data: Any = None) -> dict[str, Any]:
        """Finish a login with the client that began it.

        Raises:
            Refused: nobody began one, as with JupyterHub's API, which takes a login's parameters
                from any request (`POST /hub/api/users/<name>/tokens`).
        """
        if not hasattr(handler, "get_state_cookie"):
            words = "Log in with a browser, at the hub's login page."
            raise Refused(Reason.NOT_BEGUN_HERE, words, status=400)
        params: dict[str, Any] = super().build_access_tokens_request_params(handler, data)
        begun_with = state_id_of(handler).rpartition("-")[2]
        _in_use.set(self._known_client(lambda one: fingerprint(one.client_id) == begun_with))
        return self._with_client(params)

    def build_refresh_token_request_params(self, refresh_token: str) -> dict[str, Any]:
        """Refresh with the client that the refresh token was made for (RFC 6749 section 6)."""
        return self._with_client(super().build_refresh_token_request_params(refresh_token))

    def _with_client(self, params: dict[str, Any]) -> dict[str, Any]:
        client = self.client_in_use()
        if "client_id" in params:
            params["client_id"] = client.client_id
        if "client_secret" in params:
            params["client_secret"] = client.client_secret
        return params

    def build_token_info_request_headers(self) -> dict[str, str]:
        """Name the client in the header, where `basic_auth` wants it there."""
        headers: dict[str, str] = super().build_token_info_request_headers()
        if self.basic_auth:
            client = self.client_in_use()
            pair = f"{client.client_id}:{client.client_secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return headers


def _read_together(*files: str) -> list[str | None]:
    """Return what stands in files of one Secret, never half of it from before a change.

    Kubernetes puts a changed Secret in place by turning one link, `..data`, in its folder.

    Raises:
        OSError: one can't be read.
        ValueError: one is empty or no text, or they keep changing.
    """
    for _ in range(_TRIES):
        before = [_version(file) for file in files]
        found = [read_secret(file) if file else None for file in files]
        if before == [_version(file) for file in files]:
            return found
    raise ValueError("they are being replaced again and again")


def _version(file: str) -> tuple[str, int, int] | None:
    if not file:
        return None
    real = Path(file).resolve()
    about = real.stat()
    return str(real), about.st_mtime_ns, about.st_ino


def read_secret(file: str) -> str:
    """Return what stands in a file of a mounted Secret.

    Raises:
        OSError: it can't be read.
        ValueError: it is empty, or no text.
    """
    text = Path(file).read_text(encoding="utf-8").strip()
    if not text:
        raise ValueError(f"{file} is empty")
    return text
