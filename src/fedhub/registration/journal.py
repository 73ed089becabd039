"""The journal: what was begun with a hub's registrations and is not finished.

It is written before each call that a provider can't undo, so that a command that was killed at any
instant can be gone on with, by anybody who can open the hub's encrypted file: it is encrypted for
the same people. It stands beside that file while something is unfinished, as a rotation is until
its last step, and is gone otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from fedhub.errors import FedhubError
from fedhub.hub import write
from fedhub.hub.document import parse
from fedhub.hub.encrypted import decrypted_text, is_encrypted
from fedhub.hub.files import journal_file, read_text, secrets_file
from fedhub.hub.merge import plain
from fedhub.hub.sops import recipients
from fedhub.registration.clients import Credentials
from fedhub.registration.tag import Tag
from fedhub.secrets.encrypt import encrypted
from fedhub.secrets.generate import PRIVATE

_HEADER = """\
# What was begun with the hub's registrations and is not finished. `fedhub register` goes on with
# it, and removes this file at the end. Commit it meanwhile.
"""


@dataclass(frozen=True)
class Attempt:
    """A client that may have been registered.

    Attributes:
        tag: in its comment.
        begun: when it was asked for.
    """

    tag: Tag
    begun: datetime


@dataclass(frozen=True)
class Rotation:
    """A new client beside the old one.

    Attributes:
        old: to be deleted at the end.
        new: in its place.
        verified: when the hub was first seen to use the new one.
    """

    old: Credentials
    new: Credentials
    verified: datetime | None = None


@dataclass(frozen=True)
class Unfinished:
    """What is unfinished about one registration.

    Attributes:
        attempts: clients that may be at the provider and are of no use.
        rotation: the rotation that is under way.
        deleting: the ids of clients that are being deleted for good.
    """

    attempts: tuple[Attempt, ...] = ()
    rotation: Rotation | None = None
    deleting: tuple[str, ...] = ()

    def with_attempt(self, tag: Tag) -> Unfinished:
        """The same, and a client that is about to be asked for."""
        return replace(self, attempts=(*self.attempts, Attempt(tag, datetime.now(UTC))))


NOTHING = Unfinished()


class Journal:
    """The journal of one hub.

    Args:
        hub: the hub's name.
        folder: where its values are.

    Raises:
        FedhubError: there is one that can't be read.
    """

    def __init__(self, hub: str, folder: Path) -> None:
        self.path = journal_file(hub, folder)
        self._secrets = secrets_file(hub, folder)
        self._seen: bytes | None = None
        self._entries = self._read()

    def __getitem__(self, provider: str) -> Unfinished:
        return self._entries.get(provider, NOTHING)

    def providers(self) -> list[str]:
        """The login providers about which something is unfinished."""
        return list(self._entries)

    def write(self, provider: str, unfinished: Unfinished) -> None:
        """Note what is unfinished about a registration; it is on disk when this returns.

        Raises:
            FedhubError: it can't be encrypted or written.
        """
        if unfinished == self[provider]:
            return
        entries = {**self._entries, provider: unfinished}
        entries = {name: entry for name, entry in entries.items() if entry != NOTHING}
        if entries:
            self._save(_HEADER + yaml.safe_dump({n: _as_data(e) for n, e in entries.items()}))
        else:
            write.remove(self.path, seen=self._seen or b"")
            self._seen = None
        self._entries = entries

    def _save(self, text: str) -> None:
        # Under the name of the other file, which rules in .sops.yaml may go by.
        content = encrypted(text, self._secrets)
        self._check_readers(content)
        if self._seen is None:
            write.create(self.path, content, mode=PRIVATE)
        else:
            with write.beside(self.path, content, mode=PRIVATE) as draft:
                write.replace(self.path, draft, seen=self._seen)
        self._seen = content

    def _check_readers(self, content: bytes) -> None:
        if not self._secrets.exists():
            return
        theirs = recipients(parse(read_text(self._secrets), str(self._secrets)))
        if theirs and {*theirs} != {*recipients(parse(content.decode(), str(self.path)))}:
            raise FedhubError(
                f"{self._secrets} is encrypted for other people than {self.path} would be",
                fix=f"have sops' rules and that file agree: `sops updatekeys {self._secrets}`",
            )

    def _read(self) -> dict[str, Unfinished]:
        try:
            self._seen = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError:
            raise self._unreadable() from None
        root = parse(read_text(self.path, "journal"), str(self.path), "a journal")
        if not is_encrypted(root):
            raise self._unreadable()
        entries = plain(parse(decrypted_text(self.path, root), str(self.path)))
        try:
            return {name: _from_data(entry) for name, entry in entries.items()}
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self._unreadable() from None

    def _unreadable(self) -> FedhubError:
        return FedhubError(
            f"{self.path} is not a journal that `fedhub register` wrote",
            fix="restore it from version control; or move it away, and look for clients that "
            "nothing uses with `fedhub register sync`",
        )


def _as_data(entry: Unfinished) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if entry.attempts:
        data["attempts"] = [
            {"tag": str(one.tag), "begun": one.begun.isoformat()} for one in entry.attempts
        ]
    if entry.rotation:
        data["rotation"] = {
            "old": _pair(entry.rotation.old),
            "new": _pair(entry.rotation.new),
            "verified": entry.rotation.verified and entry.rotation.verified.isoformat(),
        }
    if entry.deleting:
        data["deleting"] = list(entry.deleting)
    return data


def _pair(credentials: Credentials) -> dict[str, str]:
    secret = credentials.client_secret.get_secret_value()
    return {"client_id": credentials.client_id, "client_secret": secret}


def _from_data(data: dict[str, Any]) -> Unfinished:
    attempts = tuple(
        Attempt(_tag(one["tag"]), _moment(one["begun"])) for one in _list(data.get("attempts", []))
    )
    rotation = data.get("rotation")
    return Unfinished(
        attempts,
        rotation and _rotation(rotation),
        tuple(map(_text, _list(data.get("deleting", [])))),
    )


def _rotation(data: dict[str, Any]) -> Rotation:
    verified = data["verified"]
    return Rotation(
        _credentials(data["old"]),
        _credentials(data["new"]),
        _moment(verified) if verified else None,
    )


def _credentials(data: dict[str, str]) -> Credentials:
    return Credentials(_text(data["client_id"]), SecretStr(_text(data["client_secret"])))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone")
    return moment


def _tag(text: str) -> Tag:
    tag = Tag.parse(text)
    if tag is None:
        raise ValueError("not a tag")
    return tag
