"""A PostgreSQL server of its own, with passwords, where this machine has PostgreSQL.

Hides: where Debian keeps the programs, that the server does not run as root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from sqlalchemy.engine import URL

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=Path("none/none")).parent
ADMIN = "admin"
PASSWORD = "p@ss:w/o?r d%#\\'\"=é"


@dataclass(frozen=True)
class Server:
    """A running server; everybody has the same password."""

    port: int

    def sql(self, text: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as administrator."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=ADMIN, password=PASSWORD, dbname=database
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(text)
            found = cursor.fetchall() if cursor.description else []
        connection.close()
        return found

    def url(self, user: str, database: str) -> URL:
        return URL.create("postgresql+psycopg2", user, PASSWORD, "127.0.0.1", self.port, database)


@contextmanager
def running_server() -> Iterator[Server]:
    """Run a server until the block ends."""
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="fedhub-postgres-"))
    given = folder / "password"
    given.write_text(PASSWORD)
    if user:
        for path in (folder, given):
            shutil.chown(path, user)
    data = folder / "data"
    common = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
    setup = ["-U", ADMIN, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
    subprocess.run(
        [PROGRAMS / "initdb", "-D", data, *setup, f"--pwfile={given}"],
        check=True, stderr=subprocess.DEVNULL, **common,
    )  # fmt: skip
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    )
    control = [PROGRAMS / "pg_ctl", "-D", data, "-w"]
    log = ["-l", folder / "log"]
    subprocess.run([*control, *log, "-o", options, "start"], check=True, **common)
    try:
        yield Server(port)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, **common)
        shutil.rmtree(folder)
