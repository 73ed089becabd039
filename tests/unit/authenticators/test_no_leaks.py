"""What a provider says of a failure is not logged: it may quote what it was sent."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from oauthenticator.tests.mocks import MockAsyncHTTPClient
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    GENERIC,
    authenticator_of,
    configured,
    one,
    stock,
)

CODE = "the-code-of-a-login"
BODIES = [
    b'{"error": "invalid_grant", "error_description": "no such code: the-code-of-a-login"}',
    b"<html>the-code-of-a-login</html>",
    b'{"the-code-of-a-login": ',
]


def fail(authenticator: Any, body: bytes) -> None:
    """Ask the provider for something, which it refuses, quoting a secret."""

    async def go() -> None:
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host(
            "oidc.example.org",
            [("/token", lambda request: HTTPResponse(request, 400, buffer=BytesIO(body)))],
        )
        authenticator.http_client = client
        request = HTTPRequest(f"{GENERIC['token_url']}?code={CODE}", method="POST", body="")
        with pytest.raises(HTTPClientError):
            await authenticator.fetch(request, "getting access token")

    run_async(go())


@pytest.mark.parametrize("body", BODIES)
def test_the_log_says_what_failed_and_not_in_which_words(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    fail(authenticator_of(configured(one("generic-oauth", GENERIC))), body)
    assert "provider failed provider=main status=400" in caplog.text
    assert CODE not in caplog.text


@pytest.mark.parametrize("body", BODIES)
def test_upstream_logs_the_answer(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What these tests are for."""
    fail(stock("generic-oauth", GENERIC), body)
    assert CODE in caplog.text
