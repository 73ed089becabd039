"""Killed at any instant: nothing is lost, and the same command ends right."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fedhub.registration import settle
from fedhub.registration.journal import Journal
from fedhub.registration.tag import Tag
from tests.registration.office import SECRETS, Office

ROOT = Path(__file__).parents[2]
MANY = 200


class Victim:
    """Runs commands that are killed at their n-th step."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.registration.killing"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, last: int, *arguments: str) -> bool:
        """Whether it came to its end before that step, which is no failure."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{json.dumps([last, str(self.office.work), arguments])}\n")
        self.process.stdin.flush()
        ended = json.loads(self.process.stdout.readline())
        assert ended in ("killed", 0), ended
        return bool(ended == 0)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture
def victim(office: Office) -> Iterator[Victim]:
    victim = Victim(office)
    yield victim
    victim.close()


def known_clients(office: Office) -> set[str]:
    """The ids, or the registrations, of clients that the hub's files know of."""
    unfinished = Journal("campus", office.values)["cilogon"]
    known = {one.tag.registration for one in unfinished.attempts} | set(unfinished.deleting)
    if stored := office.stored():
        known.add(stored[0])
    if unfinished.rotation:
        known |= {unfinished.rotation.old.client_id, unfinished.rotation.new.client_id}
    return known


def nothing_is_lost(office: Office) -> None:
    """Each client of ours is in a file, and what is in the hub's file is one that works."""
    known = known_clients(office)
    for client_id, client in office.registered().items():
        tag = Tag.parse(client["comment"])
        assert tag
        assert {client_id, tag.registration} & known, "a client that no file knows of"
    assert office.decrypt("enc-campus.secret.values.yaml")


def settled(office: Office, clients: int) -> None:
    """All is as after a run that was not killed; at the latest ten minutes later."""
    if office.journal().exists():
        # Nobody can know whether a request that was on its way still makes a client.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(settle, "STILL_COMING", timedelta(0))
            assert office.did("create", "campus")["did"] == "unchanged"
    assert len(office.registered()) == clients
    assert not office.journal().exists()
    assert office.litter() == []
    assert "stays the same" in office.decrypt("enc-campus.secret.values.yaml")


def each_step(
    victim: Victim, office: Office, arguments: list[str], begin: Callable[[], None]
) -> Iterator[int]:
    """Kill the command at each of its steps, each time from the same beginning."""
    for last in range(1, MANY):
        for client_id in office.registered():
            office.endpoint.delete(client_id)
        shutil.rmtree(office.values)
        office.values.mkdir()
        office.settings()
        begin()
        ended = victim.run(last, *arguments)
        yield last
        if ended:
            assert last > 5, "it counts no steps"
            return
    raise AssertionError("it never came to its end")


@pytest.fixture
def begin(office: Office) -> Callable[[], None]:
    """A hub that is not registered; encrypted once, since that takes long."""
    office.hub(secrets=SECRETS)
    kept = {file.name: file.read_bytes() for file in office.values.iterdir()}

    def again() -> None:
        for name, content in kept.items():
            (office.values / name).write_bytes(content)

    return again


@pytest.fixture
def begin_registered(office: Office, begin: Callable[[], None]) -> Callable[[], None]:
    def again() -> None:
        begin()
        office.did("create", "campus")

    return again


def test_create(office: Office, victim: Victim, begin: Callable[[], None]) -> None:
    for _ in each_step(victim, office, ["create", "campus"], begin):
        nothing_is_lost(office)
        office.did("create", "campus")
        settled(office, clients=1)
        assert office.works()


def test_update(office: Office, victim: Victim, begin_registered: Callable[[], None]) -> None:
    def moved() -> None:
        begin_registered()
        office.hub(domain="new.example.org")

    for _ in each_step(victim, office, ["update", "campus", "--overlap"], moved):
        nothing_is_lost(office)
        office.did("update", "campus", "--overlap")
        settled(office, clients=1)
        assert office.works()
        (client,) = office.registered().values()
        assert client["redirect_uris"] == [
            f"https://{host}.example.org/hub/oauth_callback" for host in ("new", "campus")
        ]


def test_the_beginning_of_a_rotation(
    office: Office, victim: Victim, begin_registered: Callable[[], None]
) -> None:
    for _ in each_step(victim, office, ["rotate", "campus"], begin_registered):
        nothing_is_lost(office)
        assert office.works()  # deployed at this instant, people can log in
        if Journal("campus", office.values)["cilogon"].rotation is None:
            office.did("rotate", "campus")
        while Journal("campus", office.values)["cilogon"].rotation is not None:
            office.did("rotate", "campus", "--unseen", "--now")
        settled(office, clients=1)
        assert office.works()


def test_the_end_of_a_rotation(
    office: Office, victim: Victim, begin_registered: Callable[[], None]
) -> None:
    def begun() -> None:
        begin_registered()
        office.did("rotate", "campus")

    arguments = ["rotate", "campus", "--unseen", "--now"]
    for _ in each_step(victim, office, arguments, begun):
        nothing_is_lost(office)
        assert office.works()
        if office.journal().exists():
            office.did(*arguments)
        settled(office, clients=1)
        assert office.works()


def test_delete(office: Office, victim: Victim, begin_registered: Callable[[], None]) -> None:
    arguments = ["delete", "campus", "--force", "--yes"]
    for _ in each_step(victim, office, arguments, begin_registered):
        nothing_is_lost(office)
        office.did(*arguments)
        settled(office, clients=0)
        assert office.stored() is None


def test_a_hub_whose_deletion_was_cut_off_is_created_anew(
    office: Office, victim: Victim, begin_registered: Callable[[], None]
) -> None:
    arguments = ["delete", "campus", "--force", "--yes"]
    for _ in each_step(victim, office, arguments, begin_registered):
        office.did("create", "campus")
        settled(office, clients=1)
        assert office.works()
