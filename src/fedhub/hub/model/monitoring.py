"""What watches the hub: `monitoring` of the chart's values."""

from __future__ import annotations

from pydantic import Field

from fedhub.hub.text import Duration, SecretName, Strict


class ServiceMonitor(Strict):
    """The ServiceMonitor by which a Prometheus of the Prometheus Operator reads the hub."""

    enabled: bool = Field(False, description="Whether there is one.")
    interval: Duration | None = Field(
        None, description="How often it is read, such as `30s`; default: as Prometheus has it."
    )
    labels: dict[str, str] = Field(
        {}, description="Labels by which Prometheus takes it, such as `release: prometheus`."
    )
    prometheus_namespace: SecretName | None = Field(
        None,
        alias="prometheusNamespace",
        description="The only namespace whose Prometheus gets to the hub; default: any.",
    )


class PrometheusRule(Strict):
    """The alerts on logins, as a PrometheusRule of the Prometheus Operator."""

    enabled: bool = Field(False, description="Whether there is one.")
    labels: dict[str, str] = Field({}, description="Labels by which Prometheus takes it.")


class Dashboard(Strict):
    """The Grafana dashboard, as a ConfigMap for Grafana's sidecar."""

    enabled: bool = Field(False, description="Whether there is one.")
    labels: dict[str, str] = Field(
        {"grafana_dashboard": "1"}, description="Labels by which the sidecar takes it."
    )
    annotations: dict[str, str] = Field(
        {}, description="Annotations, such as the one by which the sidecar picks a folder."
    )


class Monitoring(Strict):
    """What watches the hub. All of it is off until it is asked for."""

    service_monitor: ServiceMonitor | None = Field(
        None, alias="serviceMonitor", description="How Prometheus finds the hub."
    )
    prometheus_rule: PrometheusRule | None = Field(
        None, alias="prometheusRule", description="When it raises an alert."
    )
    dashboard: Dashboard | None = Field(None, description="What Grafana shows of it.")
