"""What a file encrypted with sops says of itself in plaintext: who can decrypt it, since when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from fedhub.hub.document import Node

_KINDS = {
    "age": ("recipient",),
    "pgp": ("fp",),
    "kms": ("arn",),
    "gcp_kms": ("resource_id",),
    "hckms": ("key_id",),
    "azure_kv": ("vault_url", "name"),
    "hc_vault": ("vault_address", "engine_path", "key_name"),
}
"""Kinds of keys, and what names one (sops, `stores/stores.go`)."""
_SUFFIX = "_unencrypted"
"""Of keys whose values sops leaves readable unless it is told otherwise."""


class Recipient(NamedTuple):
    """A key that opens a file.

    Attributes:
        kind: such as `age`, `pgp`, `kms`, as sops calls it.
        name: the public key, fingerprint or address.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "age" else f"{self.kind} {self.name}"


def metadata(root: Node) -> dict[str, Node]:
    """Return sops' own part of a file's tree; empty where there is none."""
    node = _below(root, "sops")
    return node.content if node is not None and isinstance(node.content, dict) else {}


def recipients(root: Node) -> list[Recipient]:
    """Return who can decrypt a file, each once, in the order of the file."""
    return list(dict.fromkeys(_recipients(metadata(root))))


def has_rule(root: Node) -> bool:
    """Return whether a file was encrypted by a rule that may leave some of it readable."""
    said = metadata(root)
    suffix = text_of(said.get("unencrypted_suffix"))
    return suffix not in ("", _SUFFIX) or any(
        name.endswith("_regex") or name == "encrypted_suffix" for name in said
    )


def _recipients(holder: dict[str, Node]) -> Iterator[Recipient]:
    for kind, names in _KINDS.items():
        for entry in _entries(holder.get(kind)):
            parts = [text_of(entry.get(name)) for name in names]
            if all(parts):
                yield Recipient(kind, "/".join(parts))
    for group in _entries(holder.get("key_groups")):
        yield from _recipients(group)


def entries_of(node: Node) -> list[Node]:
    """Return the entries of an encrypted list; sops keeps comments as entries of their own."""
    entries = node.content if isinstance(node.content, list) else []
    return [one for one in entries if not text_of(one).endswith(",type:comment]")]


def text_of(node: Node | None) -> str:
    """Return a single value as text, "" for anything else."""
    content: Any = None if node is None else node.content
    return "" if content is None or isinstance(content, dict | list) else str(content)


def _entries(node: Node | None) -> list[dict[str, Node]]:
    entries = node.content if node is not None and isinstance(node.content, list) else []
    return [entry.content for entry in entries if isinstance(entry.content, dict)]


def _below(node: Node, key: str) -> Node | None:
    return node.content.get(key) if isinstance(node.content, dict) else None
