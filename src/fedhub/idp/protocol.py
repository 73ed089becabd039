"""What Authlib asks of a client and of a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from flask import request
from werkzeug.datastructures import Headers

from fedhub.idp.client import Client
from fedhub.idp.site import current_site

NOTHING: Mapping[str, str] = MappingProxyType({})
AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


class Registration:
    """A client as Authlib asks about it (its `ClientMixin`)."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get_client_id(self) -> str:
        """The client's id."""
        return self.client.client_id

    def get_default_redirect_uri(self) -> str | None:
        """The callback used when a request names none: only a single one is unambiguous."""
        uris = self.client.redirect_uris
        return uris[0] if len(uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str:
        """The scopes granted: those asked for."""
        return current_site().granted_scope(scope or "")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exact comparison (RFC 9700 section 2.1)."""
        return redirect_uri in self.client.redirect_uris

    def check_client_secret(self, secret: str) -> bool:
        """In constant time."""
        return current_site().has_secret(self.client, secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Every client is confidential."""
        return method in AUTH_METHODS

    def check_response_type(self, response_type: str) -> bool:
        """Codes only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Refresh only where the registration allows it."""
        return grant_type == "authorization_code" or (
            grant_type == "refresh_token" and self.client.refresh_tokens
        )


class Parameters(OAuth2Payload):  # type: ignore[misc]  # Authlib is untyped
    """The parameters of a request, wherever the server reads them from."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = defaultdict(list, values)

    @property
    def data(self) -> dict[str, str]:
        """Each parameter's first value."""
        return {name: values[0] for name, values in self._values.items() if values}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        """Each parameter's values."""
        return self._values


class ProtocolRequest(OAuth2Request):  # type: ignore[misc]  # Authlib is untyped
    """A request as Authlib reads it.

    Args:
        parameters: name → values; from the query, a form or JSON, as the server has it.
        headers: those that may carry client credentials.
    """

    def __init__(self, parameters: Mapping[str, list[str]], headers: Headers) -> None:
        # Authlib insists on TLS; a preview on this machine speaks plain HTTP to itself.
        super().__init__(request.method, "https://localhost/", headers=headers)
        self.payload = Parameters(parameters)

    @property
    def args(self) -> dict[str, str]:
        """All parameters."""
        data: dict[str, str] = self.payload.data
        return data

    @property
    def form(self) -> dict[str, str]:
        """All parameters."""
        return self.args
