"""What the values of the chart may hold."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr

from fedhub.hub.model.backup import Backup
from fedhub.hub.model.deployment import Deployment
from fedhub.hub.model.fedhub import Fedhub
from fedhub.hub.model.monitoring import Monitoring
from fedhub.hub.text import (
    ONLY_THESE,
    ProviderName,
    ServiceName,
    Strict,
    without_nulls,
)


class Client(Strict):
    """The hub's client at a provider."""

    client_id: str = Field(min_length=1, description="Its id.")
    client_secret: SecretStr = Field(min_length=1, description="Its secret.")


class Global(Strict):
    """What every chart below gets to see, and the hub process with them."""

    model_config = ConfigDict(extra="allow")

    fedhub: Fedhub | None = Field(None, description="What fedhub knows of the hub.")


class ChartValues(Strict):
    """A hub's values file, for the chart.

    What the hub itself reads is under `global` and `jupyterhub`, and a change there restarts it;
    what stands beside them is for the cluster alone.
    """

    globals: Global | None = Field(
        None, alias="global", description="What every chart below gets to see."
    )
    jupyterhub: dict[str, Any] = Field({}, description="z2jh's own values, as they are.")
    credentials: Annotated[dict[ProviderName, Client], BeforeValidator(without_nulls)] = Field(
        {},
        json_schema_extra=ONLY_THESE,
        description="Client id and secret by the provider's name under `global.fedhub.login`. "
        "They belong in the encrypted file. The hub reads them when it uses them, so that new "
        "ones need no restart.",
    )
    deployments: Annotated[dict[ServiceName, Deployment], BeforeValidator(without_nulls)] = Field(
        {},
        json_schema_extra=ONLY_THESE,
        description="Services of `global.fedhub.services` that run in the hub's cluster, by name.",
    )
    backup: Backup | None = Field(None, description="Backups of the hub's database.")
    monitoring: Monitoring | None = Field(
        None, description="What watches the hub, in Prometheus and Grafana."
    )


CHART_ONLY = frozenset(field.alias or name for name, field in ChartValues.model_fields.items()) - {
    "global"
}
"""Keys that tell the chart's values from z2jh's own."""
