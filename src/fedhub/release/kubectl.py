"""Asks a cluster through kubectl.

It takes every way to log in to a cluster that helm does, and unlike the clients in Python writes
no key to disk.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace

from fedhub.release.helm import environment
from fedhub.release.target import Release

_PATIENCE = 15.0  # seconds


def kubectl(release: Release, *command: str) -> str | None:
    """Return what kubectl says in a release's namespace; None where it fails, or is not there."""
    found = shutil.which("kubectl")
    if found is None:
        return None
    context = ["--context", release.context] if release.context else []
    done = run_quietly([found, *command, "--namespace", release.namespace, *context])
    return done.stdout if done is not None and done.returncode == 0 else None


def pinned(release: Release) -> Release:
    """Return a release at the current context by its name, whichever is current later.

    Where there is no kubectl, or no current context, it stays as it is.
    """
    found = shutil.which("kubectl")
    if release.context is not None or found is None:
        return release
    done = run_quietly([found, "config", "current-context"])
    name = done.stdout.strip() if done is not None and done.returncode == 0 else ""
    return replace(release, context=name or None)


def run_quietly(command: Sequence[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a program, such as kubectl; None where it does not run, or gives no answer."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
            text=True,
            errors="replace",
            env=environment(),
            start_new_session=True,  # Ctrl-C is for helm, which then takes its time
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
