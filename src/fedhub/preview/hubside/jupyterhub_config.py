"""The configuration file of a preview's hub."""

from fedhub.preview.hubside.configuration import load

load(get_config())  # type: ignore[name-defined]  # noqa: F821 - JupyterHub provides it
