"""A provider that does not take the hub's own client: told apart, and nobody is out for it.

The answers are those of the real servers; tests/contract/test_recorded_servers.py has them.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from fedhub_authenticators import client_credentials, credentials
from oauthenticator.tests.mocks import MockAsyncHTTPClient
from tornado.httpclient import HTTPResponse
from tornado.web import HTTPError
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import User, authenticator_of, configured, one, running
from tests.unit.authenticators.test_grace import ADA, CONFIG, HOST, Hub, failing
from tests.unit.authenticators.test_metrics import grows
from tests.unit.authenticators.token_provider import token_provider

REFUSED = [
    (401, "invalid_client", "the standard"),
    (400, "unauthorized_client", "CILogon"),
    (401, "unauthorized_client", "Keycloak"),
    (200, "incorrect_client_credentials", "GitHub"),
]
each_refusal = pytest.mark.parametrize(
    ("status", "error"), [row[:2] for row in REFUSED], ids=[row[2] for row in REFUSED]
)

NO_CLIENT_REFUSED = [
    (400, b'{"error": "invalid_grant", "error_description": "of another client"}'),
    (401, b'{"error": "invalid_token"}'),
    (400, b'{"error": ["invalid_client"]}'),
    (400, b'"invalid_client"'),
    (401, b"invalid_client"),
    (401, b""),
    (403, b'{"error": "invalid_client"}'),
]
"""Answers that say something else, or make no sense."""


def answering(status: int, body: bytes) -> Any:
    return lambda request: HTTPResponse(request, status, buffer=io.BytesIO(body))


def saying(status: int, error: str) -> Any:
    return answering(status, json.dumps({"error": error}).encode())


REQUESTS = "fedhub_provider_request_seconds_count"


@each_refusal
def test_a_login_says_so_and_counts_as_that(status: int, error: str) -> None:
    async def go() -> None:
        async with running(configured(one("generic-oauth", CONFIG))) as (app, visitor):
            begun = await visitor.begin("/hub/oauth_login")
            client = MockAsyncHTTPClient(force_instance=True)
            client.add_host(HOST, [("/token", saying(status, error))])
            app.authenticator.http_client = client
            with (
                grows(REQUESTS, outcome="client-refused"),
                grows("fedhub_refusals_total", reason="client-refused"),
                grows("fedhub_refusals_total", by=0, reason="provider-failed"),
            ):
                query = {"code": "c", "state": begun["state"]}
                reply = await visitor.get("/hub/oauth_callback", params=query)
            assert reply.status_code == 502
            assert "does not take this hub" in reply.text

    run_async(go())


@each_refusal
def test_people_stay_in_for_a_while_since_it_is_not_their_fault(
    status: int, error: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hub = Hub(monkeypatch)
    with (
        grows("fedhub_refreshes_total", outcome="grace"),
        grows(REQUESTS, outcome="client-refused"),
    ):
        assert hub.refresh(failing(401), saying(status, error))
    line = "refresh grace provider=main reason=client-refused error=ClientRefusedError user=ada"
    assert line in caplog.messages
    hub.now += CONFIG["refresh_grace"] + 1
    assert not hub.refresh(failing(401), saying(status, error))


@pytest.mark.parametrize(("status", "body"), NO_CLIENT_REFUSED)
def test_other_refusals_are_of_the_person(
    status: int, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub(monkeypatch)
    with grows(REQUESTS, by=0, outcome="client-refused"):
        assert not hub.refresh(failing(401), answering(status, body))


def test_a_client_that_was_replaced_may_end(tmp_path: Path) -> None:
    """Whose tokens it made logs in again; the one in use is not to blame."""
    for name in ("client_id", "client_secret"):
        (tmp_path / name).write_text("first")
    files = {f"{name}_file": str(tmp_path / name) for name in ("client_id", "client_secret")}
    authenticator = authenticator_of(configured(one("generic-oauth", CONFIG | files)))
    for name in ("client_id", "client_secret"):
        (tmp_path / name).write_text("second")

    async def go() -> Any:
        client = MockAsyncHTTPClient(force_instance=True)
        pages = [("/userinfo", failing(401)), ("/token", saying(401, "invalid_client"))]
        client.add_host(HOST, pages)
        authenticator.http_client = client
        response = {"access_token": "t", "token_type": "Bearer"}
        state = {"refresh_token": "r", "token_response": response, "oauth_user": ADA}
        return await authenticator.refresh_user(
            User("ada", {**state, client_credentials.CLIENT: "first"})
        )

    with grows(REQUESTS, by=0, outcome="client-refused"):
        assert run_async(go()) is False


def test_a_servers_token_is_not_renewed_and_the_person_need_not_log_in_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def go() -> int:
        async with token_provider() as provider:
            settings = provider.settings(tokens_for_servers=True, scope=[])
            authenticator = authenticator_of(configured(settings))
            client = MockAsyncHTTPClient(force_instance=True)
            client.add_host("127.0.0.1", [("/token", saying(401, "invalid_client"))])
            authenticator.http_client = client
            state = {
                "access_token": "old",
                "refresh_token": "r",
                "token_response": {"expires_at": 1},
            }
            with pytest.raises(HTTPError) as error:
                await authenticator.fresh_token(User("ada", state))
            return int(error.value.status_code)

    assert run_async(go()) == 503
    assert any("not-renewed provider=main reason=client-refused" in m for m in caplog.messages)


def test_a_hub_without_a_client_counts_who_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "FOLDER", str(tmp_path))

    async def go() -> None:
        c: Config = configured(one("generic-oauth", CONFIG))
        async with running(c) as (_, visitor):
            with (
                grows("fedhub_logins_total", outcome="failed"),
                grows("fedhub_refusals_total", reason="client-refused"),
            ):
                assert (await visitor.get("/hub/oauth_login")).status_code == 503

    run_async(go())


def test_numbers_are_there_before_anything_happens() -> None:
    """Prometheus sees no increase from nothing to 1."""
    from prometheus_client import REGISTRY

    settings = one("generic-oauth", CONFIG)
    settings["login"]["unused"] = settings["login"].pop("main")
    authenticator_of(configured(settings))
    wanted = [
        ("fedhub_logins_total", {"outcome": "failed"}),
        ("fedhub_refusals_total", {"reason": "client-refused"}),
        ("fedhub_refreshes_total", {"outcome": "grace"}),
        ("fedhub_binding_clashes_total", {}),
        ("fedhub_jwks_fetches_total", {"outcome": "failed"}),
        ("fedhub_server_tokens_total", {"outcome": "not-renewed"}),
        ("fedhub_token_exchanges_total", {"outcome": "in"}),
        (REQUESTS, {"outcome": "unreachable"}),
    ]
    for name, labels in wanted:
        assert REGISTRY.get_sample_value(name, {"provider": "unused", **labels}) == 0.0
