"""Services that run in the hub's cluster: `deployments`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from fedhub.hub.text import HostName, SecretName, Strict


class Image(Strict):
    """A container image, spelled as in z2jh's values."""

    name: str = Field(min_length=1, description="Its name, with the registry's host.")
    tag: str = Field(
        min_length=1, description="Its tag, which may end in `@sha256:…`; `latest` is refused."
    )
    pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(
        None, alias="pullPolicy", description="When nodes pull it; default: Kubernetes'."
    )
    pull_secrets: list[SecretName] = Field(
        [],
        alias="pullSecrets",
        description="Secrets to pull it with, beside `jupyterhub.imagePullSecrets`.",
    )


class DisruptionBudget(Strict):
    """A PodDisruptionBudget."""

    enabled: bool = Field(
        False,
        description="Whether nodes that are drained take one pod at a time; for several replicas.",
    )


class Deployment(Strict):
    """How a service runs in the cluster, and how people reach it.

    Keys are Kubernetes' own. Without `host`, people reach it through the hub's proxy at
    `/services/<name>/`, and the service's `url` is `http://fedhub-service-<name>:<port>`.
    """

    image: Image = Field(description="What it runs.")
    port: int = Field(ge=1, le=65535, description="The port that it listens on, by HTTP.")
    host: HostName | None = Field(
        None,
        description="A host name of its own: an Ingress or HTTPRoute like the hub's leads there, "
        "with a certificate in the Secret `fedhub-service-<name>-tls`.",
    )
    replicas: int = Field(1, ge=0, description="How many pods.")
    command: list[str] = Field([], description="What to run; default: as the image has it.")
    args: list[str] = Field(
        [], description="Its arguments; `$(NAME)` in them is that variable's value."
    )
    env: list[dict[str, Any]] = Field(
        [], description="Variables beside JupyterHub's, which it has anyhow; also `valueFrom`."
    )
    resources: dict[str, Any] = Field(
        {"requests": {"cpu": "50m", "memory": "128Mi"}},
        description="What it asks for, and its limits.",
    )
    volumes: list[dict[str, Any]] = Field([], description="Volumes of the pod.")
    volume_mounts: list[dict[str, Any]] = Field(
        [],
        alias="volumeMounts",
        description="Where the container has them. It can write nowhere else, not even to `/tmp`.",
    )
    run_as_user: int = Field(
        1000,
        ge=1,
        alias="runAsUser",
        description="The number of its user, its group and the group of its volumes; never root.",
    )
    readiness_probe: dict[str, Any] | None = Field(
        None,
        alias="readinessProbe",
        description="How to see that it can take requests; default: its port is open.",
    )
    liveness_probe: dict[str, Any] | None = Field(
        None,
        alias="livenessProbe",
        description="How to see that it must be started anew; default: it has ended.",
    )
    egress: list[dict[str, Any]] = Field(
        [],
        description="Where it may go beside the hub and name servers: rules of a NetworkPolicy.",
    )
    pdb: DisruptionBudget | None = Field(None, description="Its PodDisruptionBudget.")
    node_selector: dict[str, str] = Field(
        {}, alias="nodeSelector", description="Labels of the nodes that it may run on."
    )
    tolerations: list[dict[str, Any]] = Field([], description="Taints of nodes that it bears.")
    affinity: dict[str, Any] = Field({}, description="Which nodes and neighbours it prefers.")
