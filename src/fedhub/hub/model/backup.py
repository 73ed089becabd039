"""Backups of the hub's database: `backup` of the chart's values."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from fedhub.hub.text import ImageTag, Quantity, Schedule, SecretName, Strict, TimeZone


class BackupStorage(Strict):
    """Where backups are kept."""

    existing_claim: SecretName | None = Field(
        None,
        alias="existingClaim",
        description="A PersistentVolumeClaim that is there. Without one the chart makes "
        "`fedhub-backup`, which stays when the release is uninstalled.",
    )
    size: Quantity = Field("5Gi", description="The size of the claim that the chart makes.")
    storage_class_name: str | None = Field(
        None, alias="storageClassName", description="Its StorageClass; default: the cluster's."
    )


class BackupImage(Strict):
    """PostgreSQL's own tools, of the server's major version. sqlite needs the hub's image alone."""

    name: str = Field("docker.io/library/postgres", min_length=1, description="The image's name.")
    tag: ImageTag = Field(
        "17-bookworm",
        description="Its tag, of the server's major version: other tools may write what the "
        "server can't read.",
    )


class Backup(Strict):
    """Backups of the hub's database, which is the one of `jupyterhub.hub.db`."""

    enabled: bool = Field(False, description="Whether they are made.")
    schedule: Schedule = Field("15 3 * * *", description="When, as cron has it.")
    time_zone: TimeZone = Field(
        "Etc/UTC", alias="timeZone", description="The time zone of the schedule."
    )
    keep: int = Field(14, ge=1, description="How many backups are kept.")
    storage: BackupStorage | None = Field(None, description="Where they are kept.")
    image: BackupImage | None = Field(
        None, description="The image with PostgreSQL's tools, where the hub's database is one."
    )
    resources: dict[str, Any] = Field(
        {"requests": {"cpu": "50m", "memory": "128Mi"}},
        description="What the pods ask for, as Kubernetes has it.",
    )
