"""Client ids and secrets from Kubernetes Secrets, which a pod has as files that may change.

fedhub's chart mounts a folder with `<provider>.client_id` and `<provider>.client_secret`, from
whichever Secret holds them. z2jh mounts `hub.existingSecret` as a folder, one file for each key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOUNT = "/usr/local/etc/jupyterhub/existing-secret"
"""Where z2jh mounts `hub.existingSecret`."""

FOLDER = "/usr/local/etc/jupyterhub/fedhub-credentials"
"""Where fedhub's chart mounts the providers' credentials."""

KEYS = frozenset({"existingSecret", "clientIdKey", "clientSecretKey", "externalSecret"})


def files_of_chart(provider: str) -> dict[str, str]:
    """Return the traits `client_id_file` and `client_secret_file` of a provider.

    The files need not be there yet: they are read at every use, and a hub may be installed before
    it is registered.

    Args:
        provider: its name under `global.fedhub.login`.

    Returns:
        Nothing where there is no such folder, as with z2jh's own chart.
    """
    place = Path(FOLDER)
    if not place.is_dir():
        return {}
    return {
        f"{key}_file": str(place / f"{provider}.{key}") for key in ("client_id", "client_secret")
    }


def credential_files(
    provider: str, declared: Mapping[str, Any], folder: str | Path | None = None
) -> dict[str, str]:
    """Return the traits `client_id_file` and `client_secret_file` of a provider.

    What stands in them is read at every use; here only so that a hub that can't log anybody in
    does not start.

    Args:
        provider: its name under `global.fedhub.login`.
        declared: `existingSecret`, and the keys in it where they are not called `client_id`
            and `client_secret`.
        folder: where the Secret is mounted; None takes `$FEDHUB_CREDENTIALS_DIR`, else MOUNT.

    Raises:
        ValueError: a file is missing or empty.
    """
    place = Path(folder or os.environ.get("FEDHUB_CREDENTIALS_DIR") or MOUNT)
    keys = {
        "client_id_file": declared.get("clientIdKey") or "client_id",
        "client_secret_file": declared.get("clientSecretKey") or "client_secret",
    }
    for key in keys.values():
        _check(place / key, provider, declared)
    return {trait: str(place / key) for trait, key in keys.items()}


def _check(file: Path, provider: str, declared: Mapping[str, Any]) -> None:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(_advice(file, reason, provider, declared)) from None
    if not text:
        raise ValueError(_advice(file, "it is empty", provider, declared))


def _advice(file: Path, reason: str, provider: str, declared: Mapping[str, Any]) -> str:
    secret = declared.get("existingSecret") or "its Secret"
    return (
        f"the credentials of provider {provider} can't be read from {file} ({reason}); put the "
        f"key {file.name} into the Secret {secret} and name that Secret under hub.existingSecret"
    )
