"""Finishing what a command before this one was cut off in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fedhub.registration.clients import RegisteredClient
from fedhub.registration.errors import UnknownClientError
from fedhub.registration.job import DryRun, Job, Outcome

STILL_COMING = timedelta(minutes=10)
"""How long a request whose answer was lost may still make a client."""


def settle(job: Job) -> None:
    """Finish deletions, and delete clients whose secret nobody has.

    Raises:
        DryRun: there is something, and nothing may be changed.
        FedhubError: the provider, or a file, does not let it; it can be tried again.
    """
    if job.dry and (job.unfinished.deleting or job.unfinished.attempts):
        raise DryRun(Outcome("begun", "", ("what an earlier run began would be finished first",)))
    if job.unfinished.deleting:
        finish_deletion(job)
    if job.unfinished.attempts:
        settle_attempts(job, job.own())


def finish_deletion(job: Job) -> None:
    """Delete the clients that the journal names, then their credentials, then the entry."""
    for client_id in job.unfinished.deleting:
        if is_ours(job, client_id):  # the file is in version control, where others may write
            job.clients.delete(client_id)
            job.say(f"deleted {client_id}")
    if job.kept is not None and job.kept.client_id in job.unfinished.deleting:
        job.forget()
    job.note(replace(job.unfinished, deleting=()))


def is_ours(job: Job, client_id: str) -> bool:
    """Whether a client is there and has the tag of this registration."""
    try:
        return job.target.owns(job.clients.show(client_id).tag)
    except UnknownClientError:
        return False


def in_use(job: Job) -> set[str]:
    """The ids of the clients whose secret is in a file."""
    rotation = job.unfinished.rotation
    ids = {job.kept.client_id} if job.kept else set()
    return ids | ({rotation.old.client_id, rotation.new.client_id} if rotation else set())


def settle_attempts(job: Job, own: Sequence[RegisteredClient]) -> None:
    """Judge each client that may have been made: is it in use, of no use, or one too many.

    Args:
        job: what to work with.
        own: the registration's clients, as they are at the provider.
    """
    used = in_use(job)
    attempts = [one for one in own if _is_attempt(job, one)]
    for client in attempts:
        if client.client_id not in used:
            job.clients.delete(client.client_id)
            job.say(f"deleted {client.client_id}, whose secret was lost")
    mine = [one.client_id for one in attempts if one.client_id in used]
    if mine and rivals_among(job, own) and not job.unfinished.rotation:
        job.say(f"somebody else is registering {job.target.name}; taking this client back")
        give_up(job, mine)
    seen = {one.tag.registration for one in own if one.tag}
    since = datetime.now(UTC) - STILL_COMING
    left = [
        one
        for one in job.unfinished.attempts
        if one.tag.registration not in seen and one.begun > since
    ]
    job.note(replace(job.unfinished, attempts=tuple(left)))


def rivals_among(job: Job, ours: Iterable[RegisteredClient]) -> list[RegisteredClient]:
    """Clients of the same registration that somebody else made."""
    used = in_use(job)
    return [one for one in ours if one.client_id not in used and not _is_attempt(job, one)]


def give_up(job: Job, client_ids: Iterable[str]) -> None:
    """Delete clients of ours, since somebody else registers the same hub.

    Both may do so, and try again after a pause by chance: better none for a moment than two.
    """
    job.note(replace(job.unfinished, deleting=tuple(client_ids)))
    finish_deletion(job)


def _is_attempt(job: Job, client: RegisteredClient) -> bool:
    registrations = {one.tag.registration for one in job.unfinished.attempts}
    return client.tag is not None and client.tag.registration in registrations
