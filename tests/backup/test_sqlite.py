"""A hub's sqlite database comes back from its backup, and nothing on the way can lose one."""

from __future__ import annotations

import gzip
import os
import re
import runpy
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.backup.conftest import fill_up, rendered
from tests.backup.hub_database import EXPECTED, add, facts, fill, names
from tests.backup.pod_process import Pod
from tests.chart.conftest import CHART

SCRIPT = CHART / "files" / "backup" / "sqlite.py"
KEEP = 3


class Here:
    """The volumes of a hub's pod and of its backups, and the chart's pods on them."""

    def __init__(self, chart: Path, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "database" / "jupyterhub.sqlite"
        self.database.parent.mkdir(exist_ok=True)
        self.backups = folder / "backups"
        self.backups.mkdir(exist_ok=True)
        self._rendered = rendered(chart, "09", backup={"keep": KEEP})

    @property
    def url(self) -> str:
        return f"sqlite:///{self.database}"

    def pod(self, what: str, **mounts: Path) -> Pod:
        return Pod(
            self._rendered.of("CronJob", f"fedhub-{what}"),
            self._rendered.of("ConfigMap", "fedhub-backup")["data"],
            self.folder / "scripts",
            {
                "/srv/jupyterhub": mounts.get("database", self.database.parent),
                "/backups": mounts.get("backups", self.backups),
            },
        )

    def backup(self, **mounts: Path) -> str:
        """Make a backup and return its name."""
        done = self.pod("backup", **mounts).run()
        assert done.returncode == 0, done.stderr
        (name,) = re.findall(r"made (hub-\S+),", done.stdout)
        return str(name)

    def restore(self, name: str) -> subprocess.CompletedProcess[str]:
        return self.pod("restore").run(BACKUP=name)

    def kept(self) -> list[Path]:
        return sorted(self.database.parent.glob("*.before-restore-*"))


@pytest.fixture
def here(chart: Path, tmp_path: Path) -> Here:
    found = Here(chart, tmp_path)
    fill(found.url)
    return found


def whole(backup: Path) -> set[str]:
    """The users of a backup, which must be whole."""
    copy = backup.with_name("copy-to-look-at")
    copy.write_bytes(gzip.decompress(backup.read_bytes()))
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = {name for (name,) in connection.execute("SELECT name FROM users")}
    copy.unlink()
    return found


def test_all_is_there_after_a_restore(here: Here) -> None:
    name = here.backup()
    add(here.url, "eve")
    done = here.restore(name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"restored {name}; what was there is kept in ")
    assert facts(here.url) == EXPECTED
    assert names(here.url) == {"ada"}
    (kept,) = here.kept()
    assert names(f"sqlite:///{kept}") == {"ada", "eve"}


def test_only_their_owner_may_read_them(here: Here) -> None:
    assert (here.backups / here.backup()).stat().st_mode & 0o777 == 0o600


def test_a_database_that_is_lost_comes_back(here: Here) -> None:
    name = here.backup()
    here.database.unlink()
    assert here.restore(name).returncode == 0
    assert facts(here.url) == EXPECTED
    assert here.kept() == []


def test_a_database_that_is_damaged_comes_back_and_is_kept(here: Here) -> None:
    name = here.backup()
    here.database.write_bytes(b"not a database at all" * 1000)
    journal = here.database.with_name(here.database.name + "-journal")
    journal.write_bytes(b"of the damaged one")
    assert here.restore(name).returncode == 0
    assert facts(here.url) == EXPECTED
    assert here.kept()[0].read_bytes().startswith(b"not a database at all")
    assert not journal.exists()


WRITER = """
import itertools, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = " + sys.argv[2])
for number in itertools.count():
    connection.execute("BEGIN IMMEDIATE")
    for half in "ab":
        name = f"{number}{half}"
        connection.execute("INSERT INTO users (name, cookie_id) VALUES (?1, ?1)", [name])
    connection.execute("COMMIT")
    print(number, flush=True)
"""


@pytest.fixture(params=["DELETE", "WAL"])
def writer(here: Here, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """Writes pairs of users as fast as it can, each pair in one transaction."""
    command = [sys.executable, "-c", WRITER, str(here.database), request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_a_backup_of_a_database_that_is_written_to_is_of_one_moment(
    here: Here, writer: subprocess.Popen[str], read_only: Path
) -> None:
    """From where the database can't be written to, as in the pod."""
    assert writer.stdout
    seen = 0
    for _ in range(3):
        before = int(writer.stdout.readline())
        found = whole(here.backups / here.backup(database=read_only)) - {"ada"}
        assert len(found) % 2 == 0
        assert len(found) >= max(2 * before, seen)
        seen = len(found)


def test_a_database_that_is_in_use_is_not_replaced(here: Here) -> None:
    name = here.backup()
    with closing(sqlite3.connect(here.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        done = here.restore(name)
    assert done.returncode == 1
    assert "is in use; scale the hub to 0 first" in done.stderr
    assert here.kept() == []


def test_a_backup_with_any_byte_changed_is_refused(here: Here) -> None:
    name = here.backup()
    good = (here.backups / name).read_bytes()
    add(here.url, "eve")
    for place in range(20, len(good), len(good) // 10):
        changed = bytearray(good)
        changed[place] ^= 0xFF
        (here.backups / name).write_bytes(changed)
        done = here.restore(name)
        assert done.returncode == 1
        assert "is damaged" in done.stderr
        assert names(here.url) == {"ada", "eve"}


@pytest.mark.parametrize("length", [0, 10, 1000])
def test_a_backup_that_was_cut_is_refused(here: Here, length: int) -> None:
    name = here.backup()
    (here.backups / name).write_bytes((here.backups / name).read_bytes()[:length])
    done = here.restore(name)
    assert done.returncode == 1
    assert facts(here.url) == EXPECTED


def test_what_is_no_hubs_database_is_neither_backed_up_nor_restored(here: Here) -> None:
    name = here.backup()
    with closing(sqlite3.connect(here.folder / "other.sqlite")) as connection:
        connection.execute("CREATE TABLE other (x)")
    other = (here.folder / "other.sqlite").read_bytes()
    (here.backups / name).write_bytes(gzip.compress(other))
    assert "it is not the database of a hub" in here.restore(name).stderr
    assert facts(here.url) == EXPECTED
    here.database.write_bytes(other)
    done = here.pod("backup").run()
    assert done.returncode == 1
    assert "it is not the database of a hub" in done.stderr


def test_a_hub_that_has_not_run_yet_is_said(here: Here) -> None:
    here.database.unlink()
    done = here.pod("backup").run()
    assert done.returncode == 1
    assert "has the hub been started yet?" in done.stderr
    assert not here.database.exists()


@pytest.mark.parametrize(
    "name", ["hub-20200101T000000Z.sqlite.gz", "../database/jupyterhub.sqlite"]
)
def test_a_name_of_no_backup_is_refused_with_those_that_there_are(here: Here, name: str) -> None:
    made = here.backup()
    done = here.restore(name)
    assert done.returncode == 1
    assert f"there is no backup {name}; there are: {made}" in done.stderr


def test_without_a_name_they_are_listed(here: Here) -> None:
    made = here.backup()
    done = here.restore("")
    assert done.returncode == 0
    assert done.stdout == f"nothing is restored, no name was given; there are: {made}\n"


def old_ones(here: Here) -> list[str]:
    """Put backups of other years where they are kept."""
    made = here.backups / here.backup()
    found = [f"hub-202{year}0101T000000Z.sqlite.gz" for year in range(KEEP)]
    for name in found:
        shutil.copy(made, here.backups / name)
    made.unlink()
    return found


def test_the_oldest_go(here: Here) -> None:
    old = old_ones(here)
    (here.backups / "notes.txt").write_text("not a backup")
    made = here.backup()
    assert sorted(file.name for file in here.backups.iterdir()) == [*old[1:], made, "notes.txt"]


def test_what_was_just_made_stays_whatever_the_others_are_called(here: Here) -> None:
    for day in range(1, KEEP + 2):
        (here.backups / f"hub-9999010{day}T000000Z.sqlite.gz").write_bytes(b"")
    made = here.backup()
    others = [f"hub-9999010{day}T000000Z.sqlite.gz" for day in (3, 4)]
    assert sorted(file.name for file in here.backups.iterdir()) == [made, *others]


def test_a_full_disk_costs_no_backup(here: Here, small_disk: Path) -> None:
    old = old_ones(here)
    for name in old:
        shutil.copy(here.backups / name, small_disk)
    fill_up(small_disk)
    done = here.pod("backup", backups=small_disk).run()
    assert done.returncode == 1
    assert "make the volume larger, or keep fewer" in done.stderr
    assert sorted(file.name for file in small_disk.iterdir()) == ["filler", *old]


# --- killed at any instant --------------------------------------------------------------------


def killed_at(line: int, what: str, *arguments: str) -> bool:
    """Run the script in a child that is killed as it comes to its n-th line; return whether."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)
    try:
        _child(line, what, *arguments)
    finally:
        os._exit(0)


def _child(line: int, *arguments: str) -> None:
    main: Callable[..., int] = runpy.run_path(str(SCRIPT))["main"]
    left = line

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != str(SCRIPT):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    main(*arguments)


def test_a_backup_that_is_killed_leaves_whole_ones_alone(here: Here) -> None:
    old = old_ones(here)
    line = 0
    while True:
        line += 1
        shutil.rmtree(here.backups)
        here.backups.mkdir()
        for name in old:
            (here.backups / name).write_bytes(gzip.compress(here.database.read_bytes()))
        killed = killed_at(line, "backup", str(here.database), str(here.backups), str(KEEP))
        found = sorted(file for file in here.backups.iterdir() if file.name[0] != ".")
        kept = [file.name for file in found if file.name in old]
        assert set(kept) >= set(old if len(found) == len(kept) else old[1:])
        for file in found:
            assert whole(file) == {"ada"}
        if not killed:
            break
    assert line > 60


def test_a_restore_that_is_killed_leaves_the_old_or_the_new(here: Here) -> None:
    name = here.backup()
    add(here.url, "eve")
    present = here.database.read_bytes()
    line = 0
    while True:
        line += 1
        shutil.rmtree(here.database.parent)
        here.database.parent.mkdir()
        here.database.write_bytes(present)
        killed = killed_at(line, "restore", str(here.database), str(here.backups), name)
        found = names(here.url)
        if found == {"ada"}:
            assert [names(f"sqlite:///{kept}") for kept in here.kept()] == [{"ada", "eve"}]
        else:
            assert found == {"ada", "eve"}
        if not killed:
            break
        if line % 25 == 0:  # whatever it left behind, another one works
            assert here.restore(name).returncode == 0
            assert names(here.url) == {"ada"}
            assert not list(here.database.parent.glob(".*"))
    assert line > 60


def test_what_a_killed_run_left_goes_after_an_hour(here: Here) -> None:
    fresh, stale = (here.backups / f".hub-2020010{n}T000000Z.sqlite.gz.abc" for n in (1, 2))
    for file in (fresh, stale):
        file.touch()
    os.utime(stale, (0, 0))
    here.backup()
    assert fresh.exists()
    assert not stale.exists()
