"""A folder of hubs against the administrators' clients: what would have to be done, and doing it.

Whose a client is, its tag says. Clients without one, or with another owner's, are only counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fedhub.registration.clients import Clients, RegisteredClient
from fedhub.registration.folder import Folder
from fedhub.registration.journal import Unfinished
from fedhub.registration.search import shown
from fedhub.registration.settings import Administrator
from fedhub.registration.targets import Target
from fedhub.registration.update import described, wanted_of

Looked = tuple[Administrator, Clients, tuple[RegisteredClient, ...]]
"""An administrator, its client management, and all clients there."""

Step = Literal["create", "update", "delete", "look"]


@dataclass(frozen=True)
class Item:
    """One thing in a plan.

    Attributes:
        step: what to do; `look` is for a person alone.
        hub: the hub's name; "" for a client of no hub.
        provider: its login provider.
        administrator: whose client it is.
        client_id: the client; "" for one that is to be made.
        why: in words.
        changes: of an update.
        target: the registration; None where the hub asks for none.
    """

    step: Step
    hub: str
    provider: str
    administrator: Administrator
    client_id: str
    why: tuple[str, ...]
    changes: dict[str, Any] = field(default_factory=dict)
    target: Target | None = None


@dataclass(frozen=True)
class Plan:
    """All of it.

    Attributes:
        items: what is to be done.
        good: how many registrations are as they should be.
        used: administrator → how many clients it has, with those of others.
        unknown: clients that are not ours, and stay.
    """

    items: tuple[Item, ...]
    good: int
    used: tuple[tuple[Administrator, int], ...]
    unknown: tuple[RegisteredClient, ...]


def plan(
    folder: Folder,
    unfinished: dict[tuple[str, str], Unfinished],
    opened: Iterable[Looked],
    owner: str,
    named: Sequence[str],
) -> Plan:
    """Compare what hubs ask for with what is registered.

    Args:
        folder: the hubs.
        unfinished: hub and provider → what the journal has of it.
        opened: each administrator with its clients.
        owner: whose tags are ours.
        named: the hubs that a person asks for by name.
    """
    items: list[Item] = []
    targets = folder.targets
    used_here = set(folder.texts)
    for entry in unfinished.values():
        if entry.rotation:
            used_here |= {entry.rotation.old.client_id, entry.rotation.new.client_id}
    good = 0
    unknown: list[RegisteredClient] = []
    used = []
    for administrator, clients, all_clients in opened:
        mine = [one for one in targets if one.administrator is administrator]
        ours = [one for one in all_clients if one.tag and one.tag.owner == owner]
        unknown += [one for one in all_clients if one not in ours]
        used.append((administrator, len(all_clients)))
        by_id = {one.client_id: one for one in all_clients}
        for target in mine:
            entry = unfinished.get((target.hub.name, target.provider.name), Unfinished())
            found = list(_of_target(target, entry, clients, ours, by_id, used_here, named))
            items += found
            good += not found
        items += _left_over(administrator, ours, folder, used_here)
    return Plan(tuple(items), good, tuple(used), tuple(unknown))


def _of_target(
    target: Target,
    entry: Unfinished,
    clients: Clients,
    ours: Sequence[RegisteredClient],
    by_id: dict[str, RegisteredClient],
    used_here: set[str],
    named: Sequence[str],
) -> Iterator[Item]:
    def item(step: Step, client_id: str, *why: str, changes: dict[str, Any] | None = None) -> Item:
        return Item(
            step,
            target.hub.name,
            target.provider.name,
            target.administrator,
            client_id,
            why,
            changes or {},
            target,
        )

    stored = target.stored.client_id if target.stored else ""
    rotation = entry.rotation
    in_use = {stored} | ({rotation.old.client_id, rotation.new.client_id} if rotation else set())
    mine = [one for one in ours if target.owns(one.tag)]
    extra = [one for one in mine if one.client_id not in in_use]
    if target.place.problem is not None:
        yield item("look", stored, str(target.place.problem))
        return
    if not stored:
        if extra and not entry.attempts:
            for one in extra:
                yield item("look", one.client_id, "registered, but its secret is not in the file")
        else:
            yield item("create", "", *target.wanted.redirect_uris)
        return
    client = by_id.get(stored)
    if client is None:
        yield item(
            "look",
            stored,
            "stored, but not registered: "
            f"`fedhub register delete {target.hub.name} --force` forgets it",
        )
    elif not target.owns(client.tag):
        whose = "by hand" if client.tag is None else f"for another: {client.tag}"
        yield item("look", stored, f"stored, but registered {whose}")
    else:
        changes = clients.differences(client, wanted_of(target, client))
        if changes:
            yield item("update", stored, *described(client, changes), changes=changes)
        for one in extra:
            surely = target.hub.name in named and one.client_id not in used_here
            yield item(*_second(target.hub.name, one.client_id, surely=surely))
    if rotation:
        yield item(
            "look",
            rotation.new.client_id,
            f"is being rotated: `fedhub register rotate {target.hub.name}`",
        )


def _second(hub: str, client_id: str, *, surely: bool) -> tuple[Step, str, str]:
    if surely:
        return "delete", client_id, "another client of the hub; nothing uses it"
    # It may be of a colleague's rotation, whose files are not here.
    then = f"`fedhub register sync {hub} --apply` deletes it"
    return "look", client_id, f"another client of the hub; if nobody is rotating it, {then}"


def _left_over(
    administrator: Administrator,
    ours: Iterable[RegisteredClient],
    folder: Folder,
    used_here: set[str],
) -> Iterator[Item]:
    """Clients of hubs, or of login providers of hubs, that are no more.

    One that a hub here uses, or may use, is left to a person: a hub may have been renamed.
    """
    judged = {(one.hub.name, one.provider.name): one for one in folder.targets}
    for client in ours:
        tag = client.tag
        assert tag is not None
        target = judged.get((tag.hub, tag.provider))
        if target is not None and target.administrator is administrator:
            continue
        if target is not None:
            why = "the hub registers this provider elsewhere"
        elif tag.hub not in folder.known:
            why = "there is no such hub here"
        elif (providers := folder.known[tag.hub]) is None or tag.provider in providers:
            continue  # it may be asked for, which could not be told
        else:
            why = "the hub has no such login provider"
        used = client.client_id in used_here
        alone = [folder.alone[tag.hub]] if tag.hub in folder.alone else []
        doubt = [] if used else [f"it may be in {file}" for file in (*folder.unread, *alone)]
        step: Step = "look" if used or doubt else "delete"
        yield Item(step, tag.hub, tag.provider, administrator, client.client_id, (why, *doubt))


def look_through(
    administrators: Sequence[tuple[Administrator, Clients]],
) -> list[Looked]:
    """Have every administrator's clients shown.

    Raises:
        RegistrationError: they can't be.
    """
    return [(one, clients, shown(clients)) for one, clients in administrators]
