"""All hubs of a folder, for the commands that look at all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fedhub.errors import FedhubError
from fedhub.hub.files import hub_file, hub_names, secrets_files
from fedhub.hub.load import load_hub
from fedhub.hub.values import Hub
from fedhub.registration.journal import Journal
from fedhub.registration.settings import Settings
from fedhub.registration.targets import Target, providers, targets

_DECRYPTS = 4
"""Files that are decrypted at a time; sops keeps a processor busy."""


@dataclass(frozen=True)
class Folder:
    """What the hubs of a folder ask for.

    Attributes:
        targets: the registrations.
        journals: hub → its journal.
        known: hub → its login providers; None where they can't be told.
        problems: why hubs could not be judged.
        texts: every text in the hubs' values, and so the id of every client that one of them uses.
        unread: files of hubs that could not be read; each may have more ids.
        alone: hub → its encrypted file, where its values are not there.
    """

    targets: Sequence[Target]
    journals: Mapping[str, Journal]
    known: Mapping[str, set[str] | None]
    problems: Sequence[FedhubError]
    texts: Set[str]
    unread: Sequence[str]
    alone: Mapping[str, str]


def read_folder(folder: Path, settings: Settings, only: Sequence[str] = ()) -> Folder:
    """Return what a folder's hubs ask for.

    Args:
        folder: where the values are.
        settings: its settings.
        only: the names of some hubs; all where it is empty.
    """
    names = hub_names(folder)
    with ThreadPoolExecutor(_DECRYPTS) as pool:
        read = list(pool.map(lambda name: _read(folder, name), names))
    found: list[Target] = []
    journals: dict[str, Journal] = {}
    known: dict[str, set[str] | None] = {}
    problems: list[FedhubError] = []
    texts: set[str] = set()
    for name, hub in zip(names, read, strict=True):
        known[name] = None
        try:
            if isinstance(hub, FedhubError):
                raise hub
            known[name] = {one.name for one in providers(hub)}
            texts |= {text for at in hub.positions if isinstance(text := hub.get(*at), str)}
            journals[name] = Journal(name, folder)
            found += targets(hub, settings) if not only or name in only else []
        except FedhubError as error:
            problems.append(error)
    unread = [hub_file(name, folder).name for name in names if name not in journals]
    alone = {name: file.name for name, file in secrets_files(folder) if name not in known}
    return Folder(found, journals, known, problems, texts, unread, alone)


def _read(folder: Path, name: str) -> Hub | FedhubError:
    try:
        return load_hub(str(hub_file(name, folder)))
    except FedhubError as error:
        return error
