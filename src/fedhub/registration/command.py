"""What the `fedhub register` commands do with a hub's name: load, lock, open, work, close."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fedhub.errors import FedhubError, UsageError
from fedhub.hub import load_hub
from fedhub.hub.files import hub_file, hub_names, is_there, values_files
from fedhub.hub.providers import login
from fedhub.hub.values import Hub
from fedhub.hub.write import alone_in
from fedhub.registration.admin_credentials import hide_variables
from fedhub.registration.apply import Done, apply
from fedhub.registration.delete import delete, delete_left_over
from fedhub.registration.folder import Folder, read_folder
from fedhub.registration.job import DryRun, Job, Outcome
from fedhub.registration.journal import NOTHING, Journal
from fedhub.registration.opened import Opened
from fedhub.registration.overview import Row, find_client, row
from fedhub.registration.search import shown
from fedhub.registration.settings import Settings, load_settings
from fedhub.registration.sync import Item, Looked, Plan, look_through, plan
from fedhub.registration.targets import Target, one_target, targets


@dataclass(frozen=True)
class Talk:
    """How a command talks with a person.

    Attributes:
        agree: told what will be done; raises DeclinedError when it is not wanted.
        say: tells something.
        dry: whether nothing is to be changed.
    """

    agree: Callable[[Outcome, list[str]], None]
    say: Callable[[str], None]
    dry: bool = False


@dataclass(frozen=True)
class Report:
    """What came of a command about one registration.

    Attributes:
        hub: the hub's name.
        provider: its login provider.
        file: where id and secret are stored.
        outcome: what was done; of a dry run, what would be.
    """

    hub: str
    provider: str
    file: str
    outcome: Outcome


def work(
    hub: str, provider: str | None, talk: Talk, do: Callable[[Job], Outcome], folder: Path
) -> Report:
    """Do something about one registration of a hub, alone in its folder.

    Args:
        hub: a name in the folder, or the path of a values file.
        provider: which of its login providers; None for the only one.
        talk: with the person.
        do: what.
        folder: where hubs are looked for by name.

    Raises:
        FedhubError: what `do` raises, or the hub can't be loaded.
    """
    place = _folder_with(hub, folder)
    with alone(place, talk), Opened(place) as opened:
        settings = opened_settings(place)
        target = one_target(_load(hub, folder), settings, provider)
        return _report(target, _job(target, opened, talk), do)


def _job(target: Target, opened: Opened, talk: Talk) -> Job:
    journal = Journal(target.hub.name, target.place.file.parent)
    clients = opened.of(target.administrator)
    return Job(target, clients, journal, talk.agree, talk.say, dry=talk.dry)


def _report(target: Target, job: Job, do: Callable[[Job], Outcome]) -> Report:
    try:
        outcome = do(job)
    except DryRun as end:
        outcome = end.outcome
    return Report(target.hub.name, target.provider.name, str(target.place.file), outcome)


def delete_hub(hub: str, provider: str | None, talk: Talk, *, force: bool, folder: Path) -> Report:
    """Delete a hub's registration, also one that its values ask for no more.

    Raises:
        FedhubError: it is in use, or was not deleted.
    """
    place = folder_of(hub, folder)
    by_name = place == folder and not is_there(hub_file(hub, folder))
    if by_name and provider is not None:
        return _delete_left_over(hub, provider, talk, place)
    opened_settings(place)
    loaded = _load(hub, folder)
    if provider is not None and provider not in [one.name for one in login(loaded).providers]:
        return _delete_left_over(hub, provider, talk, place)
    return work(hub, provider, talk, lambda job: delete(job, force=force), folder)


def _delete_left_over(hub: str, provider: str, talk: Talk, place: Path) -> Report:
    with alone(place, talk), Opened(place) as opened:
        settings = opened_settings(place)
        loaded = load_hub(hub, folder=place) if is_there(hub_file(hub, place)) else None
        name = loaded.name if loaded else hub
        try:
            outcome = delete_left_over(
                name,
                provider,
                settings.owner,
                loaded,
                [opened.of(one) for one in settings.administrators],
                talk.agree,
                read_folder(place, settings).targets,
            )
        except DryRun as end:
            outcome = end.outcome
        if not talk.dry:
            Journal(name, place).write(provider, NOTHING)
        return Report(name, provider, "", outcome)


def show(hub: str, provider: str | None, folder: Path) -> list[tuple[Target, Row]]:
    """Return the registrations of a hub.

    Raises:
        FedhubError: they can't be looked up.
    """
    place = _folder_with(hub, folder)
    with Opened(place) as opened:
        settings = opened_settings(place)
        loaded = _load(hub, folder)
        journal = Journal(loaded.name, place)
        found = []
        for target in targets(loaded, settings, provider) or [
            one_target(loaded, settings, provider)
        ]:
            clients = opened.of(target.administrator)
            client = find_client(target, clients)
            if client is None:
                own = [one for one in shown(clients) if target.owns(one.tag)]
                client = own[0] if own else None
            found.append((target, row(target, journal[target.provider.name], clients, client)))
        return found


@dataclass(frozen=True)
class Overview:
    """All registrations of a folder.

    Attributes:
        rows: one for each.
        plan: what would have to be done, and how many clients there are.
        problems: why hubs could not be judged.
    """

    rows: list[Row]
    plan: Plan
    problems: list[FedhubError]


def overview(folder: Path) -> Overview:
    """Return all registrations that the hubs of a folder ask for.

    Raises:
        FedhubError: they can't be looked up.
    """
    _check_folder(folder)
    with Opened(folder) as opened:
        settings = opened_settings(folder)
        read, looked = _both_sides(folder, settings, opened)
        rows = []
        for target in read.targets:
            clients, all_clients = next(
                (clients, found) for one, clients, found in looked if one is target.administrator
            )
            client = next(
                (one for one in all_clients if _is_stored(target, one.client_id)), None
            ) or next((one for one in all_clients if target.owns(one.tag)), None)
            unfinished = read.journals[target.hub.name][target.provider.name]
            rows.append(row(target, unfinished, clients, client))
        return Overview(rows, _plan(read, settings, looked), list(read.problems))


def _is_stored(target: Target, client_id: str) -> bool:
    return target.stored is not None and target.stored.client_id == client_id


@contextmanager
def sync(
    folder: Path, only: list[str], talk: Talk
) -> Iterator[tuple[Plan, list[FedhubError], Callable[[Callable[[Done], None]], list[Done]]]]:
    """Compare a folder with its administrators, alone in it, and give the way to carry it out.

    Args:
        folder: where the values are.
        only: the names of hubs; all where it is empty.
        talk: with the person.

    Yields:
        the plan, why hubs could not be judged, and a function that carries the plan out; it is
        told whom to tell of each item that is done.

    Raises:
        FedhubError: it can't be looked up.
    """
    with alone(folder, talk), Opened(folder) as opened:
        settings = opened_settings(folder)
        read, looked = _both_sides(folder, settings, opened, only)
        for name in only:
            if name not in read.known:
                raise UsageError(
                    f"there is no hub {name} in {folder}",
                    fix=f"the hubs there are {', '.join(read.known)}",
                )
        made = _plan(read, settings, looked, only)
        if only:
            chosen = tuple(item for item in made.items if item.hub in only)
            made = Plan(chosen, made.good, made.used, made.unknown)

        def job_of(item: Item) -> Job:
            assert item.target is not None
            clients = opened.of(item.administrator)
            return Job(item.target, clients, read.journals[item.hub], lambda _, __: None, talk.say)

        yield (
            made,
            list(read.problems),
            lambda progress: apply(made.items, opened.of, job_of, progress),
        )


def _both_sides(
    folder: Path, settings: Settings, opened: Opened, only: Sequence[str] = ()
) -> tuple[Folder, list[Looked]]:
    """Return what hubs ask for and what is registered; the provider answers meanwhile."""
    administrators = [(one, opened.of(one)) for one in settings.administrators]
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look_through, administrators)
        return read_folder(folder, settings, only), looking.result()


def _plan(
    read: Folder, settings: Settings, looked: Iterable[Looked], named: Sequence[str] = ()
) -> Plan:
    unfinished = {
        (name, provider): journal[provider]
        for name, journal in read.journals.items()
        for provider in journal.providers()
    }
    return plan(read, unfinished, looked, settings.owner, named)


def opened_settings(folder: Path) -> Settings:
    """Return the settings of a folder, with what they name in the environment hidden.

    Raises:
        FedhubError: they are missing, or wrong.
    """
    settings = load_settings(folder)
    hide_variables(settings)  # before anything is started
    return settings


def _load(hub: str, folder: Path) -> Hub:
    """Return a hub, if its file is one by which `sync` finds it, too.

    The tag has the hub's name alone, so that another file of the name would be the same hub.
    """
    loaded = load_hub(hub, folder=folder)
    path = next(file.path for file in loaded.files if file.kind == "hub")
    if loaded.name not in hub_names(path.parent) or path != hub_file(loaded.name, path.parent):
        raise UsageError(
            f"{path} is not called like a hub",
            fix=f"rename it to {path.with_name('NAME.values.yaml')}, NAME being the hub's",
        )
    return loaded


def folder_of(hub: str, folder: Path) -> Path:
    """Return where a hub's values are; of a hub that is gone, where they would be."""
    try:
        return _folder_with(hub, folder)
    except UsageError:
        return folder


def _folder_with(hub: str, folder: Path) -> Path:
    """Return where a hub's values are.

    Raises:
        UsageError: there is no such hub.
    """
    _, found = values_files(hub, (), folder)
    return next(one.path for one in found if one.kind == "hub").parent


@contextmanager
def alone(folder: Path, talk: Talk) -> Iterator[None]:
    """Work alone in a folder, after those who are at work there.

    Raises:
        UsageError: there is no such folder.
    """
    _check_folder(folder)
    with alone_in(folder, lambda: talk.say(f"waiting for another command at work in {folder}")):
        yield


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} here", fix="run this where it is")
