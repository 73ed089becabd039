"""Registering a hub that is not registered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

from fedhub.errors import FedhubError
from fedhub.registration.clients import Credentials, RegisteredClient
from fedhub.registration.errors import RegistrationError, UncertainError, UnknownClientError
from fedhub.registration.job import Job, Outcome
from fedhub.registration.settle import STILL_COMING, settle, settle_attempts
from fedhub.registration.tag import Tag

_TRIES = 3


def create(job: Job) -> Outcome:
    """Register what a hub asks for, and keep its id and secret; once.

    Raises:
        FedhubError: it could not be done; nothing is left that a second run does not settle.
    """
    target = job.target
    target.place.check()
    if job.unfinished.attempts or job.unfinished.deleting:
        settle(job)
    if job.kept is not None:
        return _as_it_is(job, job.kept)
    _refuse_others(job, job.own())
    job.agree(
        Outcome("created", ""), target.wanted.lines(target.administrator.label, target.place.file)
    )
    for _ in range(_TRIES):
        made = begin(job)
        if conclude(job, job.own()):
            return Outcome("created", made.client_id, (_deploy(job), *_later(job)))
        job.pause()
        _refuse_others(job, job.own())
    raise FedhubError(
        f"somebody else keeps registering {target.name}",
        fix="agree on who does it, then try again",
    )


def _later(job: Job) -> tuple[str, ...]:
    """What is left to do where a request of an earlier run may still make a client."""
    if not job.unfinished.attempts:
        return ()
    minutes = int(STILL_COMING.total_seconds() / 60)
    return (
        f"run this again in {minutes} minutes: what an earlier run asked for may still come, and "
        "is deleted then",
    )


def begin(job: Job) -> RegisteredClient:
    """Have a client made, and keep its id and secret; whether it may stay, `conclude` finds out.

    Returns: the client, of which no more is known than its tag.
    """
    tag = job.target.new_tag()
    made = register(job, tag, job.target.wanted.attributes())
    job.keep(made)
    return RegisteredClient(made.client_id, {"comment": str(tag)})


def conclude(job: Job, own: Sequence[RegisteredClient]) -> bool:
    """See that nobody else has registered the same hub meanwhile; if so, take ours back.

    Args:
        job: what to work with.
        own: the registration's clients, looked up after `begin`.
    """
    settle_attempts(job, own)
    return job.kept is not None


def register(job: Job, tag: Tag, attributes: dict[str, object]) -> Credentials:
    """Ask the provider for a client; it is in the journal before that, by its tag.

    Raises:
        FedhubError: there is none, or its secret was lost and it is deleted now or later.
    """
    before = job.unfinished
    job.note(before.with_attempt(tag))
    try:
        return job.clients.create(attributes, tag)
    except UncertainError as lost:
        raise _lost(job, tag, lost) from None
    except RegistrationError:
        job.note(before)
        raise


def _lost(job: Job, tag: Tag, lost: UncertainError) -> FedhubError:
    with contextlib.suppress(RegistrationError):  # then the next run does
        settle(job)
    again = any(one.tag == tag for one in job.unfinished.attempts)
    then = "looks for it again and deletes it" if again else "makes a new one"
    what = "may have made a client whose secret is lost" if again else "left nothing behind"
    return FedhubError(
        f"{job.target.name}: {lost.message}; the attempt {what}",
        fix=f"run the command again, which {then}",
    )


def _refuse_others(job: Job, own: Iterable[RegisteredClient]) -> None:
    if others := [one.client_id for one in own]:
        raise FedhubError(
            f"{job.target.name} is registered already, as {', '.join(others)}, but its secret is "
            f"not in {job.target.place.file}",
            fix="get that file from whoever registered it, such as by `git pull`; if the secret "
            f"is lost, `fedhub register delete {job.target.hub.name} --force` and create it anew",
        )


def _as_it_is(job: Job, kept: Credentials) -> Outcome:
    client = registered(job, kept)
    changes = job.clients.differences(client, job.target.wanted.attributes())
    todo = [f"the registration differs: `fedhub register update {job.target.hub.name}`"]
    return Outcome("unchanged", kept.client_id, tuple(todo if changes else ()))


def registered(job: Job, kept: Credentials) -> RegisteredClient:
    """Return the client whose credentials a hub has, if it is ours to change.

    Raises:
        FedhubError: it is not there, or somebody else's.
    """
    hub = job.target.hub.name
    try:
        client = job.clients.show(kept.client_id)
    except UnknownClientError as error:
        raise FedhubError(
            f"{job.target.place.file} has {kept.client_id}, which is not registered: "
            f"{error.message}",
            fix=f"`fedhub register delete {hub} --force` forgets it; then create it anew",
        ) from None
    if job.target.owns(client.tag):
        return client
    if client.tag is None:
        whose, fix = "was not registered by fedhub", f"`fedhub register import {hub}` takes it over"
    else:
        tag = client.tag
        whose = f"is {tag.owner}'s, for the hub {tag.hub} and its provider {tag.provider}"
        fix = "give each hub a client of its own"
    raise FedhubError(f"{kept.client_id} {whose}", fix=fix)


def _deploy(job: Job) -> str:
    return f"commit {job.target.place.file}, and deploy {job.target.hub.name}"
