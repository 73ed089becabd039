"""What operators see of logins: documented, countable, and with nothing in it that is secret."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from fedhub_authenticators import events
from fedhub_authenticators.refusals import Reason
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import GENERIC, configured, one, running

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_is_explained(reason: str) -> None:
    assert f"| `{reason}` |" in PAGE


def test_each_metric_is_explained() -> None:
    ours = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("fedhub_")}
    assert ours
    missing = [name for name in ours if f"`{name}_total`" not in PAGE and f"`{name}`" not in PAGE]
    assert not missing


@given(st.text())
def test_a_line_is_one_line_whatever_stands_in_it(text: str) -> None:
    line = events.line("login", "refused", user=text, provider="campus")
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert line.endswith(" provider=campus")


def test_a_visitor_fills_no_log_with_one_request() -> None:
    line = events.line("oidc", "refused", client="\x00" * 1_000_000, reason="no such client")
    assert len(line) < 2000
    assert line.endswith('reason="no such client"')
    assert "x" * 300 in events.line("oidc", "refused", client="x" * 300)


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_logins_and_refusals_are_counted_and_told(caplog: pytest.LogCaptureFixture) -> None:
    settings = one("generic-oauth", GENERIC | {"username_claim": "name", "allowed_users": ["ada"]})

    def now() -> tuple[float, float, float]:
        return (
            count("fedhub_logins_total", provider="main", outcome="in"),
            count("fedhub_logins_total", provider="main", outcome="refused"),
            count("fedhub_refusals_total", provider="main", reason="not-allowed"),
        )

    before = now()

    async def go() -> Any:
        c = configured(settings)
        c.JupyterHub.authenticate_prometheus = False
        async with running(c) as (hub, visitor):
            hub.log.addHandler(caplog.handler)
            hub.log.setLevel(logging.INFO)
            await visitor.log_in(hub.authenticator, {"sub": "1", "name": "ada"})
            visitor.cookies.clear()
            await visitor.log_in(hub.authenticator, {"sub": "2", "name": "eve"})
            hub.log.removeHandler(caplog.handler)
            return (await visitor.get("/hub/metrics")).text

    metrics = run_async(go())
    assert [b - a for a, b in zip(before, now(), strict=True)] == [1.0, 1.0, 1.0]
    assert 'fedhub_logins_total{outcome="in",provider="main"}' in metrics
    assert "login in provider=main user=ada" in caplog.messages
    assert "login refused provider=main reason=not-allowed user=eve" in caplog.messages
