"""What operators see: a line in the log and a number in `/metrics` for each thing that happens.

JupyterHub serves prometheus_client's default registry at `/hub/metrics`. Names are listed in
docs/metrics.md. A line reads `login refused provider=campus reason=not-allowed user=ada`; neither
lines nor labels ever hold a token, a code or a secret, and labels hold nothing that a visitor
chose.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from prometheus_client import Counter, Histogram

from fedhub_authenticators.refusals import Reason

LOGINS = Counter("fedhub_logins", "Logins that ended.", ["provider", "outcome"])
REFRESHES = Counter(
    "fedhub_refreshes", "Refreshes of people who are logged in.", ["provider", "outcome"]
)
REFUSALS = Counter("fedhub_refusals", "People not let in.", ["provider", "reason"])
CLASHES = Counter(
    "fedhub_binding_clashes", "Logins under a user name of somebody else.", ["provider"]
)
KEY_FETCHES = Counter(
    "fedhub_jwks_fetches", "Fetches of an issuer's keys.", ["provider", "outcome"]
)
SERVER_TOKENS = Counter(
    "fedhub_server_tokens", "Access tokens renewed for people's servers.", ["provider", "outcome"]
)
EXCHANGES = Counter(
    "fedhub_token_exchanges", "Tokens of scripts held against the rules.", ["provider", "outcome"]
)
PROVIDER_SECONDS = Histogram(
    "fedhub_provider_request_seconds",
    "How long a provider took to answer, in seconds.",
    ["provider", "outcome"],
)

_OUTCOMES = (
    (LOGINS, ("in", "refused", "failed")),
    (REFRESHES, ("kept", "grace", "out")),
    (REFUSALS, tuple(Reason)),
    (KEY_FETCHES, ("ok", "failed")),
    (SERVER_TOKENS, ("renewed", "not-renewed")),
    (EXCHANGES, ("in", "refused", "failed")),
    (PROVIDER_SECONDS, ("2xx", "3xx", "4xx", "5xx", "unreachable", Reason.CLIENT)),
)

_LONGEST = 300
"""Characters of a value: what a visitor sends may be megabytes."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@:/+")


def begin(provider: str) -> None:
    """Show a provider's numbers while they are 0: Prometheus takes no notice of a first event.

    Args:
        provider: its name.
    """
    CLASHES.labels(provider)
    for metric, outcomes in _OUTCOMES:
        for outcome in outcomes:
            metric.labels(provider, outcome)


def line(event: str, outcome: str, **about: Any) -> str:
    """Return a line of the log: two words, then `key=value` for all that has a value."""
    pairs = [f"{key}={_value(value)}" for key, value in about.items() if value not in (None, "")]
    return " ".join([event, outcome, *pairs])


def _value(value: Any) -> str:
    """Return a value as logfmt has it: quoted where it is more than one plain word."""
    text = str(value)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return text if set(text) <= _PLAIN else json.dumps(text, ensure_ascii=True)


def login(
    log: logging.Logger | Any,
    provider: str,
    outcome: str,
    reason: Reason | None = None,
    **about: Any,
) -> None:
    """Note a login that ended.

    Args:
        log: where to.
        provider: its name.
        outcome: `in`, `refused` or `failed`.
        reason: a `Reason`, where it did not end well.
        about: what else the line says.
    """
    LOGINS.labels(provider, outcome).inc()
    if reason:
        REFUSALS.labels(provider, reason).inc()
    write = log.info if outcome == "in" else log.warning
    write("%s", line("login", outcome, provider=provider, reason=reason, **about))


def refresh(
    log: logging.Logger | Any,
    provider: str,
    outcome: str,
    reason: Reason | None = None,
    **about: Any,
) -> None:
    """Note a refresh: `kept`, `grace` (kept although the provider is down) or `out`."""
    REFRESHES.labels(provider, outcome).inc()
    write = log.debug if outcome == "kept" else log.warning
    write("%s", line("refresh", outcome, provider=provider, reason=reason, **about))


def exchange(
    log: logging.Logger | Any,
    provider: str,
    outcome: str,
    reason: Reason | None = None,
    **about: Any,
) -> None:
    """Note a script that came with a token: `in`, `refused` or `failed`."""
    EXCHANGES.labels(provider, outcome).inc()
    if reason:
        REFUSALS.labels(provider, reason).inc()
    write = log.info if outcome == "in" else log.warning
    write("%s", line("exchange", outcome, provider=provider, reason=reason, **about))


def server_token(
    log: logging.Logger | Any,
    provider: str,
    outcome: str,
    reason: Reason | None = None,
    **about: Any,
) -> None:
    """Note a token that a server asked for and that was old: `renewed` or `not-renewed`."""
    SERVER_TOKENS.labels(provider, outcome).inc()
    write = log.info if outcome == "renewed" else log.warning
    write("%s", line("server-token", outcome, provider=provider, reason=reason, **about))
