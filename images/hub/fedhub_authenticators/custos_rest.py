"""Calls Custos v1.0.0 as the tenant's client.

Custos' calls are those of apache/airavata-custos@9013b6981: client credentials as
`Authorization: Bearer base64(id:secret)`, inputs as a query string, never a form.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError

_SESSION_OVER = re.compile(
    r"invalid_grant|session_not_found|"
    r"\b(?:token|session) (?:\w+ ){0,3}?"
    r"(?:expired|not active|not valid|not found|verification failed)",
    re.IGNORECASE,
)
"""What Custos' 500s say that mean "log in again", rather than that Custos has failed."""


class CustosRest(OAuthenticator):
    """Speaks Custos' own dialect."""

    async def custos(self, call: str, *, label: str, secret: str, **request: Any) -> Any:
        """Call Custos as the tenant's client.

        Args:
            call: the address, with its query.
            label: what is going on, for the log.
            secret: the client secret that Custos knows.
            request: what tornado's HTTPRequest takes.

        Returns:
            The answer's JSON.

        Raises:
            HTTPClientError: Custos refused or failed; 401 where the session is over.
        """
        credentials = base64.b64encode(f"{self.client_in_use().client_id}:{secret}".encode())
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {credentials.decode()}",
            **request.pop("headers", {}),
        }
        try:
            return await self.httpfetch(
                call,
                label=label,
                headers=headers,
                validate_cert=self.validate_server_cert,
                **request,
            )
        except HTTPClientError as error:
            if _session_is_over(error):
                raise HTTPClientError(401, "the session is over", error.response) from error
            raise


def _session_is_over(error: HTTPClientError) -> bool:
    """Tell an ended session from a failure: Custos reports some of both as 500, gRPC code 13."""
    if error.code != 500 or error.response is None:  # noqa: PLR2004 - HTTP's
        return False
    try:
        said = json.loads(error.response.body or b"")
    except ValueError:
        return False
    message = str(said.get("message", "")) if isinstance(said, Mapping) else ""
    return _SESSION_OVER.search(message) is not None
