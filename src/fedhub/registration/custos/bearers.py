"""Who asks: a tenant by id and secret, or a person by a token."""

from __future__ import annotations

import base64
from collections.abc import Generator

import httpx
from pydantic import SecretStr

from fedhub.registration.clients import Credentials


class TenantBearer(httpx.Auth):
    """Adds the header to each request as it is sent, so that nothing else holds it."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Base64 of id and secret, not URL-encoded."""
        secret = self._credentials.client_secret.get_secret_value()
        pair = f"{self._credentials.client_id}:{secret}".encode()
        request.headers["Authorization"] = f"Bearer {base64.b64encode(pair).decode()}"
        yield request


class PersonBearer(httpx.Auth):
    """The same, with the token that `token` holds at that moment."""

    def __init__(self) -> None:
        self.token = SecretStr("")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The token as it is."""
        request.headers["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        yield request
