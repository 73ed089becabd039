"""Deleting a registration: the client at the provider, then its credentials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from fedhub.errors import FedhubError
from fedhub.hub.files import secrets_file
from fedhub.hub.merge import KeyPath
from fedhub.hub.values import Hub
from fedhub.registration.clients import Clients
from fedhub.registration.job import Job, Outcome
from fedhub.registration.search import shown
from fedhub.registration.settle import is_ours, settle
from fedhub.registration.stored import Place, remove
from fedhub.registration.targets import Target


def delete(job: Job, *, force: bool) -> Outcome:
    """Delete a hub's clients, those of a rotation included, and forget their credentials.

    Args:
        job: what to work with.
        force: though the hub's values still use them.

    Raises:
        FedhubError: they are in use, or not deleted; what is not done the next run does.
    """
    target = job.target
    target.place.check()
    settle(job)
    ids = _ours(job)
    if not ids and job.kept is None:
        return Outcome("unchanged", "")
    if not force:
        raise FedhubError(
            f"{target.hub.name} still logs people in through {target.provider.name}",
            fix="remove the provider from the values and deploy that; or --force, and nobody can "
            "log in",
            position=target.provider.position,
        )
    kept = job.kept.client_id if job.kept else ""
    forget = [f"forget {kept} in {target.place.file}"] if kept else []
    job.agree(Outcome("deleted", ""), [*(f"delete {one}" for one in ids), *forget])
    unfinished = replace(job.unfinished, rotation=None, deleting=tuple(ids))
    if kept and kept not in ids:
        job.forget()  # not a client of ours, or not there any more
    job.note(unfinished)
    settle(job)
    stays = f"if {kept} is still registered, it was not by fedhub, and stays"
    return Outcome("deleted", "", (stays,) if kept and kept not in ids else ())


def _ours(job: Job) -> list[str]:
    """The ids of all clients of a registration that are there, each surely ours."""
    found = [one.client_id for one in job.own()]
    rotation = job.unfinished.rotation
    known = [one.client_id for one in (rotation.old, rotation.new)] if rotation else []
    known += [job.kept.client_id] if job.kept else []
    for client_id in known:
        if client_id not in found and is_ours(job, client_id):
            found.append(client_id)
    return found


def delete_left_over(
    name: str,
    provider: str,
    owner: str,
    hub: Hub | None,
    administrators: Sequence[Clients],
    agree: Callable[[Outcome, list[str]], None],
    targets: Iterable[Target],
) -> Outcome:
    """Delete the clients of a login provider that a hub has no more, or of a hub that is gone.

    Args:
        name: the hub's.
        provider: the login provider's name.
        owner: in the tag.
        hub: None when its values are gone.
        administrators: where to look.
        agree: as in `Job`.
        targets: all registrations that the hubs of the folder ask for.

    Raises:
        FedhubError: one of them uses such a client, or something was not deleted, which the next
            run tries again.
    """
    mine = (owner, name, provider)
    found = [
        (clients, one.client_id)
        for clients in administrators
        for one in shown(clients)
        if one.tag and (one.tag.owner, one.tag.hub, one.tag.provider) == mine
    ]
    ids = {client_id for _, client_id in found}
    for target in targets:
        if target.stored is not None and target.stored.client_id in ids:
            raise FedhubError(
                f"{target.name} uses {target.stored.client_id}",
                fix="create one of its own for it first; `fedhub register delete "
                f"{target.hub.name} --force` forgets this one",
            )
    at: KeyPath = ("credentials", provider)
    kept = hub.get(*at, "client_id") if hub else None
    if not found and kept is None:
        return Outcome("unchanged", "")
    lines = [f"delete {client_id}" for _, client_id in found]
    agree(Outcome("deleted", ""), [*lines, *([f"forget {kept}"] if kept else [])])
    for clients, client_id in found:
        clients.delete(client_id)
    if hub is not None and isinstance(kept, str):
        folder = next(file.path.parent for file in hub.files if file.kind == "hub")
        file = secrets_file(name, folder)
        remove(Place(file, (*at, "client_id"), (*at, "client_secret")), kept)
    return Outcome("deleted", "")
