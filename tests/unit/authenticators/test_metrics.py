"""Each metric counts what it says, and the line beside it says why."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from jupyterhub.app import JupyterHub
from oauthenticator.tests.mocks import MockAsyncHTTPClient
from prometheus_client import REGISTRY
from tornado.httpclient import HTTPClientError, HTTPResponse
from tornado.web import HTTPError

from tests.asynchronous import run_async
from tests.unit.authenticators.log_lines import listening
from tests.unit.authenticators.logins import (
    GENERIC,
    ISSUER,
    PUBLIC_KEY,
    User,
    authenticator_of,
    configured,
    id_token,
    one,
    running,
)
from tests.unit.authenticators.token_provider import token_provider

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
HOST = "oidc.example.org"
CONFIG = GENERIC | {"username_claim": "name", "allow_all": True}
ADA = {"sub": "1", "name": "ada"}
EVE = {"sub": "2", "name": "ada"}
"""Somebody else with the same name."""


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"provider": "main", **labels}) or 0.0


@contextmanager
def grows(name: str, by: int = 1, **labels: str) -> Iterator[None]:
    """Check that a metric grows by exactly that much."""
    before = count(name, **labels)
    yield
    assert count(name, **labels) - before == by, (name, labels)


def failing(status: int) -> Callable[[Any], HTTPResponse]:
    return lambda request: HTTPResponse(request, status)


def unreachable(request: Any) -> Any:
    raise ConnectionResetError


# --- logins -------------------------------------------------------------------------------


def hook_that_refuses(*_: Any) -> Any:
    raise HTTPError(403)


def hook_that_fails(*_: Any) -> Any:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("hook", "outcome", "reason", "line"),
    [
        (None, "in", None, "login in provider=main user=ada"),
        (hook_that_refuses, "refused", "not-allowed", "reason=not-allowed"),
        (hook_that_fails, "failed", "hub-failed", "reason=hub-failed error=ZeroDivisionError"),
    ],
)
def test_a_login_is_counted_by_its_outcome(
    hook: Any, outcome: str, reason: str | None, line: str
) -> None:
    async def go() -> None:
        c = configured(one("generic-oauth", CONFIG))
        if hook:
            c.Authenticator.post_auth_hook = hook
        async with running(c) as (app, visitor):
            with listening() as lines, grows("fedhub_logins_total", outcome=outcome):
                if reason is None:
                    await visitor.log_in(app.authenticator, ADA)
                else:
                    with grows("fedhub_refusals_total", reason=reason):
                        await visitor.log_in(app.authenticator, ADA)
        said = [line for line in lines if line.startswith("login ")]
        assert len(said) == 1
        assert said[0].startswith(f"login {outcome} provider=main")
        assert line in said[0]

    run_async(go())


# --- refreshes ----------------------------------------------------------------------------

TOKENS = {"access_token": "t", "token_type": "Bearer"}
STATE = {"access_token": "t", "token_response": TOKENS, "oauth_user": ADA}
REFRESHES: list[tuple[str, Any, str, str, str]] = [
    # what the provider does, its userinfo, outcome of the request and of the refresh, the line
    ("answers", lambda _: ADA, "2xx", "kept", ""),
    ("refuses", failing(403), "4xx", "out", "reason=session-over "),
    ("fails", failing(500), "5xx", "grace", "reason=provider-failed error=HTTPClientError "),
    (
        "is gone",
        unreachable,
        "unreachable",
        "grace",
        "reason=provider-failed error=ConnectionResetError ",
    ),
]


@pytest.mark.parametrize(
    ("what", "userinfo", "answered", "outcome", "why"), REFRESHES, ids=[row[0] for row in REFRESHES]
)
def test_a_refresh_and_its_request_are_counted(
    what: str,
    userinfo: Any,
    answered: str,
    outcome: str,
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    authenticator = authenticator_of(configured(one("generic-oauth", CONFIG)))

    async def go() -> None:
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host(HOST, [("/userinfo", userinfo)])
        authenticator.http_client = client
        with (
            caplog.at_level(logging.DEBUG),
            grows("fedhub_refreshes_total", outcome=outcome),
            grows("fedhub_provider_request_seconds_count", outcome=answered),
        ):
            await authenticator.refresh_user(User("ada", STATE))

    run_async(go())
    assert f"refresh {outcome} provider=main {why}user=ada" in caplog.messages


def test_a_grace_that_is_over_says_what_was_wrong(caplog: pytest.LogCaptureFixture) -> None:
    authenticator = authenticator_of(configured(one("generic-oauth", CONFIG)))
    authenticator.refresh_grace = 0

    async def go() -> None:
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host(HOST, [("/userinfo", failing(503))])
        authenticator.http_client = client
        with grows("fedhub_refreshes_total", outcome="out"):
            assert await authenticator.refresh_user(User("ada", STATE)) is False

    run_async(go())
    line = "refresh out provider=main reason=provider-failed error=HTTPClientError user=ada"
    assert line in caplog.messages


def test_a_refresh_after_the_provider_ended_the_session_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As a back-channel logout leaves somebody: with an auth state, and no token in it."""
    authenticator = authenticator_of(configured(one("generic-oauth", CONFIG)))
    with grows("fedhub_refreshes_total", outcome="out"):
        run_async(authenticator.refresh_user(User("ada", {"oauth_user": ADA})))
    assert "refresh out provider=main reason=session-over user=ada" in caplog.messages


# --- names of somebody else ---------------------------------------------------------------


@pytest.mark.parametrize(("mode", "status"), [("enforce", 403), ("observe", 302)])
def test_a_clash_of_names_is_counted_and_told(mode: str, status: int) -> None:
    async def go() -> list[str]:
        async with running(configured(one("generic-oauth", CONFIG | {"bindings": mode}))) as (
            app,
            visitor,
        ):
            with grows("fedhub_binding_clashes_total", by=0):
                await visitor.log_in(app.authenticator, ADA)
            visitor.cookies.clear()
            with listening() as lines, grows("fedhub_binding_clashes_total"):
                assert (await visitor.log_in(app.authenticator, EVE)).status_code == status
            return lines

    (line,) = [line for line in run_async(go()) if line.startswith("binding clash ")]
    assert "user=ada" in line
    # Which of them it was, and whose the name is.
    assert " subject=2 " in line
    assert line.endswith(" owner_subject=1")


def test_somebody_who_is_not_identified_is_counted_and_told() -> None:
    async def go() -> list[str]:
        traits = {"bindings": "observe", "scope": [], "verify_id_token": False}
        async with running(configured(one("generic-oauth", CONFIG | traits))) as (app, visitor):
            with listening() as lines, grows("fedhub_binding_clashes_total"):
                reply = await visitor.log_in(app.authenticator, {"name": "ada"})
                assert reply.status_code == 302
            return lines

    assert "main does not say what identifies ada" in run_async(go())


# --- keys ---------------------------------------------------------------------------------

DISCOVERY = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"}


@pytest.mark.parametrize(
    ("keys", "outcome"), [(lambda _: {"keys": [PUBLIC_KEY]}, "ok"), (failing(500), "failed")]
)
def test_fetches_of_keys_are_counted_and_those_of_the_discovery_document_are_not(
    keys: Any, outcome: str
) -> None:
    authenticator = authenticator_of(configured(one("generic-oauth", CONFIG | {"issuer": ISSUER})))
    asked: list[str] = []

    async def go() -> None:
        def discovery(request: Any) -> Any:
            asked.append("discovery")
            return DISCOVERY

        def jwks(request: Any) -> Any:
            asked.append("keys")
            return keys(request)

        client = MockAsyncHTTPClient(force_instance=True)
        pages = [("/.well-known/openid-configuration", discovery), ("/jwks", jwks)]
        client.add_host("issuer.example.org", pages)
        authenticator.http_client = client
        for _ in range(2):  # the second time they are known
            try:
                await authenticator.verify_jwt(id_token({"aud": "the-hub"}), audience=["the-hub"])
            except (HTTPClientError, OSError):
                assert outcome == "failed"

    both = {"ok", "failed"} - {outcome}
    with (
        grows("fedhub_jwks_fetches_total", outcome=outcome),
        grows("fedhub_jwks_fetches_total", by=0, outcome=both.pop()),
    ):
        run_async(go())
    assert asked == ["discovery", "keys"]


# --- tokens of servers --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome", "why"),
    [
        (None, "renewed", ""),
        (400, "not-renewed", "reason=session-over "),
        (503, "not-renewed", "reason=provider-failed error=HTTPClientError "),
    ],
)
def test_renewals_of_servers_tokens_are_counted_and_told(
    status: int | None, outcome: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with token_provider() as provider:
            settings = provider.settings(tokens_for_servers=True, scope=[])
            authenticator = authenticator_of(configured(settings))
            if status:
                provider.fails = {"token": status}
            state = {
                "access_token": "old",
                "refresh_token": provider.refresh_token(),
                "token_response": {"expires_at": 1},
            }
            with (
                caplog.at_level(logging.INFO),
                grows("fedhub_server_tokens_total", outcome=outcome),
            ):
                try:
                    await authenticator.fresh_token(User("ada", state))
                except HTTPError:
                    assert status

    run_async(go())
    assert f"server-token {outcome} provider=main {why}user=ada" in caplog.messages


# --- the page -----------------------------------------------------------------------------


def operators_values() -> dict[str, Any]:
    """The values that docs/metrics.md shows."""
    (block,) = re.findall(r"```yaml\n(jupyterhub:\n.*?)```", PAGE, re.DOTALL)
    values: dict[str, Any] = yaml.safe_load(block)["jupyterhub"]["hub"]
    return values


async def metrics(app: JupyterHub, visitor: Any, token: str) -> Any:
    visitor.cookies.clear()
    return await visitor.get("/hub/metrics", headers={"Authorization": f"Bearer {token}"})


def test_the_values_of_the_docs_let_prometheus_in_and_nobody_else() -> None:
    async def go() -> None:
        c = configured(one("generic-oauth", CONFIG))
        values = operators_values()
        # As zero-to-jupyterhub does with them; it makes the token.
        c.JupyterHub.services = [
            {"name": name, "api_token": "of-prometheus", **service}
            for name, service in values["services"].items()
        ]
        c.JupyterHub.load_roles = [
            {"name": name, **role} for name, role in values["loadRoles"].items()
        ]
        async with running(c) as (app, visitor):
            await visitor.log_in(app.authenticator, ADA)
            reply = await metrics(app, visitor, "of-prometheus")
            assert reply.status_code == 200
            assert 'fedhub_logins_total{outcome="in",provider="main"}' in reply.text
            assert (await visitor.get("/hub/metrics")).status_code == 403
            own = app.users["ada"].new_api_token()
            assert (await metrics(app, visitor, own)).status_code == 403

    run_async(go())


def test_metrics_are_for_everybody_where_the_operator_says_so() -> None:
    async def go() -> None:
        c = configured(one("generic-oauth", CONFIG))
        c.JupyterHub.authenticate_prometheus = False
        async with running(c) as (_, visitor):
            assert (await visitor.get("/hub/metrics")).status_code == 200

    run_async(go())
