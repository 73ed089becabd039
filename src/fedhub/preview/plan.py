"""What of a hub's values a preview carries over, and what it can't simulate."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from fedhub.errors import FedhubError
from fedhub.hub import Hub

CARRIED = {
    "hub": {
        "config",
        "extraConfig",
        "services",
        "loadRoles",
        "extraEnv",
        "extraFiles",
        "templatePaths",
        "templateVars",
        "baseUrl",
        "concurrentSpawnLimit",
        "activeServerLimit",
        "allowNamedServers",
        "namedServerLimitPerUser",
        "authenticatePrometheus",
        "redirectToServer",
        "shutdownOnLogout",
    },
    "singleuser": {"defaultUrl", "cmd", "extraEnv", "startTimeout"},
    "cull": None,
    "custom": None,
    "global": None,
    "debug": None,
}
"""Keys of z2jh's values that a hub process reads; None stands for all below."""

_MODULES = "/usr/local/etc/jupyterhub"
"""Where the chart's configuration file stands, which puts this folder on Python's path."""

_CONFIG_FOLDER = f"{_MODULES}/jupyterhub_config.d"


@dataclass(frozen=True)
class MountedFile:
    """One entry of `hub.extraFiles`: where the pod has it, and what it holds."""

    mount: str
    content: bytes
    mode: int | None


def not_simulated(values: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys of the values that have no effect in a preview."""
    found = []
    for key, below in values.items():
        carried = CARRIED.get(key, set())
        if carried is None or below is None:
            continue
        if not carried or not isinstance(below, Mapping):
            found.append(key)
        else:
            found += [f"{key}.{name}" for name in below if name not in carried]
    return sorted(found)


def mounted_files(hub: Hub) -> list[MountedFile]:
    """Return the files that `hub.extraFiles` mounts into the hub pod.

    Raises:
        FedhubError: an entry has no mountPath, or its content can't be read.
    """
    entries = hub.z2jh_get("hub", "extraFiles") or {}
    return [_mounted_file(hub, key, entry) for key, entry in entries.items()]


def _mounted_file(hub: Hub, key: str, entry: Any) -> MountedFile:
    position = hub.position(*hub.z2jh_at, "hub", "extraFiles", key)
    mount = entry.get("mountPath") if isinstance(entry, Mapping) else None
    if not isinstance(mount, str) or not mount.startswith("/"):
        raise FedhubError(
            f"hub.extraFiles.{key} has no absolute mountPath",
            fix="say where the hub pod shall have the file",
            position=position,
        )
    mode = entry.get("mode")
    return MountedFile(mount, _content(entry, mount, key, position), mode)


def _content(entry: Mapping[str, Any], mount: str, key: str, position: Any) -> bytes:
    if "binaryData" in entry:
        try:
            return base64.b64decode(entry["binaryData"], validate=False)
        except (ValueError, TypeError) as error:
            raise FedhubError(
                f"hub.extraFiles.{key}.binaryData is not base64",
                fix="encode the file with `base64`",
                position=position,
            ) from error
    if "stringData" in entry:
        return str(entry["stringData"]).encode()
    # z2jh writes `data` as the file's name asks: JSON is YAML too.
    return (json.dumps(entry.get("data"), indent=2) + "\n").encode()


@dataclass(frozen=True)
class Written:
    """Where mounted files are in a preview.

    Attributes:
        places: what each path of the pod is here.
        config_files: the files that the pod would load from its `jupyterhub_config.d`.
        modules: the folder of the modules that the pod's configuration can import; "" where
            nothing is mounted there.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    config_files: tuple[str, ...] = ()
    modules: str = ""


def write_files(files: list[MountedFile], folder: Path) -> Written:
    """Write mounted files below a folder."""
    places: dict[str, str] = {}
    configuration = []
    for file in files:
        parts = [part for part in PurePosixPath(file.mount).parts[1:] if part not in ("..", ".")]
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode if isinstance(file.mode, int) else 0o600)
        places[file.mount] = str(path)
        if str(PurePosixPath(file.mount).parent) == _CONFIG_FOLDER and path.suffix == ".py":
            configuration.append(str(path))
    modules = folder.joinpath(*PurePosixPath(_MODULES).parts[1:])
    return Written(places, tuple(configuration), str(modules) if modules.is_dir() else "")


def relocate(values: Any, places: Mapping[str, str]) -> Any:
    """Return the values with each path of a mounted file replaced by the preview's own.

    A folder that holds mounted files is replaced where it stands alone, as in
    `hub.templatePaths` or between quotes in `hub.extraConfig`.
    """
    if not places:
        return values
    return _relocate(values, _replacements(places))


def _replacements(places: Mapping[str, str]) -> list[tuple[re.Pattern[str], str]]:
    found = []
    for mount, place in sorted(places.items(), key=lambda item: -len(item[0])):
        found.append((re.compile(rf"(?<![\w./-]){re.escape(mount)}(?![\w-])"), place))
        folder, here = str(PurePosixPath(mount).parent), str(Path(place).parent)
        alone = rf"(?:(?<=[\"'])|\A){re.escape(folder)}/?(?=[\"']|\Z)"
        found.append((re.compile(alone), here))
    return found


def _relocate(value: Any, replacements: list[tuple[re.Pattern[str], str]]) -> Any:
    if isinstance(value, Mapping):
        return {key: _relocate(below, replacements) for key, below in value.items()}
    if isinstance(value, list):
        return [_relocate(below, replacements) for below in value]
    if isinstance(value, str):
        for pattern, place in replacements:
            value = pattern.sub(place.replace("\\", r"\\"), value)
    return value


def environment_notes(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the variables whose value only a cluster knows."""
    for key in ("hub", "singleuser"):
        declared = (values.get(key) or {}).get("extraEnv") or {}
        entries = declared.items() if isinstance(declared, Mapping) else []
        for name, entry in entries:
            if isinstance(entry, Mapping) and "valueFrom" in entry:
                yield f"{key}.extraEnv.{name}"
        if isinstance(declared, list):
            for entry in declared:
                if isinstance(entry, Mapping) and "valueFrom" in entry:
                    yield f"{key}.extraEnv.{entry.get('name')}"
