"""Taking over a client that somebody registered by hand."""

from __future__ import annotations

from pydantic import SecretStr

from fedhub.errors import FedhubError
from fedhub.registration.clients import Credentials, RegisteredClient
from fedhub.registration.job import Job, Outcome
from fedhub.registration.settle import settle


def adopt(job: Job, client_id: str, secret: SecretStr | None) -> Outcome:
    """Mark a client as this registration's, and keep its id and secret.

    Nothing else of it is changed; `update` does that.

    Args:
        job: what to work with.
        client_id: the client's.
        secret: its secret; None takes the one that the hub's file has.

    Raises:
        FedhubError: it is somebody else's, or its secret is not known.
    """
    target = job.target
    target.place.check()
    settle(job)
    if job.kept is not None and job.kept.client_id != client_id:
        raise FedhubError(
            f"{target.place.file} has another client, {job.kept.client_id}",
            fix=f"`fedhub register delete {target.hub.name}` that one first",
        )
    client = job.clients.show(client_id)
    _check_free(job, client)
    known = job.kept.client_secret if job.kept else SecretStr("")
    secret = secret or known
    if not secret.get_secret_value():
        raise FedhubError(
            f"the secret of {client_id} is not known",
            fix="give it on standard input with --secret-stdin",
        )
    if target.owns(client.tag) and job.kept == Credentials(client_id, secret):
        return Outcome("unchanged", client_id)
    comment = client.attributes.get("comment")
    job.agree(
        Outcome("imported", client_id),
        [
            f"mark {client_id} as {target.name}'s",
            *([f"in the place of its comment {comment!r}"] if comment and not client.tag else []),
            f"store its id and secret in {target.place.file}",
        ],
    )
    tag = client.tag if client.tag and target.owns(client.tag) else target.new_tag()
    job.clients.claim(client_id, secret, tag)
    if job.kept != Credentials(client_id, secret):
        job.keep(Credentials(client_id, secret))
    return Outcome("imported", client_id, (f"`fedhub register update {target.hub.name}`",))


def _check_free(job: Job, client: RegisteredClient) -> None:
    if job.target.owns(client.tag) or client.tag is None:
        others = [one.client_id for one in job.own() if one.client_id != client.client_id]
        if not others:
            return
        raise FedhubError(
            f"{job.target.name} is registered already, as {', '.join(others)}",
            fix=f"`fedhub register delete {job.target.hub.name}` first",
        )
    tag = client.tag
    raise FedhubError(
        f"{client.client_id} is {tag.owner}'s, for the hub {tag.hub} and its provider "
        f"{tag.provider}",
        fix="have them delete it, or give up their mark",
    )
