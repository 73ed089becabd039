"""The header by which OA4MP knows an administrative client."""

from __future__ import annotations

import base64
from collections.abc import Generator
from urllib.parse import quote_plus

import httpx

from fedhub.registration.admin import AdminCredentials


class AdminBearer(httpx.Auth):
    """Adds the header to each request as it is sent, so that nothing else holds it."""

    def __init__(self, admin: AdminCredentials) -> None:
        self._admin = admin

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Base64 of id and secret, both URL-encoded (OA4MP's `HeaderUtils`)."""
        secret = quote_plus(self._admin.client_secret.get_secret_value())
        pair = f"{quote_plus(self._admin.client_id)}:{secret}"
        request.headers["Authorization"] = f"Bearer {base64.b64encode(pair.encode()).decode()}"
        yield request
