"""The Hub: one JupyterHub's merged values, and where each of them was set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fedhub.errors import FedhubError, Position
from fedhub.hub.merge import KeyPath, with_globals

if TYPE_CHECKING:
    from fedhub.hub.model import Fedhub


@dataclass(frozen=True)
class ValuesFile:
    """One file that values come from.

    Attributes:
        path: as the person gave it, or relative to the working folder.
        kind: its role: `common` lies under the `hub` file, `secrets` over it, `extra` on top.
        encrypted: whether it is encrypted with sops.
        text: its content as it was read, decrypted: what helm is given.
    """

    path: Path
    kind: Literal["common", "hub", "secrets", "extra"]
    encrypted: bool
    text: str = field(repr=False)  # it may hold secrets


@dataclass(frozen=True)
class Hub:
    """One JupyterHub as its values files describe it; loaded once, read only.

    Attributes:
        name: the hub's name.
        files: where its values come from, each over the ones before.
        values: the merged values, as `helm -f … -f …` has them.
        positions: where each value was set: its key's position.
        starts: where each value itself starts.
        warnings: what a person should know, though it stops nothing.
        z2jh_at: where z2jh's values stand: `()` in a plain z2jh file, `("jupyterhub",)` in a
            wrapper chart's.
    """

    name: str
    files: tuple[ValuesFile, ...]
    values: dict[str, Any] = field(repr=False)  # they hold secrets
    positions: Mapping[KeyPath, Position] = field(repr=False)
    starts: Mapping[KeyPath, Position] = field(repr=False)
    warnings: tuple[FedhubError, ...]
    z2jh_at: KeyPath

    @cached_property
    def z2jh(self) -> dict[str, Any]:
        """What the z2jh chart receives, with `global` as Helm hands it to a subchart."""
        if not self.z2jh_at:
            return self.values
        return with_globals(self.get(*self.z2jh_at, default={}), self.values.get("global"))

    @property
    def declares_fedhub(self) -> bool:
        """Whether `global.fedhub` has more than `release`, which a plain z2jh file may have too."""
        declared = self.get("global", "fedhub")
        return declared is not None and (
            not isinstance(declared, Mapping) or declared.keys() != {"release"}
        )

    @cached_property
    def fedhub(self) -> Fedhub | None:
        """The validated `global.fedhub`, or None where there is none.

        Raises:
            Problems: it says something it can't say; each problem has its position.
        """
        if not self.declares_fedhub:
            return None
        from fedhub.hub.model import validate

        return validate(
            self.get("global", "fedhub"), lambda path: self.position("global", "fedhub", *path)
        )

    @cached_property
    def chart_problems(self) -> list[FedhubError]:
        """What fedhub's chart would not take, but for `global.fedhub`; each has its position.

        Nothing for a hub of another chart around z2jh's, whose keys nobody here knows.
        """
        if not self.z2jh_at or not self.declares_fedhub:
            return []
        from fedhub.hub.model import chart_problems

        return chart_problems(self.values, lambda path: self.position(*path))

    def get(self, *path: str | int, default: Any = None) -> Any:
        """Return the value at a path; the default where it is missing or null."""
        return value_at(self.values, path, default)

    def z2jh_get(self, *path: str | int, default: Any = None) -> Any:
        """Return what z2jh receives at a path; the default where it is missing or null."""
        return value_at(self.z2jh, path, default)

    def position(self, *path: str | int) -> Position:
        """Return where a value's key stands, or else its nearest ancestor's that exists."""
        return self._nearest(self.positions, path)

    def start(self, *path: str | int) -> Position:
        """Return where a value itself starts, or else its nearest ancestor's that exists."""
        return self._nearest(self.starts, path)

    def source(self, *path: str | int) -> ValuesFile:
        """Return the file that set a value; of a map that several set, the last of them."""
        file = self.position(*path).file
        return next(one for one in reversed(self.files) if str(one.path) == file)

    def _nearest(self, where: Mapping[KeyPath, Position], path: KeyPath) -> Position:
        for length in range(len(path), 0, -1):
            if path[:length] in where:
                return where[path[:length]]
        main = next(file for file in self.files if file.kind == "hub")
        return Position(str(main.path), 1, 1)


def value_at(values: Any, path: KeyPath, default: Any = None) -> Any:
    """Return the value at a path; the default where it is missing or null."""
    for key in path:
        try:
            values = values[key]
        except (KeyError, IndexError, TypeError):
            return default
    return default if values is None else values
