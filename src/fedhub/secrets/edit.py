"""A hub's secrets in an editor, in plaintext only where no disk is.

`sops edit` writes the plaintext into a folder of its own (mode 0700) below `$TMPDIR`, runs
`$SOPS_EDITOR` or `$EDITOR` on it, and removes it afterwards; but version 3.11 leaves it there when
a signal ends it. So `$TMPDIR` is a folder in memory, and it goes in any case.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

from fedhub.errors import FedhubError
from fedhub.hub.encrypted import DOES_NOT_OPEN, refusal, sops_binary
from fedhub.hub.write import beside, create, replace
from fedhub.secrets.encrypt import YAML, encrypted
from fedhub.secrets.files import SecretsFile, place_of, read

_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory (shm_overview(7)), Linux only
_UNCHANGED = 200  # sops: cmd/sops/codes/codes.go
_PRIVATE = 0o600
_GRACE = 3.0
"""Seconds that an editor has to end when we are told to."""
_HEADER = """\
# The hub's secrets: a values file, encrypted when you leave the editor. Change it with
# `fedhub secrets edit`.
{}
"""


class Edited(NamedTuple):
    """What came of it.

    Attributes:
        path: the encrypted file.
        changed: whether it is another one now.
    """

    path: Path
    changed: bool


def edit(hub: str, *, folder: Path = Path("values")) -> Edited:
    """Have a person edit a hub's encrypted file, or begin it.

    Args:
        hub: a name in the folder, or the path of a values file.
        folder: where hubs are looked for by name.

    Raises:
        UsageError: there is no such hub.
        FedhubError: the file is not encrypted, no key opens it, it was changed by somebody else
            meanwhile, or we were told to end.
    """
    name, path = place_of(hub, folder)
    before = read(name, path) if path.exists() else None
    if not os.access(path.parent, os.W_OK):  # said before anybody has written something
        raise FedhubError(f"{path.parent} can't be written", fix="check its permissions")
    content = before.seen if before else encrypted(_HEADER, path)
    with _ended_by_signals(path), _private_folder() as private:
        # Its name tells the editor which language it is.
        draft = private / path.name
        draft.write_bytes(content)
        code = _sops_edit(draft, private)
        after = draft.read_bytes()
    if code not in (0, _UNCHANGED):
        raise _failure(code, path, before)
    if after != content:
        _put(path, after, before)
    return Edited(path, after != content)


def _sops_edit(draft: Path, private: Path) -> int:
    process = subprocess.Popen(
        [sops_binary(), "edit", *YAML, str(draft)], env=os.environ | {"TMPDIR": str(private)}
    )
    try:
        return process.wait()
    except FedhubError:
        _end(process.pid)
        raise


def _end(pid: int) -> None:
    """End sops and its editor, which could write the plaintext anew."""
    import psutil

    sops = psutil.Process(pid)
    processes = [*sops.children(recursive=True), sops]
    for process in processes:
        process.terminate()
    for process in psutil.wait_procs(processes, timeout=_GRACE)[1]:
        process.kill()


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Give a folder that only this user can enter, in memory where there is such a place."""
    in_memory = os.access(_MEMORY, os.W_OK | os.X_OK)
    folder = Path(tempfile.mkdtemp(prefix="fedhub-", dir=_MEMORY if in_memory else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _ended_by_signals(path: Path) -> Iterator[None]:
    """Leave by an error when told to end; Ctrl-C is the editor's business."""
    ending = (signal.SIGTERM, signal.SIGHUP)

    def end(*_: object) -> NoReturn:
        for number in ending:
            signal.signal(number, signal.SIG_IGN)  # a second one can't stop the tidying up
        raise FedhubError(f"told to end; {path} stays as it is")

    before = {number: signal.signal(number, end) for number in ending}
    # Not SIG_IGN, which the editor would inherit.
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _failure(code: int, path: Path, before: SecretsFile | None) -> FedhubError:
    if before is not None and code in DOES_NOT_OPEN:
        return refusal(code, path, before.root)
    return FedhubError(
        f"sops could not edit {path} (exit code {code}); it stays as it is",
        fix="name an editor that waits in SOPS_EDITOR, such as `code --wait`",
    )


def _put(path: Path, content: bytes, before: SecretsFile | None) -> None:
    """Put what was edited in its place.

    Raises:
        FedhubError: somebody else was there meanwhile; both versions are kept.
    """
    try:
        if before is None:
            create(path, content, mode=_PRIVATE)
        else:
            with beside(path, content, mode=path.stat().st_mode & 0o777) as draft:
                replace(path, draft, seen=before.seen)
    except (FedhubError, FileNotFoundError) as error:
        number, kept = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".yours", dir=path.parent)
        with os.fdopen(number, "wb") as file:
            file.write(content)
        message = getattr(error, "message", f"{path} is gone")
        raise FedhubError(
            message, fix=f"what you wrote is in {kept}, encrypted: bring it over, then remove it"
        ) from None
