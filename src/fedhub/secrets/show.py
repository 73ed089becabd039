"""What an encrypted file holds, who can decrypt it, and since when it is as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fedhub.hub.credentials import HIDDEN
from fedhub.hub.merge import KeyPath, plain
from fedhub.hub.show import as_yaml, dotted
from fedhub.hub.sops import entries_of, metadata, recipients, text_of
from fedhub.secrets.files import SecretsFile, secrets_of

if TYPE_CHECKING:
    from fedhub.hub.document import Node


def shown(
    hub: str,
    *,
    reveal: bool,
    output: Literal["text", "json"],
    folder: Path = Path("values"),
) -> str:
    """Return what a hub's encrypted file holds; its values only on demand.

    Args:
        hub: a name in the folder, or the path of a values file.
        reveal: whether to decrypt values; without it nothing is decrypted.
        output: `text` or `json`.
        folder: where hubs are looked for by name.

    Raises:
        UsageError: there is no such hub.
        FedhubError: it has no encrypted file, or no key at hand opens it.
    """
    file = secrets_of(hub, folder)
    root = _decrypted(file) if reveal else _hidden(file.root)
    root = root._replace(content={k: v for k, v in _map(root).items() if k != "sops"})
    return _json(file, root) if output == "json" else _text(file, root)


def _decrypted(file: SecretsFile) -> Node:
    from fedhub.hub.document import parse
    from fedhub.hub.encrypted import decrypted_text, placed_as

    root = parse(decrypted_text(file.path, file.root), str(file.path))
    return placed_as(root, file.root)


def _hidden(node: Node) -> Node:
    content: Any = node.content
    if isinstance(content, dict):
        content = {key: _hidden(below) for key, below in content.items()}
    elif isinstance(content, list):
        content = [_hidden(below) for below in entries_of(node)]
    elif content is not None:
        content = HIDDEN
    return node._replace(content=content)


def _map(root: Node) -> dict[str, Node]:
    assert isinstance(root.content, dict)
    return root.content


def _json(file: SecretsFile, root: Node) -> str:
    said = metadata(file.root)
    data = {
        "hub": file.hub,
        "file": str(file.path),
        "recipients": [one._asdict() for one in recipients(file.root)],
        "last_modified": text_of(said.get("lastmodified")) or None,
        "sops_version": text_of(said.get("version")) or None,
        "values": plain(root),
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _text(file: SecretsFile, root: Node) -> str:
    lines = [(f"{n.key.file}:{n.key.line}", _line(path, n)) for path, n in _leaves(root, ())]
    width = max((len(where) for where, _ in lines), default=0)
    said = metadata(file.root)
    head = [f"can be decrypted by {_printable(str(one))}" for one in recipients(file.root)]
    head.append(f"last changed {_printable(text_of(said.get('lastmodified')))}")
    body = [f"{where:<{width}}  {line}" for where, line in lines]
    return "".join(f"{line}\n" for line in (*head, *body))


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())


def _line(path: KeyPath, node: Node) -> str:
    # A value stays on its line, and can't move the cursor of a terminal.
    value = HIDDEN if node.content == HIDDEN else as_yaml(plain(node))
    return f"{dotted(path)}: {value}"


def _leaves(node: Node, path: KeyPath) -> Iterator[tuple[KeyPath, Node]]:
    if isinstance(node.content, dict) and node.content:
        for key, below in node.content.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(node.content, list) and node.content:
        for index, below in enumerate(node.content):
            yield from _leaves(below, (*path, index))
    elif path:
        yield path, node
