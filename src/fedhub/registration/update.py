"""Making a registration match the hub's values, with as few changes as that takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fedhub.errors import FedhubError
from fedhub.hub.addresses import host_of
from fedhub.registration.clients import RegisteredClient
from fedhub.registration.create import registered
from fedhub.registration.job import Job, Outcome
from fedhub.registration.settle import settle
from fedhub.registration.tag import Tag
from fedhub.registration.targets import Target


def update(job: Job, *, overlap: bool = False, finish: bool = False) -> Outcome:
    """Change what is registered.

    Args:
        job: what to work with.
        overlap: keep the callback URLs that are registered beside the wanted ones, also at later
            updates, until `finish`.
        finish: end the overlap.

    Raises:
        FedhubError: it could not be done; it may be repeated.
    """
    settle(job)
    kept = job.kept
    if kept is None:
        raise FedhubError(
            f"{job.target.name} is not registered: {job.target.place.file} has no client id for it",
            fix=f"register it with `fedhub register create {job.target.hub.name}`",
        )
    client = registered(job, kept)
    changes = job.clients.differences(client, wanted_of(job.target, client, overlap, finish))
    left = _todo(job, client, changes)
    if not changes:
        return Outcome("unchanged", client.client_id, left)
    job.agree(Outcome("updated", client.client_id), described(client, changes))
    job.clients.update(client.client_id, changes)
    return Outcome("updated", client.client_id, left)


def wanted_of(
    target: Target, client: RegisteredClient, overlap: bool = False, finish: bool = False
) -> dict[str, Any]:
    """Return what a client's attributes should be, an overlap that is under way included."""
    tag = client.tag
    assert tag is not None  # as `registered` saw to
    wanted = {
        name: value
        for name, value in target.wanted.attributes().items()
        if not _is_others(name, value, client)
    }
    older = [one for one in callbacks(client) if one not in wanted["redirect_uris"]]
    keeps = bool(older) and (overlap or (tag.overlap and not finish))
    if keeps:
        wanted["redirect_uris"] = [*wanted["redirect_uris"], *older]
    return wanted | {"comment": str(replace(tag, overlap=keeps))}


def callbacks(client: RegisteredClient) -> list[str]:
    """Return the callback URLs that are registered."""
    found = client.attributes.get("redirect_uris")
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _is_others(name: str, wanted: Any, client: RegisteredClient) -> bool:
    """Whether somebody else chose an attribute, which then stays.

    A name and an address that follow from the callback URLs were not chosen.
    """
    value = client.attributes.get(name)
    if not value:
        return False
    hosts = {host_of(one) for one in callbacks(client)}
    match name:
        case "contacts":
            return True
        case "rt_lifetime":
            return isinstance(value, int) and value > 0 and wanted > 0
        case "client_name":
            return not isinstance(value, str) or value not in hosts
        case "client_uri":
            return host_of(str(value)) not in hosts
    return False


def described(client: RegisteredClient, changes: dict[str, Any]) -> list[str]:
    """Return the changes as lines for a person."""
    lines = []
    for name, value in changes.items():
        if name == "comment":
            continue
        before = client.attributes.get(name)
        if isinstance(value, list):
            old = before if isinstance(before, list) else str(before or "").split()
            lines += [f"- {name}: {one}" for one in old if one not in value]
            lines += [f"+ {name}: {one}" for one in value if one not in old]
        else:
            lines.append(f"~ {name}: {before} → {value}")
    before_tag, after_tag = client.tag, Tag.parse(changes.get("comment"))
    if before_tag and after_tag and after_tag.overlap != before_tag.overlap:
        word = (
            "old callback URLs stay for now" if after_tag.overlap else "no old callback URLs stay"
        )
        lines.append(f"~ comment: {word}")
    return lines


def _todo(job: Job, client: RegisteredClient, changes: dict[str, Any]) -> tuple[str, ...]:
    comment = changes.get("comment", client.attributes.get("comment"))
    if not str(comment).endswith(" overlap"):
        return ()
    hub = job.target.hub.name
    return (
        "the old callback URLs stay registered; when nobody comes by them any more, "
        f"`fedhub register update {hub} --finish`",
    )
