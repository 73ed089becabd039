"""Makes the keys that a hub's values lack, once, in its encrypted file."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from fedhub.hub.load import load_hub
from fedhub.hub.write import beside, create, replace
from fedhub.secrets.encrypt import encrypted, set_value
from fedhub.secrets.files import in_plaintext, place_of
from fedhub.secrets.keys import as_tree, missing_keys, new_keys

if TYPE_CHECKING:
    from fedhub.hub.merge import KeyPath

PRIVATE = 0o600
_HEADER = """\
# The hub's own keys. They stay the same: a new cookie secret logs everybody out, and without the
# crypt key what is kept of logins is lost. `fedhub secrets edit` changes this file.
"""


def generate(
    hub: str, *, extra: Sequence[Path] = (), folder: Path = Path("values"), dry_run: bool = False
) -> tuple[Path, list[KeyPath]]:
    """Make the keys that are missing; what is there stays, and so do comments.

    Args:
        hub: a name in the folder, or the path of a values file.
        extra: more values files, which may hold keys as well.
        folder: where hubs are looked for by name.
        dry_run: only say which.

    Returns:
        the encrypted file, and where in it keys are new.

    Raises:
        FedhubError: the file is not encrypted, can't be, or was changed meanwhile.
    """
    _, path = place_of(hub, folder)
    seen = None
    with contextlib.suppress(OSError):  # which loading reports
        seen = path.read_bytes()  # before it is judged what it lacks
    loaded = load_hub(hub, extra=extra, folder=folder)
    for file in loaded.files:
        if file.kind == "secrets" and not file.encrypted:
            raise in_plaintext(path)
    missing = missing_keys(loaded.values, loaded.z2jh_at)
    if missing and not dry_run:
        keys = new_keys(missing)
        if seen is None:
            create(path, encrypted(keys_file(keys), path), mode=PRIVATE)
        else:
            _add(path, keys, seen)
    return path, missing


def keys_file(keys: dict[KeyPath, str]) -> str:
    """Return a values file of keys, in plaintext: for sops' standard input alone."""
    tree: str = yaml.safe_dump(as_tree(keys), sort_keys=False)
    return _HEADER + tree


def _add(path: Path, keys: dict[KeyPath, str], seen: bytes) -> None:
    with beside(path, seen, mode=path.stat().st_mode & 0o777) as draft:
        for where, key in keys.items():
            set_value(draft, where, key)
        replace(path, draft, seen=seen)
