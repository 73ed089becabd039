"""Two operators at once, and edits of the encrypted file in between."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedhub.errors import FedhubError
from fedhub.registration import job
from fedhub.registration.cilogon.client import ClientManagement
from fedhub.registration.command import Talk, work
from fedhub.registration.create import create
from fedhub.registration.rotate import rotate
from tests.registration.office import SECRETS, SOPS, Office


def one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have them wait for no long time, and not for the same."""
    pauses = itertools.cycle((0.0, 1.0))
    monkeypatch.setattr(job.random, "uniform", lambda *_: next(pauses))


def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have both ask for a client after both have looked for one."""
    barrier = threading.Barrier(2)
    first = threading.local()
    ask = ClientManagement.create

    def asked(self: ClientManagement, *given: Any) -> Any:
        if not getattr(first, "done", False):
            first.done = True
            barrier.wait(timeout=60)
            made = ask(self, *given)
            barrier.wait(timeout=60)
            return made
        return ask(self, *given)

    monkeypatch.setattr(ClientManagement, "create", asked)


def each_alone(folders: list[Path], do: Callable[[job.Job], job.Outcome]) -> list[str]:
    """Have each operator do it in a folder of their own; returns how it ended."""
    ended = [""] * len(folders)

    def operator(number: int) -> None:
        hub = str(folders[number] / "campus.values.yaml")
        talk = Talk(lambda _, __: None, lambda _: None)
        try:
            ended[number] = work(hub, None, talk, do, folders[number]).outcome.did
        except FedhubError as error:
            ended[number] = str(error)

    threads = [threading.Thread(target=operator, args=(n,)) for n in range(len(folders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


def clones(office: Office) -> list[Path]:
    """Two copies of the folder, as two operators have them."""
    folders = []
    for name in ("ada", "olga"):
        folder = office.work / name / "values"
        folder.mkdir(parents=True)
        for file in office.values.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        folders.append(folder)
    return folders


@pytest.mark.parametrize("meet", [True, False])
def test_two_operators_elsewhere_leave_one_client(
    office: Office, monkeypatch: pytest.MonkeyPatch, meet: bool
) -> None:
    office.hub(secrets=SECRETS)
    one_after_the_other(monkeypatch)
    if meet:
        together(monkeypatch)
    folders = clones(office)
    ended = each_alone(folders, create)
    assert sorted(end == "created" for end in ended) == [False, True], ended
    assert any("registered already" in end for end in ended)
    (client_id,) = office.registered()
    stored = [Office(folder.parent, office.provider, office.capsys).stored() for folder in folders]
    kept = [one for one in stored if one]
    assert [one[0] for one in kept] == [client_id]
    assert not any(
        file.name.endswith("registration.yaml") and file.name.startswith("enc")
        for folder in folders
        for file in folder.iterdir()
    )


def test_two_rotations_elsewhere_leave_the_old_client(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    (old,) = office.registered()
    together(monkeypatch)
    ended = each_alone(clones(office), rotate)
    assert all("somebody else is rotating" in end for end in ended), ended
    assert set(office.registered()) == {old}


def test_two_operators_in_one_folder_make_one_client(office: Office) -> None:
    office.hub(secrets=SECRETS)
    fedhub = str(Path(sys.executable).with_name("fedhub"))
    both = [
        subprocess.Popen(
            [fedhub, "register", "create", "campus"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [one.communicate()[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sorted("created" in one for one in said) == [False, True]
    assert len(office.registered()) == 1
    assert office.works()


def while_it_registers(monkeypatch: pytest.MonkeyPatch, do: Callable[[], Any]) -> None:
    """Do something after the provider has made the client, before it is stored."""
    ask = ClientManagement.create

    def asked(self: ClientManagement, *given: Any) -> Any:
        made = ask(self, *given)
        do()
        return made

    monkeypatch.setattr(ClientManagement, "create", asked)


def edit(office: Office, index: str, value: str) -> None:
    """Change the hub's encrypted file, as somebody else would."""
    file = office.values / "enc-campus.secret.values.yaml"
    subprocess.run([SOPS, "set", str(file), index, f'"{value}"'], check=True)


def test_an_edit_meanwhile_is_not_overwritten(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.hub(secrets=SECRETS)
    while_it_registers(monkeypatch, lambda: edit(office, '["custom"]["note"]', "theirs"))
    office.did("create", "campus")
    assert "note: theirs" in office.decrypt("enc-campus.secret.values.yaml")
    assert office.works()


def test_a_file_that_appears_meanwhile_is_not_overwritten(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.hub()
    name = "enc-campus.secret.values.yaml"
    while_it_registers(monkeypatch, lambda: office.encrypt(name, SECRETS))
    office.did("create", "campus")
    assert "stays the same" in office.decrypt(name)
    assert office.works()


def test_credentials_that_somebody_stores_meanwhile_stay(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.hub(secrets=SECRETS)
    index = '["credentials"]["cilogon"]'
    with monkeypatch.context() as patch:
        while_it_registers(
            patch,
            lambda: (
                edit(office, f'{index}["client_id"]', "cilogon:/client_id/theirs"),
                edit(office, f'{index}["client_secret"]', "their-secret"),
            ),
        )
        said = office.run("create", "campus")
    assert said.code == 1
    assert "has cilogon:/client_id/theirs by now" in said.err
    assert office.stored() == ("cilogon:/client_id/theirs", "their-secret")
    # The next run finds the client that nobody uses, and deletes it.
    said = office.run("create", "campus")
    assert "is not registered" in said.err
    assert office.registered() == {}
    assert not office.journal().exists()
