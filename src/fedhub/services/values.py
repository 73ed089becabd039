"""A hub's own values file, changed by lines: what it would say, the difference, and writing it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedhub.errors import FedhubError, Position
from fedhub.hub.amend import Keys, added, taken_away
from fedhub.hub.files import read_text
from fedhub.hub.load import load_alone
from fedhub.hub.values import Hub
from fedhub.hub.write import beside, replace

_MARK = "\ufeff"


@dataclass(frozen=True)
class Draft:
    """A values file as it is, and as it would be.

    Attributes:
        path: the file.
        seen: its bytes as they are.
        text: what it would say.
    """

    path: Path
    seen: bytes
    text: str

    def diff(self) -> str:
        """Return the difference, as `diff -u` has it; "" for none."""
        before = self.seen.decode().removeprefix(_MARK).splitlines(keepends=True)
        after = self.text.splitlines(keepends=True)
        lines = difflib.unified_diff(before, after, str(self.path), str(self.path))
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def write(self) -> None:
        """Put it in the file's place, unless somebody changed that meanwhile.

        Raises:
            FedhubError: somebody did, or the folder can't be written.
        """
        mark = _MARK if self.seen.decode().startswith(_MARK) else ""
        content = (mark + self.text).encode()
        if content == self.seen:
            return
        with beside(self.path, content, mode=self.path.stat().st_mode & 0o777) as draft:
            replace(self.path, draft, seen=self.seen)


def with_added(hub: Hub, values: Mapping[Keys, Any]) -> Draft:
    """Return a hub's own file with more values.

    Raises:
        FedhubError: they can't be written there without changing something else.
    """
    path, seen, text = _own(hub)
    for where, value in values.items():
        text = added(text, str(path), where, value)
    return Draft(path, seen, text)


def without(hub: Hub, paths: Iterable[Keys]) -> Draft:
    """Return a hub's own file without some values; those that are not in it count as gone.

    Raises:
        FedhubError: they can't be taken away without changing something else.
    """
    path, seen, text = _own(hub)
    alone, _ = load_alone(path)
    for where in paths:
        if where in alone.positions:
            text = taken_away(text, str(path), where)
    return Draft(path, seen, text)


def _own(hub: Hub) -> tuple[Path, bytes, str]:
    file = next(file for file in hub.files if file.kind == "hub")
    if file.encrypted:
        raise FedhubError(
            "this values file is encrypted, and can't be changed line by line",
            fix=f"keep what is no secret in a file of its own, or use `sops edit {file.path}`",
            position=Position(str(file.path), 1, 1),
        )
    read_text(file.path)  # which says what is wrong with it
    seen = file.path.read_bytes()
    return file.path, seen, seen.decode().removeprefix(_MARK)
