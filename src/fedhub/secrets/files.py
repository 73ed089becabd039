"""A hub's encrypted file, found and read without decrypting it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fedhub.errors import FedhubError, Position
from fedhub.hub.files import read_text, secrets_file, values_files

if TYPE_CHECKING:
    from fedhub.hub.document import Node


class SecretsFile(NamedTuple):
    """A hub's encrypted file.

    Attributes:
        hub: the hub's name.
        path: the file.
        seen: its bytes when it was read.
        root: its tree, values encrypted.
    """

    hub: str
    path: Path
    seen: bytes
    root: Node


def place_of(hub: str, folder: Path) -> tuple[str, Path]:
    """Return a hub's name, and where its encrypted file is or would be.

    Args:
        hub: a name in the folder, or the path of a values file.
        folder: where hubs are looked for by name.

    Raises:
        UsageError: there is no such hub.
    """
    name, found = values_files(hub, (), folder)
    own = next(one.path for one in found if one.kind == "hub")
    return name, secrets_file(name, own.parent)


def secrets_of(hub: str, folder: Path) -> SecretsFile:
    """Return a hub's encrypted file.

    Raises:
        UsageError: there is no such hub.
        FedhubError: it has no such file, or one that is not encrypted or can't be read.
    """
    name, path = place_of(hub, folder)
    if not path.exists():
        raise FedhubError(
            f"{name} has no secrets: there is no file {path}",
            fix=f"make it with `fedhub secrets generate {name}` or `fedhub secrets edit {name}`",
        )
    return read(name, path)


def read(name: str, path: Path) -> SecretsFile:
    """Return an encrypted file that is there.

    Raises:
        FedhubError: it can't be read, or is not encrypted.
    """
    from fedhub.hub.document import parse
    from fedhub.hub.encrypted import is_encrypted

    seen = b""
    with contextlib.suppress(OSError):  # which reading it as text reports
        seen = path.read_bytes()
    root = parse(read_text(path), str(path))
    if not is_encrypted(root):
        raise in_plaintext(path)
    return SecretsFile(name, path, seen, root)


def in_plaintext(path: Path) -> FedhubError:
    """Return what is said of a file of secrets that is not encrypted."""
    return FedhubError(
        "this file is not encrypted, and keys don't belong in plaintext",
        fix=f"`sops encrypt --in-place {path}`, then try again",
        position=Position(str(path), 1, 1),
    )
