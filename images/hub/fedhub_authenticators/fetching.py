"""Talks to the provider: measured, and without a word of its answers in the log.

Upstream logs the body of a failed answer; a provider's error may quote the code, the token or the
secret that it was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse

from fedhub_authenticators import events
from fedhub_authenticators.refusals import Reason

_NO_ANSWER = 599
"""tornado's code for a connection that failed or took too long."""

_CLIENT_ERRORS = frozenset(
    {"invalid_client", "unauthorized_client", "incorrect_client_credentials"}
)
"""What providers answer to a client that they do not take.

RFC 6749 section 5.2 has the first two; CILogon and Keycloak say the second of a wrong secret.
GitHub says the third, with status 200 ("Troubleshooting OAuth app access token request errors").
"""


class ClientRefusedError(HTTPClientError):
    """The provider does not take the hub's client id and secret: no fault of the person's."""


class Fetching(OAuthenticator):
    """What every request to a provider goes through."""

    @property
    def called(self) -> str:
        """The provider's name in the log and the metrics."""
        name: str = getattr(self, "provider_name", "")
        return name or type(self).__name__.removesuffix("OAuthenticator").lower()

    async def fetch(
        self, req: HTTPRequest, label: str = "fetching", parse_json: bool = True, **kwargs: Any
    ) -> Any:
        """Send a request.

        Args:
            req: the request.
            label: what is going on, for the log.
            parse_json: return what the JSON body says, None where it is empty.
            kwargs: what tornado's `AsyncHTTPClient.fetch` takes.

        Returns:
            The answer's JSON, or tornado's HTTPResponse.

        Raises:
            ClientRefusedError: it does not take the hub's client.
            HTTPClientError: the provider refused, or did not answer; 429 where it asks to wait.
                Where the caller wants to see refusals itself (`raise_error=False`), only if it
                failed: that somebody is in no team must not follow from a provider in trouble.
            OSError: it can't be reached.
            ValueError: the answer is no JSON.
        """
        begun = perf_counter()
        outcome = "unreachable"
        try:
            response: HTTPResponse = await self.http_client.fetch(req, **kwargs)
            outcome = f"{response.code // 100}xx"
            if is_trouble(response.code) or _asks_to_wait(response):
                raise HTTPClientError(response.code, response=response)
            if self.client_refused(response):
                raise ClientRefusedError(response.code, response=response)
        except HTTPClientError as error:
            refused = error.response is not None and self.client_refused(error.response)
            outcome = f"{error.code // 100}xx" if error.response else "unreachable"
            outcome = Reason.CLIENT if refused else outcome
            where = urlsplit(req.url)._replace(query="", fragment="").geturl()
            about = {"status": error.code, "doing": label, "asked": f"{req.method} {where}"}
            if error.response is None or error.code == _NO_ANSWER:
                about["why"] = error.message  # tornado's words; all others are the provider's
            self.log.error("%s", events.line("provider", "failed", provider=self.called, **about))
            if _asks_to_wait(error.response):
                raise HTTPClientError(
                    HTTPStatus.TOO_MANY_REQUESTS, response=error.response
                ) from error
            if refused:
                raise ClientRefusedError(error.code, response=error.response) from error
            raise
        finally:
            seconds = perf_counter() - begun
            events.PROVIDER_SECONDS.labels(self.called, outcome).observe(seconds)
        if not parse_json:
            return response
        return json.loads(response.body) if response.body else None

    def client_refused(self, response: HTTPResponse) -> bool:
        """Return whether an answer says that the provider does not take the hub's client."""
        if response.code not in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            return False
        try:
            said = json.loads(response.body) if b"client" in response.body else None
        except ValueError:
            return False
        return isinstance(said, Mapping) and said.get("error") in _CLIENT_ERRORS


def reason_of(error: BaseException) -> Reason:
    """Return what a request that failed is counted as."""
    return Reason.CLIENT if isinstance(error, ClientRefusedError) else Reason.PROVIDER


def is_trouble(code: int) -> bool:
    """Return whether a status says that the provider is in trouble, rather than that it refuses."""
    return code >= HTTPStatus.INTERNAL_SERVER_ERROR or code == HTTPStatus.TOO_MANY_REQUESTS


def _asks_to_wait(response: HTTPResponse | None) -> bool:
    """Return whether a refusal is for too many requests, as GitHub's 403 may be.

    GitHub REST API, "Rate limits for the REST API", "Exceeding the rate limit".
    """
    if response is None or response.code != HTTPStatus.FORBIDDEN:
        return False
    headers = response.headers
    return "Retry-After" in headers or headers.get("X-RateLimit-Remaining") == "0"
