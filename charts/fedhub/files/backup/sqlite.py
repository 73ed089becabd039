"""Back the hub's sqlite database up, and restore it. Python's own library is all it needs.

    sqlite.py backup DATABASE FOLDER KEEP
    sqlite.py restore DATABASE FOLDER NAME     # lists what there is where NAME is ""

A file has its name only once it is whole and on disk, so that whatever ends this at any instant
leaves what was there before. Backups are gzip files (RFC 1952), whose checksum tells a damaged one.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
import shutil
import sqlite3
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

_NAME = re.compile(r"hub-\d{8}T\d{6}Z\.sqlite\.gz")
_BESIDE = ("-journal", "-wal", "-shm")
"""What sqlite keeps beside a database: https://sqlite.org/tempfiles.html"""
_LEFT_BEHIND = 3600
"""Seconds after which a file without its name is of a killed run: no job may take longer."""
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class BackupError(Exception):
    """It can't be done; the text says what is wrong, and what to do."""


def backup(database: Path, folder: Path, keep: int) -> str:
    """Back the database up, and remove the oldest backups.

    Args:
        database: may be written to meanwhile; it is only read.
        folder: where backups are kept.
        keep: how many stay. None is removed where the new one failed.

    Returns: what was done.

    Raises:
        BackupError: there is no database of a hub, or the copy is not whole.
        sqlite3.Error, OSError: it can't be read or written.
    """
    if not database.is_file():
        raise BackupError(f"{database} is not there; has the hub been started yet?")
    _remove_left_behind(folder)
    name = f"hub-{_now()}.sqlite.gz"
    with _unnamed(folder, name) as copy:
        _copy_of_living(database, copy)
        _check(copy, database)
        with _becoming(folder / name) as packed:
            _pack(copy, packed)
            if _digest(packed) != _digest(copy):
                raise BackupError(f"{name} does not read as it was written; look after the volume")
    removed = _prune(folder, keep, made=name)
    size = (folder / name).stat().st_size
    return f"made {name}, {size} bytes" + (f"; removed {', '.join(removed)}" if removed else "")


def restore(database: Path, folder: Path, name: str) -> str:
    """Put a backup in the database's place, and keep what was there beside it.

    Args:
        database: nobody may have it open; it need not exist, nor be whole.
        folder: where backups are kept.
        name: the backup's.

    Returns: what was done.

    Raises:
        BackupError: the backup is damaged or no hub's, or the database is in use.
        sqlite3.Error, OSError: it can't be read or written. As before: the database is as it was.
    """
    if not _NAME.fullmatch(name) or not (folder / name).is_file():
        raise BackupError(f"there is no backup {name}; there are: {_listed(folder)}")
    for left in database.parent.glob(f".{database.name}*"):
        left.unlink()
    with _becoming(database) as new:
        _unpack(folder / name, new)
        _check(new, folder / name)
        kept = _keep(database)
    return f"restored {name}" + (
        f"; what was there is kept in {kept.name} beside it" if kept else ""
    )


def _keep(database: Path) -> Path | None:
    """Copy the database to a name of its own, with what sqlite has beside it.

    What is beside it then goes: sqlite would take it for the new database's.
    """
    _settle(database)
    kept = database.with_name(f"{database.name}.before-restore-{_now()}")
    for suffix in ("", *_BESIDE):
        part = database.with_name(database.name + suffix)
        if part.exists():
            with _becoming(kept.with_name(kept.name + suffix)) as copy:
                shutil.copyfile(part, copy)
    for suffix in _BESIDE:
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    return kept if kept.exists() else None


def _settle(database: Path) -> None:
    """Have sqlite bring the database into its one file, as far as it is whole.

    Raises:
        BackupError: somebody has it open.
    """
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in _IN_USE:
            raise BackupError(f"{database} is in use; scale the hub to 0 first") from None
        # It is damaged, which may be why there is a restore: it is kept as it is.


def _copy_of_living(database: Path, copy: Path) -> None:
    """Copy a database that is written to, as it is at one moment.

    https://sqlite.org/backup.html. All pages in one step: readers go on, and a writer waits.
    """
    source = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    with closing(source), closing(sqlite3.connect(copy)) as target:
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")  # so that the writer waits for no disk
        source.backup(target, sleep=0.01)


def _check(copy: Path, of: Path) -> None:
    """Raise BackupError unless a file, that nobody writes to, is the database of a hub."""
    found: list[tuple[str]] = []
    tables: list[tuple[str]] = []
    try:
        reader = sqlite3.connect(f"{copy.absolute().as_uri()}?immutable=1", uri=True)
        with closing(reader):
            found = reader.execute("PRAGMA integrity_check").fetchall()
            tables = reader.execute(
                "SELECT name FROM sqlite_master WHERE name = 'users'"
            ).fetchall()
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{of} is damaged: {error}; restore a backup that is not") from None
    if found != [("ok",)]:
        raise BackupError(f"{of} is damaged: {found[0][0]}; restore a backup that is not")
    if not tables:
        raise BackupError(f"{of} has no users: it is not the database of a hub")


def _pack(copy: Path, packed: Path) -> None:
    with (
        copy.open("rb") as source,
        packed.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file) as target,
    ):
        shutil.copyfileobj(source, target)


def _unpack(packed: Path, new: Path) -> None:
    try:
        with gzip.open(packed) as source, new.open("wb") as target:
            shutil.copyfileobj(source, target)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BackupError(f"{packed.name} is damaged: {error}; take another backup") from None


def _digest(file: Path) -> bytes:
    with gzip.open(file) if _packed(file) else file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()


def _packed(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(2) == b"\x1f\x8b"


def _prune(folder: Path, keep: int, made: str) -> list[str]:
    """Remove all but the newest backups, and return their names.

    What was just made stays, also where others have a later name: a clock was wrong, or somebody
    else writes to the volume.
    """
    others = [file for file in _backups(folder) if file.name != made]
    old = others[: max(0, len(others) - keep + 1)]
    for file in old:
        file.unlink()
    return [file.name for file in old]


def _backups(folder: Path) -> list[Path]:
    """Return the backups, the oldest first."""
    return sorted(file for file in folder.iterdir() if _NAME.fullmatch(file.name))


def _listed(folder: Path) -> str:
    return ", ".join(file.name for file in _backups(folder)) or "none"


def _remove_left_behind(folder: Path) -> None:
    for file in folder.glob(".hub-*.sqlite.gz.*"):
        if file.stat().st_mtime < time.time() - _LEFT_BEHIND:
            file.unlink(missing_ok=True)


@contextmanager
def _unnamed(folder: Path, name: str) -> Iterator[Path]:
    """Yield a new file that only its owner may read, gone at the end."""
    descriptor, path = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    os.close(descriptor)
    try:
        yield Path(path)
    finally:
        Path(path).unlink(missing_ok=True)


@contextmanager
def _becoming(target: Path) -> Iterator[Path]:
    """Yield a new file, which takes the target's name once it is whole and on disk."""
    with _unnamed(target.parent, target.name) as file:
        yield file
        _to_disk(file)
        file.rename(target)
        _to_disk(target.parent)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _full(error: sqlite3.Error | OSError) -> bool:
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def main(what: str, database: str, folder: str, last: str) -> int:
    """Do what the command line says, and say in one line how it ended."""
    try:
        if what == "backup":
            said = backup(Path(database), Path(folder), int(last))
        elif last:
            said = restore(Path(database), Path(folder), last)
        else:
            said = f"nothing is restored, no name was given; there are: {_listed(Path(folder))}"
    except BackupError as error:
        said = f"{what} failed: {error}"
    except (sqlite3.Error, OSError) as error:
        hint = "; make the volume larger, or keep fewer" if _full(error) else ""
        said = f"{what} failed: {error}{hint}"
    else:
        print(said)
        return 0
    print(said, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
