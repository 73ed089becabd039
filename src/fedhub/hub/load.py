"""Loading a hub: read its values files, decrypt, merge, and check the shape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from fedhub.errors import FedhubError, Position
from fedhub.hub.files import read_text, values_files
from fedhub.hub.merge import KeyPath, merged, plain, positions
from fedhub.hub.values import Hub, ValuesFile

if TYPE_CHECKING:
    from fedhub.hub.document import Node

_WRAPPED: KeyPath = ("jupyterhub",)
_CHART_ONLY = {"jupyterhub", "credentials", "deployments", "backup", "monitoring"}
"""Keys of fedhub's chart that z2jh's does not have. A test compares them with the model, which
takes too long to load for this."""
_MAPS: tuple[KeyPath, ...] = (
    ("global",),
    ("custom",),
    ("hub",),
    ("hub", "config"),
    ("hub", "extraConfig"),
    ("hub", "extraFiles"),
    ("hub", "loadRoles"),
    ("hub", "services"),
    ("hub", "templateVars"),
    ("proxy",),
    ("singleuser",),
    ("singleuser", "extraFiles"),
    ("ingress",),
    ("httpRoute",),
    ("cull",),
)
"""Values of z2jh that are maps (its values.schema.yaml), of those that fedhub reads."""


def load_hub(hub: str, *, extra: Sequence[Path] = (), folder: Path = Path("values")) -> Hub:
    """Load a hub's values, merged as Helm merges them.

    The files, each over the ones before: `common.values.yaml`, the hub's own, its secrets
    (`enc-<hub>.secret.values.yaml`, decrypted in memory), then the extra ones.

    Args:
        hub: a name in the folder, or the path of a values file.
        extra: more values files, as with `helm -f`.
        folder: where hubs are looked for by name.

    Raises:
        UsageError: there is no such hub or file.
        FedhubError: a file can't be read, decrypted, or is not what z2jh takes.
    """
    name, found = values_files(hub, extra, folder)
    files, trees, warnings = [], [], []
    for path, kind in found:
        tree, encrypted, text = _read(path)
        files.append(ValuesFile(path, kind, encrypted, text))
        trees.append(tree)
        if kind == "secrets" and not encrypted and tree.content:
            warnings.append(_plaintext(path))
    root = reduce(merged, trees)
    z2jh_at = _z2jh_at(root)
    check_shape(root, z2jh_at)
    where = list(positions(root))
    return Hub(
        name=name,
        files=tuple(files),
        values=plain(root),
        positions={path: key for path, key, _ in where},
        starts={path: start for path, _, start in where},
        warnings=tuple(warnings),
        z2jh_at=z2jh_at,
    )


def load_alone(path: Path) -> tuple[Hub, Node]:
    """Load one values file as it stands, neither merged with others nor decrypted.

    Raises:
        FedhubError: it can't be read.
    """
    from fedhub.hub.document import parse

    text = read_text(path)
    root = parse(text, str(path))
    where = list(positions(root))
    hub = Hub(
        name=path.name.partition(".")[0],
        files=(ValuesFile(path, "hub", encrypted=False, text=text),),
        values=plain(root),
        positions={at: key for at, key, _ in where},
        starts={at: start for at, _, start in where},
        warnings=(),
        z2jh_at=_z2jh_at(root),
    )
    return hub, root


def _read(path: Path) -> tuple[Node, bool, str]:
    from fedhub.hub.document import parse
    from fedhub.hub.encrypted import decrypted_text, is_encrypted, placed_as

    text = read_text(path)
    tree = parse(text, str(path))
    if not is_encrypted(tree):
        return tree, False, text
    plaintext = decrypted_text(path, tree)
    return placed_as(parse(plaintext, str(path)), tree), True, plaintext


def _plaintext(path: Path) -> FedhubError:
    return FedhubError(
        "secrets in plaintext",
        fix=f"encrypt the file before it is committed: `sops encrypt --in-place {path}`",
        position=Position(str(path), 1, 1),
    )


def _z2jh_at(root: Node) -> KeyPath:
    assert isinstance(root.content, dict)
    return _WRAPPED if root.content.keys() & _CHART_ONLY else ()


def check_shape(root: Node, z2jh_at: KeyPath) -> None:
    """Make sure that what is a map in z2jh's values is one.

    Raises:
        FedhubError: it is not, with its position.
    """
    paths = {("global",), z2jh_at, *((*z2jh_at, *path) for path in _MAPS)}
    for path in sorted(paths, key=len):
        node: Node | None = root
        for key in path:
            below = node.content if node is not None else None
            node = below.get(str(key)) if isinstance(below, dict) else None
        if node is None or isinstance(node.content, dict):
            continue
        # A null deletes; but Helm refuses it in place of a subchart's values.
        if node.content is not None or path == _WRAPPED:
            kind = "a list" if isinstance(node.content, list) else "a single value"
            dotted = ".".join(map(str, path))
            raise FedhubError(
                f"{dotted} is a map of keys to values, and this is {kind}",
                fix=f"write `key: value` lines under `{path[-1]}:`",
                position=node.key,
            )
