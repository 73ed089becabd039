"""CILogon's client management as an administrative client meets it.

Hides: the bearer, the address of a client, the two forms of an error.
"""

from __future__ import annotations

import base64
from typing import Any, get_args
from urllib.parse import parse_qs, quote_plus

import httpx

from fedhub.idp.oa4mp.registry import AdminClient, Release
from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK

RELEASES: tuple[Release, ...] = get_args(Release)
ADMIN = AdminClient("cilogon:/adminClient/1/1700000000", "admin:s3cret+/%", provider="cilogon")
OTHER_ADMIN = AdminClient("cilogon:/adminClient/2/1700000001", "other-s3cret")
UNAPPROVED = AdminClient("cilogon:/adminClient/3/1700000002", "new-s3cret", approved=False)
BODY = {"client_name": "hub one", "redirect_uris": [CALLBACK], "scope": "openid email profile"}


def bearer(client_id: str, secret: str) -> str:
    """The Authorization header that OA4MP asks for."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Bearer {base64.b64encode(pair.encode()).decode()}"


class Endpoint:
    """`/oauth2/oidc-cm` of a running provider, asked by one administrative client."""

    def __init__(self, provider: IdentityProvider, release: Release, admin: AdminClient) -> None:
        self.provider = provider
        self.release = release
        self.admin = admin
        self.address = f"{provider.url}/oauth2/oidc-cm"

    def as_(self, admin: AdminClient) -> Endpoint:
        """The same endpoint, asked by another."""
        return Endpoint(self.provider, self.release, admin)

    def ask(
        self,
        method: str,
        *,
        query: dict[str, str] | None = None,
        path: str = "",
        headers: dict[str, str | None] | None = None,
        **sent: Any,
    ) -> httpx.Response:
        """Send a request; a header set to None is left out."""
        made = {"Authorization": bearer(self.admin.client_id, self.admin.client_secret)}
        wanted = made | (headers or {})
        present = {name: value for name, value in wanted.items() if value is not None}
        return httpx.request(
            method, self.address + path, params=query, headers=present, trust_env=False, **sent
        )

    def post(self, body: Any = BODY, **more: Any) -> httpx.Response:
        return self.ask("POST", json=body, **more)

    def get(self, client_id: str = "", **more: Any) -> httpx.Response:
        return self.ask("GET", query={"client_id": client_id} if client_id else None, **more)

    def put(self, client_id: str, body: Any, **more: Any) -> httpx.Response:
        return self.ask("PUT", query={"client_id": client_id}, json=body, **more)

    def delete(self, client_id: str, **more: Any) -> httpx.Response:
        return self.ask("DELETE", query={"client_id": client_id}, **more)

    def registered(self, **changes: Any) -> dict[str, Any]:
        """Register a client; returns what the server said."""
        reply = self.post(BODY | changes)
        assert reply.status_code == 201, reply.text
        said: dict[str, Any] = reply.json()
        return said

    def shown(self, client_id: str) -> dict[str, Any]:
        """What the server says of a client."""
        reply = self.get(client_id)
        assert reply.status_code == 200, reply.text
        said: dict[str, Any] = reply.json()
        return said


def json_error(reply: httpx.Response) -> tuple[int, str, str]:
    """Status, code and description of a JSON error."""
    assert reply.headers["content-type"] == "application/json;charset=UTF-8", reply.text
    said = reply.json()
    assert list(said) == ["error", "error_description"]
    return reply.status_code, said["error"], said["error_description"]


def plain_error(reply: httpx.Response) -> tuple[int, str, str]:
    """Status, code and description of an error in two lines."""
    assert "content-type" not in reply.headers, reply.text
    lines = reply.text.splitlines()
    found = [parse_qs(line.replace('"', ""), keep_blank_values=True) for line in lines]
    assert [list(one) for one in found] == [["error"], ["error_description"]]
    return reply.status_code, found[0]["error"][0], found[1]["error_description"][0]
