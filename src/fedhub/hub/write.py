"""Writing files so that at every instant each of them is whole, or not there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fedhub.errors import FedhubError

_DRAFT = ".draft"
_OF_OURS = re.compile(rf"\..+\.[a-z0-9_]{{8}}{re.escape(_DRAFT)}", re.DOTALL)
"""How `tempfile` names a draft: other people's hidden files are none."""


class ChangedMeanwhileError(FedhubError):
    """Somebody else changed a file between the look at it and the write; it stays theirs."""


def create(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file that must not be there yet.

    Args:
        path: the file.
        content: all of it.
        mode: its permissions.

    Raises:
        ChangedMeanwhileError: it is there already.
        FedhubError: its folder can't be written.
    """
    with beside(path, content, mode=mode) as draft:
        try:
            os.link(draft, path)  # unlike a rename, never takes the place of a file
        except FileExistsError:
            raise ChangedMeanwhileError(
                f"{path} appeared meanwhile, and stays as it is", fix="look at it, then try again"
            ) from None
        except OSError as error:
            raise FedhubError(
                f"{path} can't be written: {error.strerror}", fix="write it on another file system"
            ) from None


def replace(path: Path, draft: Path, *, seen: bytes) -> None:
    """Put a draft in the place of a file, if that is still as it was seen.

    Raises:
        ChangedMeanwhileError: somebody else changed the file, or took it away.
    """
    _as_seen(path, seen)
    flush(draft)
    draft.replace(path)
    flush(path.parent)


def remove(path: Path, *, seen: bytes) -> None:
    """Take a file away, if it is still as it was seen.

    Raises:
        ChangedMeanwhileError: somebody else changed it, or took it away.
    """
    _as_seen(path, seen)
    path.unlink()
    flush(path.parent)


def _as_seen(path: Path, seen: bytes) -> None:
    try:
        now: bytes | None = path.read_bytes()
    except FileNotFoundError:
        now = None
    if now != seen:
        raise ChangedMeanwhileError(
            f"{path} was changed by somebody else meanwhile, and stays as it is", fix="try again"
        )


@contextmanager
def beside(path: Path, content: bytes, *, mode: int) -> Iterator[Path]:
    """Give a draft in a file's own folder, on disk in full, which is gone afterwards.

    Its writer holds a lock on it, by which `sweep` tells what a killed one left.

    Raises:
        FedhubError: the folder can't be written.
    """
    try:
        sweep(path.parent)
        number, draft = _locked_draft(path)
    except OSError as error:
        fix = "make it" if isinstance(error, FileNotFoundError) else "check its permissions"
        raise FedhubError(f"{path.parent} can't be written: {error.strerror}", fix=fix) from None
    try:
        with os.fdopen(number, "wb") as file:
            try:
                file.write(content)
                file.flush()
                os.fchmod(number, mode)
                os.fsync(number)
            except OSError as error:
                raise FedhubError(
                    f"{path} can't be written: {error.strerror}", fix="make room, and try again"
                ) from None
            yield draft
        flush(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _locked_draft(path: Path) -> tuple[int, Path]:
    while True:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_DRAFT, dir=path.parent)
        fcntl.flock(number, fcntl.LOCK_EX)
        if os.fstat(number).st_nlink:
            return number, Path(name)
        os.close(number)  # swept away before it was locked


def sweep(folder: Path) -> None:
    """Remove the drafts of writers that were killed.

    Raises:
        OSError: the folder can't be read or written.
    """
    for draft in folder.glob(f".*{_DRAFT}"):
        if not _OF_OURS.fullmatch(draft.name) or draft.is_symlink() or not draft.is_file():
            continue
        with contextlib.suppress(FileNotFoundError, BlockingIOError, PermissionError):
            number = os.open(draft, os.O_RDONLY)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                draft.unlink()
            finally:
                os.close(number)


@contextmanager
def alone_in(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Have a folder to oneself, among the commands on this machine that ask for it like this.

    Args:
        folder: the folder.
        waiting: called once when another has it.

    Raises:
        FedhubError: it can't be read.
    """
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise FedhubError(
            f"{folder} can't be read: {error.strerror}", fix="check its permissions"
        ) from None
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(number, fcntl.LOCK_EX)
        sweep(folder)
        yield
    finally:
        os.close(number)  # which lets it go


def flush(path: Path) -> None:
    """Have a file's content, or a folder's names, on disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
