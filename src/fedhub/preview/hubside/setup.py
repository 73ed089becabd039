"""What `fedhub run` tells the hub process, through a pipe: values may hold secrets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

SETUP_FD = "FEDHUB_PREVIEW_SETUP_FD"
"""The environment variable that names the pipe."""


@dataclass(frozen=True)
class Setup:
    """Everything the hub process needs to know.

    Attributes:
        values: the values as the z2jh chart receives them, `global` included.
        identity_provider: base address of the embedded identity provider.
        answer_fd: the pipe to write answers to.
        public_url: where browsers reach the hub, without the hub's base URL; empty when the
            hub runs elsewhere, then callback URLs stay as configured.
        folder: the preview's temporary folder.
        hub_port: where the hub process listens on loopback.
        proxy_api_url: where configurable-http-proxy takes routes.
        proxy_token: what it wants to see for that.
        token: what a request for verdicts must carry.
        config_files: the preview's copies of files that the values mount into
            `jupyterhub_config.d`.
        modules: the preview's copy of the folder that the pod's configuration file stands in,
            whose modules it can import; empty when the values mount nothing there.
    """

    values: dict[str, Any] = field(repr=False)
    identity_provider: str
    answer_fd: int
    public_url: str = ""
    folder: str = ""
    hub_port: int = 0
    proxy_api_url: str = ""
    proxy_token: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    config_files: list[str] = field(default_factory=list)
    modules: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what `Setup(**…)` takes back."""
        return asdict(self)
