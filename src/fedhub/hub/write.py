"""Writing files so that at every instant each of them is whole, or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedhub.errors import FedhubError


def create(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file that must not be there yet.

    Args:
        path: the file.
        content: all of it.
        mode: its permissions.

    Raises:
        FedhubError: it is there already, or its folder can't be written.
    """
    with beside(path, content, mode=mode) as draft:
        try:
            os.link(draft, path)  # unlike a rename, never takes the place of a file
        except FileExistsError:
            raise FedhubError(
                f"{path} appeared meanwhile, and stays as it is", fix="look at it, then try again"
            ) from None
        except OSError as error:
            raise FedhubError(
                f"{path} can't be written: {error.strerror}", fix="write it on another file system"
            ) from None


def replace(path: Path, draft: Path, *, seen: bytes) -> None:
    """Put a draft in the place of a file, if that is still as it was seen.

    Raises:
        FedhubError: somebody else changed the file meanwhile.
    """
    if path.read_bytes() != seen:
        raise FedhubError(
            f"{path} was changed by somebody else meanwhile, and stays as it is", fix="try again"
        )
    flush(draft)
    draft.replace(path)
    flush(path.parent)


@contextmanager
def beside(path: Path, content: bytes, *, mode: int) -> Iterator[Path]:
    """Give a draft in a file's own folder, on disk in full, which is gone afterwards.

    Raises:
        FedhubError: the folder can't be written.
    """
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".draft", dir=path.parent)
    except OSError as error:
        raise FedhubError(
            f"{path.parent} can't be written: {error.strerror}", fix="check its permissions"
        ) from None
    draft = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        yield draft
        flush(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have a file's content, or a folder's names, on disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
