"""Notebook servers of a preview: local processes, each with a throw-away home."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Unicode, default


class PreviewSpawner(SimpleLocalProcessSpawner):
    """Starts a real single-user server without a cluster and without system users."""

    homes = Unicode(config=True, help="Folder that holds a home for each user.")

    @default("home_dir")
    def _home_below_the_preview(self) -> str:
        return str(Path(self.homes) / home_name(self.user.name))


def home_name(username: str) -> str:
    """Return a folder name for a user: any name is safe, and no two share one."""
    readable = re.sub(r"[^a-z0-9]+", "-", username.lower()).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(username.encode()).hexdigest()[:8]}"


# `c.KubeSpawner` settings (environment, hooks, default_url …) apply to the class of that name.
PreviewSpawner.__name__ = "KubeSpawner"
