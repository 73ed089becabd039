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

_JOBS_AT_ONCE = 3 * AT_ONCE
"""How many are worked at: while some wait for the provider, others encrypt."""


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
    with ThreadPoolExecutor(_JOBS_AT_ONCE) as pool:
        for some in pool.map(lambda group: list(map(carry_out, group)), _groups(items)):
            for one in some:
                done.append(one)
                progress(one)
        created = {id(one.item): one for one in done if one.made}
        seen = _look(list(created.values()), clients_of)

        def finish(group: list[Item]) -> list[Done]:
            found = [created[id(item)] for item in group]
            return [_concluded(one, jobs[id(one.item)], seen) for one in found]

        last = list(pool.map(finish, _groups(one.item for one in created.values())))
    others = [one for one in done if not one.made]
    return others + [one for some in last for one in some]


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


Seen = dict[int, dict[tuple[str, str], list[RegisteredClient]] | FedhubError]
"""Administrator, by identity → hub and provider → their clients; or why they can't be told."""


def _look(created: Sequence[Done], clients_of: Callable[[Administrator], Clients]) -> Seen:
    """Look once for all that were made, of which no more need be asked."""
    made = [one.made for one in created if one.made]
    seen: Seen = {}
    for administrator in {
        id(one.item.administrator): one.item.administrator for one in created
    }.values():
        found: dict[tuple[str, str], list[RegisteredClient]] = {}
        try:
            for client in shown(clients_of(administrator), made):
                if client.tag:
                    found.setdefault((client.tag.hub, client.tag.provider), []).append(client)
        except FedhubError as failure:
            seen[id(administrator)] = failure
        else:
            seen[id(administrator)] = found
    return seen


def _concluded(one: Done, job: Job, seen: Seen) -> Done:
    """See that nobody else registered the same hub meanwhile."""
    found = seen[id(one.item.administrator)]
    if isinstance(found, FedhubError):
        return Done(one.item, one.client_id, found)
    about = found.get((one.item.hub, one.item.provider), [])
    try:
        if conclude(job, [client for client in about if job.target.owns(client.tag)]):
            return one
    except FedhubError as failure:
        return Done(one.item, one.client_id, failure)
    error = FedhubError(f"somebody else is registering {job.target.name}", fix="run this again")
    return Done(one.item, one.client_id, error)
