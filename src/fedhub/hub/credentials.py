"""What in a hub's values is a credential, and how text is kept free of them.

One answer for everything that prints: `fedhub values`, `fedhub check`, errors, logs.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fedhub.hub.merge import KeyPath
from fedhub.hub.values import Hub

HIDDEN = "<hidden>"

_CREDENTIAL = re.compile(
    r"(?:\A|[_-]|(?<=[a-z]))"
    r"(?:secret|password|passwd|passphrase|token|credential|"
    r"(?:api|access|private|secret_?access)_?key)s?\Z",
    re.IGNORECASE,
)
_NAME_OF_ONE = re.compile(r"existing|pull|tls|name|ref|public", re.IGNORECASE)
"""Keys that name a Kubernetes Secret instead of holding one."""

_IN_ADDRESS = re.compile(r"(?<=://)([^\s:/@]+):[^\s/@]+@")
_OPTION = re.compile(r"(--?[\w-]*(?:secret|password|token|key)[= ])\S+", re.IGNORECASE)
_SHORTEST = 6
"""Characters below which a value is too common a word to look for in other text."""
_LINE_OF_KEY = re.compile(r"[\w+/=.-]{20,}", re.ASCII)
"""One that tells something; other lines, such as those of a program, may stand elsewhere too."""


def names_credential(name: str) -> bool:
    """Return whether a key is one whose value is a credential."""
    return bool(_CREDENTIAL.search(name)) and not _NAME_OF_ONE.search(name)


def is_kept(hub: Hub, path: KeyPath) -> bool:
    """Return whether a value is from a file of secrets."""
    source = hub.source(*path)
    return source.encrypted or source.kind == "secrets"


def is_secret(hub: Hub, path: KeyPath) -> bool:
    """Return whether a value is a secret: from a secrets file, called like one, or a key."""
    if is_kept(hub, path):
        return True
    if any(names_credential(part) for part in path if isinstance(part, str)):
        return True
    if "CryptKeeper" in path or _variable(hub, path):
        return True
    return "PRIVATE KEY-----" in str(hub.get(*path))


def _variable(hub: Hub, path: KeyPath) -> bool:
    """Return whether this is the value in `{name: …, value: …}` of a credential."""
    if not path or path[-1] != "value":
        return False
    entry = hub.get(*path[:-1])
    return isinstance(entry, Mapping) and names_credential(str(entry.get("name", "")))


def without_secrets(hub: Hub, value: Any, path: KeyPath) -> Any:
    """Return values with each secret, and each credential inside a text, replaced."""
    return _without(hub, value, path, secret_strings(hub))


def _without(hub: Hub, value: Any, path: KeyPath, secrets: list[str]) -> Any:
    if isinstance(value, Mapping) and value:
        return {key: _without(hub, below, (*path, key), secrets) for key, below in value.items()}
    if isinstance(value, list) and value:
        return [_without(hub, below, (*path, i), secrets) for i, below in enumerate(value)]
    if value in (None, {}, []):
        return value
    if is_secret(hub, path):
        return HIDDEN
    return masked(value, secrets) if isinstance(value, str) else value


def secret_strings(hub: Hub) -> list[str]:
    """Return every secret of a hub that can be told apart in other text, the longest first."""
    found = {str(value) for path, value in _leaves(hub.values, ()) if is_secret(hub, path)}
    found |= set(_in_code(hub))
    return sorted({one for text in found for one in _spellings(text)}, key=len, reverse=True)


def kept_strings(hub: Hub) -> dict[str, KeyPath]:
    """Return what a hub's files of secrets hold that can be told apart, and where each stands."""
    return {
        text: path
        for path, value in _leaves(hub.values, ())
        if is_kept(hub, path)
        for text in _spellings(str(value))
    }


def _spellings(secret: str) -> set[str]:
    """Return how a secret may stand in other text; nothing of one that is too short to tell.

    As it is, quoted, in base64 with whatever follows it, and as the lines of a key, which YAML
    indents where they are in a file of a ConfigMap.
    """
    if len(secret) < _SHORTEST:
        return set()
    whole = secret.encode()[: len(secret.encode()) // 3 * 3]
    lines = {line.strip() for line in secret.splitlines()}
    return {
        secret,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(whole).decode(),
        *filter(_LINE_OF_KEY.fullmatch, lines),
    }


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _leaves(below, (*path, index))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, value


def _in_code(hub: Hub) -> Iterator[str]:
    """Yield the credentials that `hub.extraConfig` holds as strings."""
    from fedhub.hub.providers import login

    for block in login(hub).blocks:
        for string in block.strings:
            if names_credential(string.name):
                yield string.value


def masked(text: str, secrets: list[str]) -> str:
    """Return text with secrets replaced, and with what an address or an option carries.

    Args:
        text: any text.
        secrets: what `secret_strings` returned.
    """
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = _IN_ADDRESS.sub(rf"\1:{HIDDEN}@", text)
    return _OPTION.sub(rf"\1{HIDDEN}", text)
