"""Carrying out a plan: several registrations at a time, and one look at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fedhub.errors import FedhubError
from fedhub.registration.calls import AT_ONCE
from fedhub.registration.clients import Clients, RegisteredClient
from fedhub.registration.create import begin, conclude
from fedhub.registration.job import Job
from fedhub.registration.search import shown
from fedhub.registration.settings import Administrator
from fedhub.registration.settle import settle
from fedhub.registration.sync import Item


@dataclass(frozen=True)
class Done:
    """What came of an item: the client's id, or the error that it ended in.

    Attributes:
        made: the client that is new.
    """

    item: Item
    client_id: str = ""
    error: FedhubError | None = None
    made: RegisteredClient | None = None


def apply(
    items: Sequence[Item],
    clients_of: Callable[[Administrator], Clients],
    job_of: Callable[[Item], Job],
    progress: Callable[[Done], None],
) -> list[Done]:
    """Do what a plan says; one failure does not stop the others.

    Args:
        items: of the plan; those that are for a person are left out.
        clients_of: the clients of an administrator.
        job_of: what to work with for a registration.
        progress: told of each item when it is done, one at a time.
    """
    jobs = {id(item): job_of(item) for item in items if item.step == "create"}

    def carry_out(item: Item) -> Done:
        try:
            if item.step == "create":
                made = _create(jobs[id(item)])
                return Done(item, made.client_id, made=made)
            clients = clients_of(item.administrator)
            if item.step == "update":
                clients.update(item.client_id, item.changes)
            else:
                clients.delete(item.client_id)
        except FedhubError as error:
            return Done(item, item.client_id, error)
        return Done(item, item.client_id)

    done: list[Done] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for some in pool.map(lambda group: list(map(carry_out, group)), _groups(items)):
            for one in some:
                done.append(one)
                progress(one)
    created = [one for one in done if one.item.step == "create" and one.error is None]
    others = [one for one in done if one not in created]
    return others + _conclude(created, clients_of, jobs)


def _groups(items: Iterable[Item]) -> list[list[Item]]:
    """Return what may be done at once; clients of one hub go into the same files, in turn."""
    groups: dict[object, list[Item]] = {}
    for item in items:
        if item.step != "look":
            groups.setdefault(item.hub if item.step == "create" else id(item), []).append(item)
    return list(groups.values())


def _create(job: Job) -> RegisteredClient:
    if job.unfinished.attempts or job.unfinished.deleting:
        settle(job)
    return begin(job)


def _conclude(
    created: Sequence[Done],
    clients_of: Callable[[Administrator], Clients],
    jobs: dict[int, Job],
) -> list[Done]:
    """See that nobody else registered the same hubs meanwhile; one look for all of them."""
    made = [one.made for one in created if one.made]
    found = {}
    done = []
    for one in created:
        administrator, job = one.item.administrator, jobs[id(one.item)]
        try:
            if id(administrator) not in found:
                found[id(administrator)] = shown(clients_of(administrator), made)
            own = [client for client in found[id(administrator)] if job.target.owns(client.tag)]
            if conclude(job, own):
                done.append(one)
                continue
            error = FedhubError(
                f"somebody else is registering {job.target.name}", fix="run this again"
            )
        except FedhubError as failure:
            error = failure
        done.append(Done(one.item, one.client_id, error))
    return done
