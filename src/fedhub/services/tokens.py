"""A service's token in the hub's encrypted file."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fedhub.errors import FedhubError
from fedhub.hub.files import secrets_file
from fedhub.hub.merge import plain
from fedhub.hub.values import Hub, value_at
from fedhub.hub.write import beside, create, replace
from fedhub.secrets.encrypt import encrypted, remove_value, set_value
from fedhub.secrets.files import read
from fedhub.secrets.generate import PRIVATE, keys_file


def file_of(hub: Hub) -> Path:
    """Return where a hub's encrypted file is, or would be."""
    own = next(file for file in hub.files if file.kind == "hub")
    return secrets_file(hub.name, own.path.parent)


@contextmanager
def new_token(hub: Hub, path: tuple[str, ...]) -> Iterator[Callable[[], None]]:
    """Make a token and encrypt it; give what puts it in place, which takes an instant.

    So what can fail, such as sops without a key, fails before anything is written.

    Raises:
        FedhubError: the file is not encrypted, can't be, or was changed meanwhile.
    """
    file, token = file_of(hub), secrets.token_hex(32)
    if not file.exists():
        content = encrypted(keys_file({path: token}), file)
        yield lambda: create(file, content, mode=PRIVATE)
        return
    seen = read(hub.name, file).seen
    with beside(file, seen, mode=file.stat().st_mode & 0o777) as draft:
        set_value(draft, path, token)
        yield lambda: replace(file, draft, seen=seen)


def has(hub: Hub, path: tuple[str, ...]) -> bool:
    """Whether a hub's encrypted file holds something at a path; decrypts nothing."""
    file = file_of(hub)
    return file.exists() and value_at(plain(read(hub.name, file).root), path) is not None


def forget(hub: Hub, path: tuple[str, ...]) -> None:
    """Take what is at a path out of a hub's encrypted file, if there is anything.

    Raises:
        FedhubError: sops has no key for it, or it was changed meanwhile.
    """
    if not has(hub, path):
        return
    file = file_of(hub)
    seen = read(hub.name, file).seen
    with beside(file, seen, mode=file.stat().st_mode & 0o777) as draft:
        remove_value(draft, path)
        replace(file, draft, seen=seen)


def check_encrypted(hub: Hub, path: tuple[str, ...]) -> None:
    """Make sure that a token is not in a file that everybody reads.

    Raises:
        FedhubError: it is, with its position.
    """
    if hub.get(*path) is None:
        return
    file = hub.source(*path)
    if file.path != file_of(hub) or not file.encrypted:
        raise FedhubError(
            f"the token stands in {file.path}, over or beside the encrypted file",
            fix="remove the line, then try again",
            position=hub.position(*path),
        )
