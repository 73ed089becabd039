"""What watches the hub: it finds it, is let in, and looks at numbers that a real hub has."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.asynchronous import run_async
from tests.chart.conftest import CHART, SCENARIOS, Render, merged
from tests.chart.promtool import check, needs_promtool
from tests.unit.authenticators.logins import GENERIC, configured, one, running

MONITORED = CHART / "ci" / "08-monitoring-values.yaml"
ALERTS = CHART / "files" / "alerts.yaml"
DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text())

OF_OTHERS = {"certmanager_certificate_expiration_timestamp_seconds"}
"""cert-manager's: https://cert-manager.io/docs/devops-tips/prometheus-metrics/."""


def changed(**monitoring: Any) -> dict[str, Any]:
    found: dict[str, Any] = merged(
        yaml.safe_load(MONITORED.read_text()), {"monitoring": monitoring}
    )
    return found


def test_all_of_it_is_off_by_default(render: Render) -> None:
    found = render(SCENARIOS[0])
    assert found.names("ServiceMonitor") == found.names("PrometheusRule") == []
    assert "fedhub-dashboard" not in found.names("ConfigMap")
    assert "fedhub-metrics" not in found.names("NetworkPolicy")


def test_prometheus_finds_the_hub_and_has_its_token(render: Render) -> None:
    found = render(MONITORED)
    monitor = found.of("ServiceMonitor", "fedhub")
    assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    services = [one for one in found.objects if one["kind"] == "Service"]
    (service,) = (one for one in services if wanted <= one["metadata"].get("labels", {}).items())
    assert service["metadata"]["name"] == "hub"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    assert (endpoint["path"], endpoint["interval"]) == ("/hub/metrics", "30s")
    token = endpoint["authorization"]["credentials"]
    kept = found.of("Secret", token["name"])["data"][token["key"]]
    assert base64.b64decode(kept) == b"made-up-for-this-scenario"


def test_a_hub_below_a_path_shows_its_metrics_there(render: Render) -> None:
    given = merged(changed(), {"jupyterhub": {"hub": {"baseUrl": "/jupyter"}}})
    (endpoint,) = render(given).of("ServiceMonitor", "fedhub")["spec"]["endpoints"]
    assert endpoint["path"] == "/jupyter/hub/metrics"


def test_a_hub_that_shows_them_to_everybody_needs_no_token(render: Render) -> None:
    given = changed()
    given["jupyterhub"]["hub"] |= {"authenticatePrometheus": False}
    for key in ("services", "loadRoles"):
        del given["jupyterhub"]["hub"][key]
    (endpoint,) = render(given).of("ServiceMonitor", "fedhub")["spec"]["endpoints"]
    assert "authorization" not in endpoint


def test_prometheus_is_let_in_and_nobody_else(render: Render) -> None:
    found = render(MONITORED)
    spec = found.of("NetworkPolicy", "fedhub-metrics")["spec"]
    pod = found.of("Deployment", "hub")["spec"]["template"]
    assert spec["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    (container,) = pod["spec"]["containers"]
    assert spec["policyTypes"] == ["Ingress"]
    peer = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
    }
    assert spec["ingress"] == [{"from": [peer], "ports": [{"port": "http"}]}]
    assert "http" in [port["name"] for port in container["ports"]]


def test_without_a_namespace_it_is_let_in_from_any(render: Render) -> None:
    given = changed(serviceMonitor={"prometheusNamespace": None})
    (rule,) = render(given).of("NetworkPolicy", "fedhub-metrics")["spec"]["ingress"]
    assert rule["from"][0]["namespaceSelector"] == {}


def test_a_hub_without_network_policies_gets_none(render: Render) -> None:
    """One that allows something forbids the rest."""
    off = {"jupyterhub": {"hub": {"networkPolicy": {"enabled": False}}}}
    assert "fedhub-metrics" not in render(merged(changed(), off)).names("NetworkPolicy")


def test_what_watches_the_hub_restarts_nothing(render: Render) -> None:
    off = {key: {"enabled": False} for key in ("serviceMonitor", "prometheusRule", "dashboard")}
    before = render(MONITORED).of("Deployment", "hub")
    assert render(changed(**off)).of("Deployment", "hub") == before


def test_the_rules_are_of_the_hubs_own_namespace(render: Render) -> None:
    spec = render(MONITORED, more=("--namespace", "hubs")).of("PrometheusRule", "fedhub")["spec"]
    rules = [rule for group in spec["groups"] for rule in group["rules"]]
    assert rules
    for rule in rules:
        selectors = re.findall(r"\{([^}]*)\}", rule["expr"])
        assert selectors
        assert all('namespace="hubs"' in one for one in selectors), rule["alert"]
        assert {"summary", "description"} <= rule["annotations"].keys()
    # Prometheus' own templates are as they were.
    assert "{{ $labels.provider }}" in rules[1]["annotations"]["summary"]


def test_grafana_gets_the_dashboard_as_it_is(render: Render) -> None:
    found = render(MONITORED).of("ConfigMap", "fedhub-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["annotations"] == {"grafana_folder": "JupyterHub"}
    assert json.loads(found["data"]["fedhub.json"]) == DASHBOARD


# --- what they look at ------------------------------------------------------------------------


def expressions() -> Iterator[tuple[str, str]]:
    """All that alerts and dashboard ask of Prometheus, by where it stands."""
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", target["expr"]


@pytest.fixture(scope="module")
def shown() -> dict[str, list[dict[str, str]]]:
    """What a real hub shows: the labels of each series, by its name."""

    async def go() -> str:
        c = configured(one("generic-oauth", GENERIC | {"username_claim": "name"}))
        c.JupyterHub.authenticate_prometheus = False
        async with running(c) as (_, visitor):
            await visitor.get("/hub/login")
            text: str = (await visitor.get("/hub/metrics")).text
            return text

    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(run_async(go())):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


@pytest.mark.parametrize(("where", "expression"), expressions(), ids=lambda one: one[:40])
def test_a_real_hub_has_what_is_asked_for(
    where: str, expression: str, shown: dict[str, list[dict[str, str]]]
) -> None:
    asked = re.findall(r"\b([a-z]+_\w+)\{([^}]*)\}", expression)
    assert asked, where
    for name, selector in asked:
        if name in OF_OTHERS:
            continue
        assert name in shown, f"{where}: no hub has {name}"
        for label, _, value in re.findall(r'(\w+)\s*(=~?)\s*"([^"]*)"', selector):
            if label == "namespace" or value.startswith("$"):
                continue
            known = {labels.get(label) for labels in shown[name]}
            assert set(value.split("|")) <= known, f"{where}: {name} has no {label} {value}"


@needs_promtool
def test_prometheus_takes_what_the_dashboard_asks(tmp_path: Path) -> None:
    filled = {"$namespace": "hubs", "$provider": ".*", "$__rate_interval": "5m"}
    rules = []
    for number, (_, expression) in enumerate(expressions()):
        asked = re.sub(r"\$\w+", lambda found: filled[found[0]], expression)
        rules.append({"record": f"dashboard:{number}", "expr": asked})
    assert f"{len(rules)} rules found" in check(
        {"groups": [{"name": "g", "rules": rules}]}, tmp_path
    )


def test_the_dashboard_is_for_one_hub_at_a_time() -> None:
    variables = [one["name"] for one in DASHBOARD["templating"]["list"]]
    assert variables == ["datasource", "namespace", "provider"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            for selector in re.findall(r"\{([^}]*)\}", target["expr"]):
                assert 'namespace="$namespace"' in selector, panel["title"]


def test_no_panel_covers_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
