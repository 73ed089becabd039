"""Each alert fires on what it is for and on nothing else, as Prometheus' own tool sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fedhub_authenticators.refusals import Reason

from tests.chart.conftest import CHART, helm
from tests.chart.promtool import check, fires, needs_promtool

MONITORED = CHART / "ci" / "08-monitoring-values.yaml"

IDLE = "0+0x120"
"""Two hours of nothing."""
LATER = "0+0x20 1+1x99"
"""Nothing for twenty minutes, then one a minute."""
ONCE = "0+0x20 1+0x99"
BEFORE_A_RESTART = "500+0x15 0+0x104"

OUTCOMES = {
    "fedhub_logins_total": ("in", "refused", "failed"),
    "fedhub_token_exchanges_total": ("in", "refused", "failed"),
    "fedhub_refreshes_total": ("kept", "grace", "out"),
    "fedhub_provider_request_seconds_count": ("2xx", "4xx", "5xx", "unreachable", "client-refused"),
}
DAY = 86_400


def outcome(metric: str, value: str, namespace: str = "hubs") -> str:
    labels = f'namespace="{namespace}", provider="campus", outcome="{value}"'
    return f"fedhub_{metric}{{{labels}}}"


def refusal(reason: str, namespace: str = "hubs") -> str:
    labels = f'namespace="{namespace}", provider="campus", reason="{reason}"'
    return f"fedhub_refusals_total{{{labels}}}"


def request(value: str, namespace: str = "hubs") -> str:
    return outcome("provider_request_seconds_count", value, namespace)


def clashes(namespace: str = "hubs") -> str:
    return f'fedhub_binding_clashes_total{{namespace="{namespace}", provider="campus"}}'


UP = 'jupyterhub_total_users{namespace="hubs"}'


def hub(changes: dict[str, str], idle: str = IDLE) -> dict[str, str]:
    """The series of a hub that nobody uses, with others in place of some."""
    series = {UP: "5+0x120", clashes(): idle}
    for metric, values in OUTCOMES.items():
        series |= {outcome(metric.removeprefix("fedhub_"), value): idle for value in values}
    series |= {refusal(reason): idle for reason in Reason}
    return series | changes


def certificate(days: int, **labels: str) -> dict[str, str]:
    said = {"name": "fedhub", **labels}
    inside = ", ".join(f'{key}="{value}"' for key, value in said.items())
    name = f"certmanager_certificate_expiration_timestamp_seconds{{{inside}}}"
    return {name: f"{days * DAY}+0x120"}


REFUSED = outcome("logins_total", "refused")
ELSEWHERE = {
    request("client-refused", "other"): LATER,
    request("unreachable", "other"): LATER,
    refusal("provider-failed", "other"): LATER,
    refusal("id-token", "other"): LATER,
    refusal("hub-failed", "other"): LATER,
    clashes("other"): LATER,
    outcome("refreshes_total", "grace", "other"): LATER,
    outcome("logins_total", "refused", "other"): LATER,
}

CASES: dict[str, tuple[dict[str, str], int, set[str]]] = {
    # it is read
    "a hub that nobody uses": (hub({}), 110, set()),
    "a hub that is gone": (hub({UP: "5+0x20 stale"}), 30, {"FedhubDown"}),
    "a hub that was never read": ({}, 10, {"FedhubDown"}),
    "a hub that restarts": (hub({UP: "5+0x20 stale _x2 5+0x90"}), 22, set()),
    "counters that begin anew": (hub({}, BEFORE_A_RESTART), 20, set()),
    "another hub in trouble": (hub(ELSEWHERE), 60, set()),
    # the client
    "a client refused, once": (
        hub({request("client-refused"): ONCE}),
        25,
        {"FedhubCredentialsInvalid"},
    ),
    "no client yet": (hub({refusal("client-refused"): ONCE}), 25, {"FedhubCredentialsInvalid"}),
    "a client refused long ago": (hub({request("client-refused"): ONCE}), 60, set()),
    # the provider
    "a provider that is gone": (hub({request("unreachable"): LATER}), 35, {"FedhubProviderDown"}),
    "a provider that fails": (
        hub({request("5xx"): LATER, request("2xx"): "0+1x20 20+0x99"}),
        40,
        {"FedhubProviderDown"},
    ),
    "a failure": (hub({request("5xx"): ONCE}), 25, set()),
    "a failure now and then": (hub({request("5xx"): LATER, request("2xx"): "0+9x120"}), 60, set()),
    "refusals of tokens": (hub({request("4xx"): LATER}), 60, set()),
    # people who stay
    "people in grace": (hub({outcome("refreshes_total", "grace"): LATER}), 50, {"FedhubGrace"}),
    "one in grace, once": (hub({outcome("refreshes_total", "grace"): ONCE}), 34, set()),
    "people who are out": (hub({outcome("refreshes_total", "out"): LATER}), 60, set()),
    # logins
    "logins that fail at the provider": (
        hub({refusal("provider-failed"): LATER, REFUSED: LATER}),
        35,
        {"FedhubLoginsFail"},
    ),
    "two logins that fail": (
        hub({refusal("provider-failed"): "0+0x20 2+0x99", REFUSED: "0+0x20 2+0x99"}),
        35,
        set(),
    ),
    "a few that fail among many": (
        hub(
            {
                refusal("provider-failed"): LATER,
                REFUSED: LATER,
                outcome("logins_total", "in"): "0+5x120",
            }
        ),
        60,
        set(),
    ),
    "accounts that are not let in": (
        hub({refusal("not-allowed"): LATER, REFUSED: LATER}),
        60,
        set(),
    ),
    "logins begun elsewhere": (hub({refusal("not-begun-here"): LATER, REFUSED: LATER}), 60, set()),
    "code of the operator's that fails": (
        hub({refusal("hub-failed"): ONCE, outcome("logins_total", "failed"): ONCE}),
        30,
        {"FedhubHubFails"},
    ),
    "an ID token that does not hold": (
        hub({refusal("id-token"): ONCE, REFUSED: ONCE}),
        30,
        {"FedhubIdTokensRefused"},
    ),
    "a clash of names": (hub({clashes(): ONCE}), 30, {"FedhubNamesClash"}),
    # the certificate
    "a certificate that ends": (
        hub(certificate(6, namespace="hubs")),
        90,
        {"FedhubCertificateExpires"},
    ),
    "one that ends, as cert-manager is scraped mostly": (
        hub(certificate(6, exported_namespace="hubs", namespace="cert-manager")),
        90,
        {"FedhubCertificateExpires"},
    ),
    "a certificate of a service's": (
        hub(certificate(6, namespace="hubs", name="fedhub-service-grafana")),
        90,
        {"FedhubCertificateExpires"},
    ),
    "a certificate of weeks": (hub(certificate(15, namespace="hubs")), 90, set()),
    "a certificate of another hub": (
        hub(certificate(1, exported_namespace="other", namespace="cert-manager")),
        90,
        set(),
    ),
}


@pytest.fixture(scope="module")
def rules(on_stand_in: Path) -> dict[str, Any]:
    """The rules as a cluster gets them."""
    import yaml

    arguments = ("--namespace", "hubs", "--values", str(MONITORED))
    done = helm("template", "myhub", str(on_stand_in), *arguments)
    assert done.returncode == 0, done.stderr
    (found,) = (o for o in yaml.safe_load_all(done.stdout) if o and o["kind"] == "PrometheusRule")
    spec: dict[str, Any] = found["spec"]
    return spec


@needs_promtool
def test_prometheus_takes_the_rules(rules: dict[str, Any], tmp_path: Path) -> None:
    assert "9 rules found" in check(rules, tmp_path)


def test_each_alert_has_a_case(rules: dict[str, Any]) -> None:
    named = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert named == set().union(*(alerts for _, _, alerts in CASES.values()))


@needs_promtool
@pytest.mark.parametrize("case", CASES)
def test_alerts_fire_on_what_they_are_for(rules: dict[str, Any], case: str, tmp_path: Path) -> None:
    series, minute, alerts = CASES[case]
    fires(rules, series, minute, alerts, tmp_path)
