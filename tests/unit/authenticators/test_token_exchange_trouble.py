"""Scripts, while the provider is in trouble or too many come, and what operators see of them."""

from __future__ import annotations

import asyncio
import logging

import pytest
from fedhub_authenticators.exchange_page import LIVE_TOKENS, ExchangePage
from fedhub_authenticators.failures import Failures
from prometheus_client import REGISTRY

from tests.unit.authenticators.scripts import (
    Hub,
    at_a_hub,
    refused,
)
from tests.unit.authenticators.token_provider import ADA

# --- a provider in trouble, and too many --------------------------------------------------


TROUBLES = [
    *(("userinfo", 500), ("userinfo", 503), ("userinfo", 429), ("introspect", 500)),
    *(("jwks", 503), ("discovery", 503)),
]


@pytest.mark.parametrize(("asked", "status"), TROUBLES)
def test_a_provider_in_trouble_is_no_verdict(asked: str, status: int) -> None:
    async def test(hub: Hub) -> None:
        hub.provider.fails = {asked: status}
        token = hub.provider.opaque() if asked == "introspect" else hub.provider.jwt()
        reply = await hub.exchange(token)
        refused(reply, "temporarily_unavailable", 503)
        assert reply.headers["Retry-After"] == "60"
        assert hub.users() == []

    at_a_hub(test)


def test_a_hub_whose_client_may_not_ask_about_tokens_is_not_the_scripts_fault() -> None:
    async def test(hub: Hub) -> None:
        hub.provider.fails = {"introspect": 401}
        refused(await hub.exchange(hub.provider.opaque()), "temporarily_unavailable", 503)

    at_a_hub(test)


def test_whoever_fails_too_often_waits() -> None:
    async def test(hub: Hub) -> None:
        ExchangePage.failures = Failures(most=3)
        for _ in range(3):
            refused(await hub.exchange("made-up"))
        asked = len(hub.provider.asked)
        reply = await hub.exchange(hub.provider.jwt())
        refused(reply, "temporarily_unavailable", 429)
        assert len(hub.provider.asked) == asked

    at_a_hub(test)


def test_failures_are_forgotten_and_counted_by_place() -> None:
    now = [0.0]
    failures = Failures(most=2, seconds=60, clock=lambda: now[0])
    for _ in range(2):
        failures.note("here")
    assert failures.too_many("here")
    assert not failures.too_many("there")
    now[0] = 60.0
    assert not failures.too_many("here")


def test_a_loop_gone_wild_does_not_fill_the_database() -> None:
    async def test(hub: Hub) -> None:
        token = hub.provider.jwt()
        replies = [await hub.exchange(token) for _ in range(LIVE_TOKENS)]
        assert {reply.status_code for reply in replies} == {200}
        refused(await hub.exchange(token), "temporarily_unavailable", 429)
        tokens = list(hub.app.users["ada"].api_tokens)
        for old in tokens:
            old.expires_at = old.created
        hub.app.db.commit()
        assert (await hub.exchange(token)).status_code == 200
        assert len(list(hub.app.users["ada"].api_tokens)) == 1

    at_a_hub(test)


def test_a_crowd_of_scripts_gets_in_at_once() -> None:
    async def test(hub: Hub) -> None:
        people = [ADA | {"name": f"user-{number % 5}"} for number in range(15)]
        replies = await asyncio.gather(*(hub.exchange(hub.provider.jwt(one)) for one in people))
        assert {reply.status_code for reply in replies} == {200}
        assert sorted(hub.users()) == [f"user-{number}" for number in range(5)]

    at_a_hub(test)


# --- what operators see -------------------------------------------------------------------


def _count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"{name}_total", labels) or 0.0


class Lines(logging.Handler):
    """All that a hub writes, with tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"


def test_operators_see_what_came_of_it_and_no_token() -> None:
    async def test(hub: Hub) -> None:
        lines = Lines()
        hub.app.log.addHandler(lines)
        hub.app.log.setLevel(logging.DEBUG)

        def ended() -> list[float]:
            outcomes = ("in", "refused", "failed")
            return [_count("fedhub_token_exchanges", provider="main", outcome=o) for o in outcomes]

        before = ended()
        refusals = _count("fedhub_refusals", provider="main", reason="token")
        good, bad = hub.provider.jwt(), hub.provider.jwt(aud="other")
        opaque, unknown = hub.provider.opaque(client_id="other"), hub.provider.jwt(known=False)
        answer = (await hub.exchange(good)).json()
        for token in (bad, opaque, unknown):
            refused(await hub.exchange(token))
        hub.provider.fails = {"userinfo": 500}
        await hub.exchange(hub.provider.jwt())
        hub.app.log.removeHandler(lines)
        assert [now - then for now, then in zip(ended(), before, strict=True)] == [1, 3, 1]
        assert _count("fedhub_refusals", provider="main", reason="token") == refusals + 3
        assert "exchange in provider=main user=ada" in lines.text
        assert "exchange refused provider=main reason=token" in lines.text
        assert "exchange failed provider=main reason=provider-failed" in lines.text
        for secret in (good, bad, opaque, unknown, answer["access_token"], "of-the-hub"):
            assert secret not in lines.text

    at_a_hub(test)
