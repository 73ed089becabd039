"""Who asks: a client's service account, by a token that lives for minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from fedhub.registration.admin import AdminCredentials
from fedhub.registration.calls import Calls
from fedhub.registration.errors import UncertainError, UnreachableError

EARLY = 10.0
"""Seconds before its end at which a token is renewed; but not before half its life."""


class ServiceAccountBearer(httpx.Auth):
    """Puts a token into each request as it is sent; one for all threads.

    Args:
        calls: to the realm, as nobody.
        admin: whose service account.
        clock: seconds, of which only differences count.
    """

    def __init__(
        self,
        calls: Calls,
        admin: AdminCredentials,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._admin = admin
        self._clock = clock
        self._lock = threading.Lock()
        self._token = SecretStr("")
        self._ends = float("-inf")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The token; and a new one where it counts no more, since then nothing was done."""
        token = self._current()
        reply = yield _with(request, token)
        if reply.status_code == httpx.codes.UNAUTHORIZED:
            yield _with(request, self._current(instead_of=token))

    def _current(self, instead_of: SecretStr | None = None) -> SecretStr:
        with self._lock:
            if self._token is instead_of or self._clock() >= self._ends:
                self._renew()
            return self._token

    def _renew(self) -> None:
        what = "sign the service account in"
        form = {
            "grant_type": "client_credentials",
            "client_id": self._admin.client_id,
            "client_secret": self._admin.client_secret.get_secret_value(),
        }
        asked = self._clock()
        try:
            said = self._calls.send("POST", what, path="/protocol/openid-connect/token", form=form)
        except UncertainError as error:
            # A token more does no harm.
            raise UnreachableError(error.message, fix="try again") from None
        token, lasts = said.get("access_token"), said.get("expires_in")
        if not isinstance(token, str) or not isinstance(lasts, int | float):
            raise UnreachableError(
                f"Keycloak can't be asked to {what}: the answer has no token",
                fix="check Keycloak's address",
            )
        self._token = SecretStr(token)
        self._ends = asked + lasts - min(EARLY, lasts / 2)


def _with(request: httpx.Request, token: SecretStr) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token.get_secret_value()}"
    return request


def realm_address(url: str, realm: str) -> str:
    """Where a realm is, below Keycloak's address."""
    return f"{url.rstrip('/')}/realms/{quote(realm, safe='')}"
