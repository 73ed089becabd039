"""A hub's PostgreSQL database comes back from its backup, and nothing on the way can lose one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy.engine import URL

from tests.backup.conftest import fill_up, rendered
from tests.backup.hub_database import EXPECTED, add, facts, fill, names
from tests.backup.pod_process import Pod

psycopg2 = pytest.importorskip("psycopg2")
from tests.backup.postgres_server import PASSWORD, PROGRAMS, Server, running_server  # noqa: E402

if not PROGRAMS.is_dir():
    pytest.skip("no PostgreSQL server here (Debian: postgresql)", allow_module_level=True)

MAJOR = PROGRAMS.parent.name
USER = "hub@campus"
KEEP = 2


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running_server() as found:
        found.sql(
            f"CREATE ROLE \"{USER}\" LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'"
        )
        yield found


class Here:
    """A hub's database, the volume of its backups, and the chart's pods."""

    def __init__(self, chart: Path, folder: Path, server: Server) -> None:
        self.server = server
        self.folder = folder
        self.database = "hub's db"
        server.sql(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
        server.sql(f'CREATE DATABASE "{self.database}" OWNER "{USER}"')
        self.backups = folder / "backups"
        self.secrets = {"hub": folder / "hub", "existing": folder / "existing"}
        for path in (self.backups, *self.secrets.values(), folder / "connection"):
            path.mkdir()
        self._rendered = rendered(chart, "10", backup={"keep": KEEP})
        self.give(self.address)
        fill(self.address)

    @property
    def _url(self) -> URL:
        return self.server.url(USER, self.database)

    @property
    def address(self) -> str:
        return self._url.render_as_string(hide_password=False)

    @property
    def without_password(self) -> str:
        server = self.server.port
        return str(
            URL.create("postgresql+psycopg2", USER, None, "127.0.0.1", server, self.database)
        )

    def give(self, address: str, password: str | None = None) -> None:
        """Mount what z2jh's Secret would hold."""
        (self.secrets["hub"] / "url").write_text(address)
        (self.secrets["hub"] / "hub.db.password").unlink(missing_ok=True)
        if password:
            (self.secrets["hub"] / "hub.db.password").write_text(password)

    def pod(self, what: str, path: str = "") -> Pod:
        found = self._rendered
        return Pod(
            found.of("CronJob", f"fedhub-{what}"),
            found.of("ConfigMap", "fedhub-backup")["data"],
            self.folder / "scripts",
            {
                "/backups": self.backups,
                "/connection": self.folder / "connection",
                "/secrets/hub": self.secrets["hub"],
                "/secrets/existing": self.secrets["existing"],
            },
            path=f"{path}{PROGRAMS}:",
        )

    def backup(self) -> str:
        done = self.pod("backup").run()
        assert done.returncode == 0, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        (name,) = re.findall(r"made (hub-\S+),", done.stdout)
        return str(name)

    def restore(self, name: str) -> subprocess.CompletedProcess[str]:
        return self.pod("restore").run(BACKUP=name)

    def listed(self) -> list[str]:
        return sorted(file.name for file in self.backups.iterdir())

    def emptied(self) -> None:
        """Take what was connected away, and all that there is."""
        self.server.sql(f'DROP DATABASE "{self.database}" WITH (FORCE)')
        self.server.sql(f'CREATE DATABASE "{self.database}" OWNER "{USER}"')


@pytest.fixture
def here(chart: Path, tmp_path: Path, server: Server) -> Here:
    return Here(chart, tmp_path, server)


def test_all_is_there_after_a_restore(here: Here) -> None:
    name = here.backup()
    add(here.address, "eve")
    done = here.restore(name)
    assert done.returncode == 0, done.stderr
    (kept,) = re.findall(r"what was there is kept in (\S+)", done.stdout)
    assert facts(here.address) == EXPECTED
    assert names(here.address) == {"ada"}
    # What was there is a backup as well, under a name that no pruning takes.
    (here.backups / kept).rename(here.backups / "hub-20990101T000000Z.dump.gz")
    assert here.restore("hub-20990101T000000Z.dump.gz").returncode == 0
    assert names(here.address) == {"ada", "eve"}


def test_an_empty_server_gets_all_of_it(here: Here) -> None:
    name = here.backup()
    here.emptied()
    done = here.restore(name)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"restored {name}\n"
    assert facts(here.address) == EXPECTED


def test_only_their_owner_may_read_them(here: Here) -> None:
    assert (here.backups / here.backup()).stat().st_mode & 0o777 == 0o600


def test_the_password_may_be_beside_the_address(here: Here) -> None:
    here.give(here.without_password, PASSWORD)
    here.backup()


def test_the_operators_own_secret_has_priority_as_in_z2jh(here: Here) -> None:
    here.give("postgresql+psycopg2://nobody@127.0.0.1:1/none", "wrong")
    values = {"hub": {"db": {"url": here.without_password}}}
    (here.secrets["existing"] / "values.yaml").write_text(yaml.safe_dump(values))
    (here.secrets["existing"] / "hub.db.password").write_text(PASSWORD)
    here.backup()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "is neither in the values nor in hub.existingSecret"),
        ("no address s3cret", "can't be read"),
        ("postgres://hub:s3cret@db/hub", "can't be read"),
        ("postgresql+psycopg2://hub:s3cret@/hub?host=a:s3cret&host=b", "can't be read"),
        ("postgresql+psycopg2://hub:s3cret@db/hub?x%0Ay=z", "has a line break"),
        ("mysql+pymysql://hub:s3cret@db/hub", "is of mysql"),
    ],
)
def test_an_address_of_no_postgresql_is_said(here: Here, address: str, said: str) -> None:
    here.give(address)
    done = here.pod("backup").run()
    assert done.returncode == 1
    assert said in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_password_is_said_and_nothing_is_lost(here: Here) -> None:
    made = here.backup()
    here.give(here.without_password, "wrong-one")
    done = here.pod("backup").run()
    assert done.returncode == 1
    assert "backup failed: the database does not answer" in done.stderr
    assert "wrong-one" not in done.stderr
    assert here.listed() == [made]


def test_a_hub_that_runs_is_not_restored_under(here: Here) -> None:
    name = here.backup()
    url = here.server.url(USER, here.database)
    hub = psycopg2.connect(
        host=url.host, port=url.port, user=USER, password=PASSWORD, dbname=here.database
    )
    done = here.restore(name)
    hub.close()
    assert done.returncode == 1
    assert "1 others are connected to the database; scale the hub to 0 first" in done.stderr


def test_a_backup_with_any_byte_changed_is_refused(here: Here) -> None:
    name = here.backup()
    good = (here.backups / name).read_bytes()
    add(here.address, "eve")
    for place in range(20, len(good), len(good) // 6):
        changed = bytearray(good)
        changed[place] ^= 0xFF
        (here.backups / name).write_bytes(changed)
        done = here.restore(name)
        assert done.returncode == 1
        assert f"restore failed: {name} is damaged" in done.stderr
    (here.backups / name).write_bytes(good[: len(good) // 2])
    assert here.restore(name).returncode == 1
    assert names(here.address) == {"ada", "eve"}


def test_a_database_of_no_hub_is_not_backed_up(here: Here) -> None:
    here.emptied()
    done = here.pod("backup").run()
    assert done.returncode == 1
    assert "it is not the database of a hub" in done.stderr
    assert here.listed() == []


@pytest.mark.parametrize("name", ["hub-20200101T000000Z.dump.gz", "../x", "-e"])
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


def test_tools_of_another_version_than_the_servers_are_refused(here: Here, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    dump = tmp_path / "tools" / "pg_dump"
    dump.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 99.1'\n")
    dump.chmod(0o755)
    done = here.pod("backup", path=f"{dump.parent}:").run()
    assert done.returncode == 1
    assert f"the server is PostgreSQL {MAJOR} and the tools are of 99" in done.stderr
    assert f"set backup.image.tag to {MAJOR}-bookworm" in done.stderr


def old_ones(here: Here) -> list[str]:
    """Put backups of other years where they are kept."""
    made = here.backups / here.backup()
    found = [f"hub-202{year}0101T000000Z.dump.gz" for year in range(KEEP)]
    for name in found:
        shutil.copy(made, here.backups / name)
    made.unlink()
    return found


def test_the_oldest_go(here: Here) -> None:
    old = old_ones(here)
    (here.backups / "notes.txt").write_text("not a backup")
    assert here.listed() == [*old, "notes.txt"]
    made = here.backup()
    assert here.listed() == [*old[1:], made, "notes.txt"]


def test_what_was_just_made_stays_whatever_the_others_are_called(here: Here) -> None:
    odd = "hub-20 .. *aT000000Z.dump.gz"
    (here.backups / odd).write_bytes(b"")
    for day in range(1, KEEP + 2):
        (here.backups / f"hub-9999010{day}T000000Z.dump.gz").write_bytes(b"")
    made = here.backup()
    assert here.listed() == [odd, made, "hub-99990103T000000Z.dump.gz"]


def test_what_a_killed_run_left_goes_after_an_hour(here: Here) -> None:
    stale = [f".{name}-20200101T000000Z.dump.gz.abcdef" for name in ("hub", "before-restore")]
    for name in (*stale, ".hub-20200102T000000Z.dump.gz.abcdef"):
        (here.backups / name).touch()
    for name in stale:
        os.utime(here.backups / name, (0, 0))
    made = here.backup()
    assert here.listed() == [".hub-20200102T000000Z.dump.gz.abcdef", made]


def test_a_full_disk_costs_no_backup(here: Here, small_disk: Path) -> None:
    old = old_ones(here)
    for name in old:
        shutil.copy(here.backups / name, small_disk)
    fill_up(small_disk)
    here.backups = small_disk
    done = here.pod("backup").run()
    assert done.returncode == 1
    assert "backup failed: " in done.stderr
    assert here.listed() == ["filler", *old]


# --- killed at any instant --------------------------------------------------------------------

COMMANDS = ("pg_dump", "gzip", "pg_restore", "sync", "mv", "rm")
"""What the script changes anything by."""

KILLS = """\
#!/bin/sh
count=$(cat "$COUNT/$1" 2>/dev/null || echo 0)
count=$((count + 1))
echo $count >"$COUNT/$1"
kill_if() { if [ "$KILL" = "$1" ]; then touch "$COUNT/killed"; kill -9 0; fi; }
kill_if "$1 $count before"
{real} "$@"
code=$?
kill_if "$1 $count after"
exit $code
"""


def shims(folder: Path) -> Path:
    """Commands that kill the whole script before or after one of their uses."""
    folder.mkdir()
    for command in COMMANDS:
        real = shutil.which(command, path=f"{PROGRAMS}:/usr/bin:/bin")
        text = KILLS.replace("$1 $", f"{command} $").replace('"$COUNT/$1"', f'"$COUNT/{command}"')
        shim = folder / command
        shim.write_text(text.replace("{real}", str(real)))
        shim.chmod(0o755)
    return folder


def instants(here: Here, folder: Path, what: str, **given: Any) -> Iterator[str]:
    """Run a pod once for each instant, killed then; between two the caller looks."""
    pod = here.pod(what, path=f"{shims(folder / 'shims')}:")
    for command in COMMANDS:
        for use in range(1, 20):
            for when in ("before", "after"):
                counts = folder / "counts"
                shutil.rmtree(counts, ignore_errors=True)
                counts.mkdir()
                kill = {"KILL": f"{command} {use} {when}", "COUNT": str(counts)}
                done = pod.run(environment=kill, **given)
                if not (counts / "killed").exists():
                    assert done.returncode == 0, done.stderr
                    break
                yield kill["KILL"]
            else:
                continue
            break


def test_a_backup_that_is_killed_leaves_whole_ones_alone(here: Here, tmp_path: Path) -> None:
    old = old_ones(here)
    keep = {name: (here.backups / name).read_bytes() for name in old}
    seen = 0
    for instant in instants(here, tmp_path, "backup"):
        seen += 1
        found = [name for name in here.listed() if name[0] != "."]
        kept = [name for name in found if name in old]
        assert set(kept) >= set(old if found == kept else old[1:]), instant
        for name in found:
            check = f"gunzip -c '{here.backups / name}' | {PROGRAMS}/pg_restore --file=/dev/null"
            subprocess.run(["bash", "-o", "pipefail", "-c", check], check=True)
        shutil.rmtree(here.backups)
        here.backups.mkdir()
        for name, content in keep.items():
            (here.backups / name).write_bytes(content)
    assert seen >= 2 * len(COMMANDS)


def test_a_restore_that_is_killed_leaves_the_old_or_the_new(here: Here, tmp_path: Path) -> None:
    name = here.backup()
    content = (here.backups / name).read_bytes()
    add(here.address, "eve")
    seen = set()
    for instant in instants(here, tmp_path, "restore", BACKUP=name):
        found = names(here.address)
        assert found in ({"ada"}, {"ada", "eve"}), instant
        assert (here.backups / name).read_bytes() == content
        if found == {"ada"}:
            add(here.address, "eve")
        seen.add(frozenset(found))
        # The server notices by itself that a client is gone, in its own time.
        here.server.sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            f"WHERE datname = '{here.database.replace(chr(39), chr(39) * 2)}'"
        )
    assert len(seen) == 2
