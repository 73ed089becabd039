"""A new client in the place of the old one; a CILogon secret can't be changed.

| step | what the journal has | what the hub's file has |
|---|---|---|
| register the new one | the new one's tag, then both clients | the old one |
| store it | both | the new one |
| somebody deploys; a login redirect shows the new one | when it was seen first | the new one |
| delete the old one, when logins that it began are over | nothing | the new one |

Each run of the command goes on with the step that is next.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fedhub.errors import FedhubError
from fedhub.registration.clients import Credentials
from fedhub.registration.create import register, registered
from fedhub.registration.errors import UnknownClientError
from fedhub.registration.job import DryRun, Job, Outcome
from fedhub.registration.journal import Rotation, Unfinished
from fedhub.registration.login_redirect import LoginRedirect, check_accepted, login_redirect
from fedhub.registration.settle import rivals_among, settle, settle_attempts
from fedhub.registration.update import wanted_of

LOGINS_LAST = timedelta(minutes=15)
"""How long somebody may take at the provider to log in."""


def rotate(job: Job, *, now: bool = False, unseen: bool = False) -> Outcome:
    """Go on with a rotation, or begin one.

    Args:
        job: what to work with.
        now: delete the old client without waiting for logins that it began.
        unseen: take it as deployed, without asking the hub.

    Raises:
        FedhubError: a step failed; the next run tries it again.
    """
    job.target.place.check()
    ending = bool(job.unfinished.deleting)
    settle(job)
    rotation = job.unfinished.rotation
    if rotation is None and ending and job.kept is not None:
        return Outcome("rotated", job.kept.client_id)  # the last run was cut off at its last step
    if rotation is None and (now or unseen):
        # A script that repeats the last step must not begin another rotation with it.
        raise FedhubError(
            f"{job.target.name} is not being rotated", fix=f"`{_again(job)}` begins a rotation"
        )
    if rotation is None:
        rotation = _begin(job)
    if _kept_is(job, rotation.old):
        _change_nothing_dry(job, rotation)
        job.keep(rotation.new)
        return Outcome("begun", rotation.new.client_id, _deploy(job))
    if not _kept_is(job, rotation.new):
        raise _another(job, rotation)
    # Each time: the hub may have been rolled back since, or the rotation been ended elsewhere.
    if not unseen:
        _see(job, rotation)
    _see_registered(job, rotation.new, f"`{_again(job)} --abort` goes back to the old one")
    if rotation.verified is None or rotation.verified > datetime.now(UTC):
        _change_nothing_dry(job, rotation)
        rotation = replace(rotation, verified=datetime.now(UTC))
        job.note(replace(job.unfinished, rotation=rotation))
    return _end(job, rotation, now=now)


def abort(job: Job, *, unseen: bool = False) -> Outcome:
    """Go back to the old client, and delete the new one when the hub does not use it.

    Args:
        job: what to work with.
        unseen: take it as deployed, without asking the hub.

    Raises:
        FedhubError: there is no rotation, or a step failed; the next run tries it again.
    """
    ending = bool(job.unfinished.deleting)
    settle(job)
    rotation = job.unfinished.rotation
    if rotation is None and ending and job.kept is not None:
        return Outcome("unchanged", job.kept.client_id)
    if rotation is None:
        raise FedhubError(f"{job.target.name} is not being rotated", fix="there is nothing to do")
    _see_registered(job, rotation.old, f"`{_again(job)}` goes on with the new one")
    job.agree(
        Outcome("unchanged", rotation.old.client_id),
        [f"keep    {rotation.old.client_id}", f"delete  {rotation.new.client_id}"],
    )
    if _kept_is(job, rotation.new):
        job.note(replace(job.unfinished, rotation=replace(rotation, verified=None)))
        job.keep(rotation.old)
    if not _kept_is(job, rotation.old):
        raise _another(job, rotation)
    callback = job.target.wanted.redirect_uris[0]
    if not unseen and _redirect(callback).client_id == rotation.new.client_id:
        return Outcome("begun", rotation.old.client_id, _deploy(job, " --abort"))
    new = rotation.new.client_id
    job.note(replace(job.unfinished, rotation=None, deleting=(*job.unfinished.deleting, new)))
    settle(job)
    todo = f"commit the changes of {job.target.place.file} and {job.journal.path}"
    return Outcome("unchanged", rotation.old.client_id, (todo,))


def _change_nothing_dry(job: Job, rotation: Rotation) -> None:
    if job.dry:
        raise DryRun(Outcome("begun", rotation.new.client_id, ("the rotation would go on",)))


def _kept_is(job: Job, credentials: Credentials) -> bool:
    return job.kept is not None and job.kept.client_id == credentials.client_id


def _another(job: Job, rotation: Rotation) -> FedhubError:
    has = job.kept.client_id if job.kept else "no client"
    return FedhubError(
        f"{job.target.place.file} has {has}, which is neither the old nor the new client of the "
        f"rotation in {job.journal.path}",
        fix=f"put {rotation.new.client_id} there, or {rotation.old.client_id}, from version "
        "control",
    )


def _begin(job: Job) -> Rotation:
    if job.kept is None:
        raise FedhubError(
            f"{job.target.name} is not registered, so there is nothing to rotate",
            fix=f"register it with `fedhub register create {job.target.hub.name}`",
        )
    old = registered(job, job.kept)
    _see_alone(job, job.kept)
    tag = job.target.new_tag()
    # What others set on the old one, such as `cfg`, goes on to the new one.
    attributes = {**old.attributes, **wanted_of(job.target, old)}
    tag = replace(tag, overlap=attributes.pop("comment").endswith(" overlap"))
    job.agree(
        Outcome("begun", job.kept.client_id),
        [
            f"register a client beside {job.kept.client_id}",
            f"store its id and secret in {job.target.place.file}",
            "later: see the hub log in with it, and delete the old one",
        ],
    )
    made = register(job, tag, attributes)
    own = job.own()
    if rivals_among(job, own):
        settle_attempts(job, own)  # which deletes it, as nothing uses it
        raise FedhubError(
            f"somebody else is rotating {job.target.name} as well; this new client was deleted",
            fix="agree on who does it, then run the command again",
        )
    rotation = Rotation(job.kept, made)
    attempts = tuple(one for one in job.unfinished.attempts if one.tag != tag)
    job.note(Unfinished(attempts, rotation))
    return rotation


def _see_alone(job: Job, kept: Credentials) -> None:
    """Refuse where somebody else has begun a rotation, or a client is left over."""
    others = [one.client_id for one in job.own() if one.client_id != kept.client_id]
    if others:
        raise FedhubError(
            f"{job.target.name} has another client: {', '.join(others)}; somebody else may be "
            "rotating it",
            fix=f"get the file {job.journal.path.name} from them, such as by `git pull`; if "
            "nobody is, `fedhub register sync` deletes it",
        )


def _see_registered(job: Job, one: Credentials, fix: str) -> None:
    """Refuse to delete the other client where this one is gone: the files here may be old."""
    try:
        job.clients.show(one.client_id)
    except UnknownClientError:
        raise FedhubError(f"{one.client_id} is not registered any more", fix=fix) from None


def _redirect(callback: str) -> LoginRedirect:
    return login_redirect(callback, otherwise="or, where only others reach it, say --unseen")


def _see(job: Job, rotation: Rotation) -> None:
    callback = job.target.wanted.redirect_uris[0]
    seen = _redirect(callback)
    if seen.client_id != rotation.new.client_id:
        uses = (
            "still uses the old client"
            if seen.client_id == rotation.old.client_id
            else f"uses {seen.client_id!r}, which is neither the old nor the new client"
        )
        raise FedhubError(
            f"{job.target.name} {uses}",
            fix=f"deploy {job.target.hub.name} with {job.target.place.file}, give it a minute or "
            "two, and run this again",
        )
    if seen.callback != callback:
        raise FedhubError(
            f"{job.target.name} sends people back to {seen.callback!r}, not to {callback}",
            fix=f"deploy {job.target.hub.name} as its values are",
        )
    check_accepted(seen, otherwise="or say --unseen")
    job.say(f"the hub logs people in with {rotation.new.client_id}")


def _end(job: Job, rotation: Rotation, *, now: bool) -> Outcome:
    assert rotation.verified is not None
    over = rotation.verified + LOGINS_LAST
    if not now and datetime.now(UTC) < over:
        clock = over.astimezone().strftime("%H:%M")
        todo = (
            f"the old client stays until {clock}, for logins that began with it; then run this "
            "again, or with --now at once",
        )
        return Outcome("begun", rotation.new.client_id, todo)
    job.agree(
        Outcome("rotated", rotation.new.client_id), [f"delete the old {rotation.old.client_id}"]
    )
    old = rotation.old.client_id
    job.note(replace(job.unfinished, rotation=None, deleting=(*job.unfinished.deleting, old)))
    settle(job)
    commit = f"commit the change of {job.journal.path}"
    return Outcome("rotated", rotation.new.client_id, (commit,))


def _deploy(job: Job, option: str = "") -> tuple[str, ...]:
    files = f"{job.target.place.file} and {job.journal.path}"
    return (
        f"commit {files}, and deploy {job.target.hub.name}",
        f"then `{_again(job)}{option}` again",
    )


def _again(job: Job) -> str:
    return f"fedhub register rotate {job.target.hub.name}"
