"""Configures logins from the values: z2jh loads this after `hub.config`, before `hub.extraConfig`.

z2jh runs the files of this directory sorted by name, so a file that is to come first has a name
that sorts before this one (`10-mine.py`).
"""

from fedhub_authenticators import configure

configure(c)  # type: ignore[name-defined]  # noqa: F821  # JupyterHub's configuration object
