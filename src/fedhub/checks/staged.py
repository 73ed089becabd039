"""Files that are about to be committed: no secret in plaintext, judged without decrypting.

An `enc-*` file, and any that carries sops' metadata, must be encrypted throughout. Every other
values file goes by the rule `plaintext-credential` of `fedhub check`. None may hold a private key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fedhub.checks.comments import not_silenced
from fedhub.checks.problem import Problem, dotted
from fedhub.checks.rules import plaintext_credential
from fedhub.checks.rules.plaintext_credential import TOKEN_MAPS
from fedhub.errors import FedhubError, Position, UsageError
from fedhub.hub.credentials import names_credential
from fedhub.hub.encrypted import is_encrypted
from fedhub.hub.files import read_text
from fedhub.hub.load import check_shape, load_alone
from fedhub.hub.sops import metadata, text_of

if TYPE_CHECKING:
    from fedhub.hub.document import Node
    from fedhub.hub.merge import KeyPath
    from fedhub.hub.values import Hub

_KEYS = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|AGE-SECRET-KEY-1[0-9A-Z]{20,}"
)
_CIPHERTEXT = re.compile(r"ENC\[AES256_GCM,data:[^,]+,iv:[^,]+,tag:[^,]+,type:[a-z]+\]")
"""What sops makes of a value; one that is empty stays as it is (sops, `aes/cipher.go`)."""


def verify(path: Path) -> list[Problem]:
    """Return the secrets that a file holds in plaintext, in the order of the file.

    Args:
        path: a values file, encrypted or not.

    Raises:
        UsageError: there is no such file.
    """
    if not path.exists():
        raise UsageError(f"there is no file {path}", fix="correct the path")
    try:
        found = list(_private_keys(read_text(path), str(path)))
        hub, root = load_alone(path)
    except FedhubError as error:
        # What can't be read can't be judged.
        where = error.position or Position(str(path), 1, 1)
        return [Problem("load", "error", where, "", error.message, error.fix)]
    if is_encrypted(root):
        found += _left_in_plaintext(root)
    elif path.name.startswith("enc-"):
        found += [_not_encrypted(path)] if root.content else []
    else:
        found += not_silenced(_as_checked(hub, root))
    return sorted(found, key=lambda one: one.position)


def _as_checked(hub: Hub, root: Node) -> Iterator[Problem]:
    try:
        check_shape(root, hub.z2jh_at)
    except FedhubError:  # another chart's values
        yield from plaintext_credential.by_name(hub)
    else:
        yield from plaintext_credential.check(hub)


def _private_keys(text: str, file: str) -> Iterator[Problem]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := _KEYS.search(line):
            where = Position(file, number, match.start() + 1)
            message = "a private key in plaintext"
            yield Problem(
                "private-key", "error", where, "", message, "make a new one, and encrypt it"
            )


def _not_encrypted(path: Path) -> Problem:
    where, fix = Position(str(path), 1, 1), f"`sops encrypt --in-place {path}`"
    return Problem("not-encrypted", "error", where, "", "secrets in plaintext", fix)


# --- In a file with sops' metadata ------------------------------------------------------------


def _left_in_plaintext(root: Node) -> Iterator[Problem]:
    assert isinstance(root.content, dict)
    sops = metadata(root)
    if not _CIPHERTEXT.fullmatch(text_of(sops.get("mac"))):
        yield _problem(root.content["sops"], ("sops",), "sops has not encrypted this file")
    for key, below in root.content.items():
        if key != "sops":
            yield from _below(below, (key,), sops, name=None)


def _below(
    node: Node, path: KeyPath, sops: dict[str, Node], name: Node | None
) -> Iterator[Problem]:
    """Yield what is in plaintext at or below a node.

    Args:
        node: the node.
        path: the keys that lead to it.
        sops: the file's metadata.
        name: what stands beside it under `name`, as in a list of environment variables.
    """
    if isinstance(node.content, dict):
        if path[-1] in TOKEN_MAPS and "JupyterHub" in path and node.content:
            yield _problem(node, path, "the keys of this map are tokens, and sops encrypts no keys")
        for key, below in node.content.items():
            yield from _below(below, (*path, key), sops, node.content.get("name"))
    elif isinstance(node.content, list):
        for index, below in enumerate(node.content):
            yield from _below(below, (*path, index), sops, None)
    elif node.content not in (None, "") and not _CIPHERTEXT.fullmatch(text_of(node)):
        if _names_credential(path, name):
            yield _problem(node, path, "a credential in plaintext")
        elif not _may_be_plain(path, sops):
            yield _problem(
                node, path, "this value is in plaintext, and the file's rules encrypt it"
            )


def _names_credential(path: KeyPath, name: Node | None) -> bool:
    keys = [part for part in path if isinstance(part, str)]
    if keys[-1] == "value" and name is not None:
        keys.append(text_of(name))
    return "CryptKeeper" in keys or any(map(names_credential, keys))


def _may_be_plain(path: KeyPath, sops: dict[str, Node]) -> bool:
    """Return whether the rules that a file was encrypted by leave a value alone.

    As in sops (`sops.go`, `shouldBeEncrypted`), but for rules on comments, which are not read here:
    where there are such, any value may be plain that is no credential.
    """
    keys = [part for part in path if isinstance(part, str)]

    def ends(rule: str) -> bool:
        return any(key.endswith(text_of(sops[rule])) for key in keys)

    def matches(rule: str) -> bool:
        return any(re.search(text_of(sops[rule]), key) for key in keys)

    try:
        return (
            any(f"{kind}_comment_regex" in sops for kind in ("encrypted", "unencrypted"))
            or (_has(sops, "unencrypted_suffix") and ends("unencrypted_suffix"))
            or (_has(sops, "unencrypted_regex") and matches("unencrypted_regex"))
            or (_has(sops, "encrypted_suffix") and not ends("encrypted_suffix"))
            or (_has(sops, "encrypted_regex") and not matches("encrypted_regex"))
        )
    except re.error:  # one that only Go understands
        return False


def _has(sops: dict[str, Node], rule: str) -> bool:
    return bool(text_of(sops.get(rule)))


def _problem(node: Node, path: KeyPath, message: str) -> Problem:
    fix = "encrypt it: `sops edit` the file in the last commit, and make the change there"
    return Problem("not-encrypted", "error", node.key, dotted(path), message, fix)
