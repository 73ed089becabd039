"""One command at work on one registration: what it works with, asks for and ends in."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from fedhub.errors import FedhubError
from fedhub.registration.clients import Clients, Credentials, RegisteredClient
from fedhub.registration.journal import Journal, Unfinished
from fedhub.registration.search import shown
from fedhub.registration.stored import remove, store
from fedhub.registration.targets import Target

Did = Literal[
    "created",
    "updated",
    "rotated",
    "deleted",
    "imported",
    "unchanged",
    "begun",
    "requested",
    "activated",
]


class DeclinedError(FedhubError):
    """The person said no."""


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        did: in a word; of a dry run, what would be done.
        client_id: the client that the hub has now; "" for none.
        todo: what a person must still do.
    """

    did: Did
    client_id: str
    todo: tuple[str, ...] = ()


class DryRun(Exception):  # noqa: N818 - it ends a dry run, which is no error
    """A dry run has come to where something would be changed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass
class Job:
    """What a command works with.

    Attributes:
        target: the registration.
        clients: of the administrator.
        journal: of the hub.
        agree: told what will be done, line by line; raises DeclinedError or DryRun to stop it.
        say: tells a person something.
        wait: sleeps for these seconds.
        dry: change nothing, not even what was left unfinished.
        kept: the credentials that the hub's file has now.
    """

    target: Target
    clients: Clients
    journal: Journal
    agree: Callable[[Outcome, list[str]], None]
    say: Callable[[str], None]
    wait: Callable[[float], None] = time.sleep
    dry: bool = False
    kept: Credentials | None = field(init=False)

    def __post_init__(self) -> None:
        self.kept = self.target.stored

    @property
    def unfinished(self) -> Unfinished:
        """What the journal says of the registration."""
        return self.journal[self.target.provider.name]

    def note(self, unfinished: Unfinished) -> None:
        """Write the journal."""
        self.journal.write(self.target.provider.name, unfinished)

    def keep(self, credentials: Credentials) -> None:
        """Write credentials into the hub's file, in the place of those that are kept now."""
        before = self.kept.client_id if self.kept else None
        store(self.target.place, credentials, instead_of=before)
        self.kept = credentials

    def forget(self) -> None:
        """Take the credentials out of the hub's file."""
        if self.kept is not None:
            remove(self.target.place, self.kept.client_id)
            self.kept = None

    def own(self) -> list[RegisteredClient]:
        """The clients at the provider that are tagged as this registration's."""
        return [one for one in shown(self.clients) if self.target.owns(one.tag)]

    def pause(self) -> None:
        """Let another go first: a few seconds, by chance."""
        self.wait(random.uniform(1, 5))  # noqa: S311 - no secret
