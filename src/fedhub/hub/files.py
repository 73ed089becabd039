"""Finding a hub's values files, and reading one."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from fedhub.errors import FedhubError, Position, UsageError

MAX_BYTES = 2 * 2**20
"""z2jh keeps all values in one Kubernetes Secret, which holds 1 MiB; encrypting adds to that."""

_HUB, _COMMON = ".values.yaml", "common.values.yaml"
_SECRETS = ("enc-", ".secret.values.yaml")


class Found(NamedTuple):
    """A values file and its role."""

    path: Path
    kind: Literal["common", "hub", "secrets", "extra"]


def values_files(hub: str, extra: Sequence[Path], folder: Path) -> tuple[str, list[Found]]:
    """Return a hub's name and its values files, each over the ones before.

    Args:
        hub: a name in the folder, or the path of a values file.
        extra: files on top of the hub's own.
        folder: where hubs are looked for by name.

    Raises:
        UsageError: there is no such hub, or one of the extra files is missing.
    """
    is_path = os.sep in hub or "/" in hub or hub.endswith((".yaml", ".yml"))
    path = Path(hub) if is_path else hub_file(hub, folder)
    if not path.name:
        raise UsageError(f"{path} is a folder", fix="name a values file in it")
    name = _hub_name(path)
    if not is_there(path):
        raise _unknown(hub, path)
    common = path.with_name(_COMMON)
    secrets = secrets_file(name, path.parent)
    found = []
    if common.exists() and path.name != _COMMON:
        found.append(Found(common, "common"))
    found.append(Found(path, "hub"))
    if secrets.exists():
        found.append(Found(secrets, "secrets"))
    for one in extra:
        if not is_there(one):
            raise UsageError(f"there is no file {one}", fix="correct the path given with -f")
        found.append(Found(one, "extra"))
    return name, found


def is_there(path: Path) -> bool:
    """Return whether there is such a file or folder; no name that can't be one is an error."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for one that is too long


def hub_file(name: str, folder: Path) -> Path:
    """Return where a hub's values are."""
    return folder / f"{name}{_HUB}"


def secrets_file(name: str, folder: Path) -> Path:
    """Return where a hub's encrypted values are."""
    return folder / f"{_SECRETS[0]}{name}{_SECRETS[1]}"


def secrets_files(folder: Path) -> list[tuple[str, Path]]:
    """Return the encrypted values files in a folder, each with the name of its hub."""
    start, end = _SECRETS
    files = sorted(folder.glob(f"{start}*{end}"))
    return [(file.name.removeprefix(start).removesuffix(end), file) for file in files]


def journal_file(name: str, folder: Path) -> Path:
    """Return where changes of a hub's registrations are noted that are not finished yet."""
    return folder / f"enc-{name}.registration.yaml"


def hub_names(folder: Path) -> list[str]:
    """Return the names of the hubs whose values files stand in a folder."""
    return sorted(
        file.name.removesuffix(_HUB)
        for file in folder.glob(f"*{_HUB}")
        if file.name != _COMMON and not file.name.startswith("enc-")
    )


def read_text(path: Path, kind: str = "values file") -> str:
    """Return a file's text.

    Args:
        path: the file.
        kind: what it should be, for errors.

    Raises:
        FedhubError: it can't be read, is too big, or is not UTF-8.
    """
    start = Position(str(path), 1, 1)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise FedhubError("this is a folder", fix=f"name a {kind} in it", position=start) from None
    except (OSError, ValueError) as error:
        # A ValueError is for a name with a NUL in it.
        why = getattr(error, "strerror", None) or "no file can be called like this"
        raise FedhubError(
            f"this file can't be read: {why}", fix="check its name and permissions", position=start
        ) from None
    if len(content) > MAX_BYTES:
        raise FedhubError(
            f"this file is over {MAX_BYTES // 2**20} MiB; a hub's values must fit a Kubernetes "
            "Secret of 1 MiB",
            fix="move what is big into the image or a volume",
            position=start,
        )
    return _decoded(content, str(path))


def _decoded(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        raise FedhubError(
            f"byte 0x{content[error.start]:02X} is not UTF-8",
            fix="save the file as UTF-8",
            position=Position(file, line, column),
        ) from None


def _hub_name(path: Path) -> str:
    for ending in (_HUB, ".yaml", ".yml"):
        if path.name.endswith(ending) and path.name != ending:
            name = path.name.removesuffix(ending)
            break
    else:
        name = path.name
    if name.startswith("enc-") and name.endswith(".secret"):
        hub = name.removeprefix("enc-").removesuffix(".secret")
        raise UsageError(
            f"{path} holds the secrets of a hub, not a hub",
            fix=f"name the hub: {path.with_name(hub + _HUB)}",
        )
    return name


def _unknown(hub: str, path: Path) -> UsageError:
    folder = path.parent
    if not folder.is_dir():
        return UsageError(
            f"there is no hub {hub}: no folder {folder} here",
            fix=f"run this where {folder} is, or give the path of a values file",
        )
    names = hub_names(folder)
    near = difflib.get_close_matches(_plain_name(path), names, n=3, cutoff=0.5)
    if near:
        fix = f"did you mean {' or '.join(near)}?"
    elif names:
        fix = f"the hubs there are {', '.join(names)}"
    else:
        fix = f"{folder} holds no file that ends in {_HUB}"
    return UsageError(f"there is no hub {hub}: no file {path}", fix=fix)


def _plain_name(path: Path) -> str:
    return path.name.removesuffix(_HUB).removesuffix(".yaml")
