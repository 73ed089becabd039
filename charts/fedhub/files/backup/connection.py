"""Write down how to reach the hub's PostgreSQL, for PostgreSQL's own tools.

    connection.py SECRET EXISTING-SECRET FOLDER

The first two are folders that Secrets are mounted at: z2jh's, and the operator's own
(`hub.existingSecret`), which has priority, as in z2jh. The third, in memory, gets `service.conf`
(https://www.postgresql.org/docs/current/libpq-pgservice.html) and `passwords` (libpq-pgpass.html):
what stands in files is in no command line and no environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError


class AddressError(Exception):
    """It can't be told how; the text says why, and what to do."""


def write(secret: Path, existing: Path, folder: Path) -> None:
    """Write both files.

    Raises:
        AddressError: the address is missing, or not one of PostgreSQL.
    """
    options = options_of(_address(secret, existing))
    password = options.pop("password", None)
    if password is None:
        password = _text(existing / "hub.db.password") or _text(secret / "hub.db.password")
    passwords = folder / "passwords"
    options["passfile"] = str(passwords)
    os.umask(0o077)
    escaped = (password or "").replace("\\", "\\\\").replace(":", "\\:")
    passwords.write_text(f"*:*:*:*:{escaped}\n" if password else "")
    lines = [f"{key}={value}" for key, value in options.items()]
    (folder / "service.conf").write_text("\n".join(["[hub]", *lines, ""]))


def options_of(address: str) -> dict[str, str]:
    """Return what the hub's own driver would connect with, by libpq's names.

    Raises:
        AddressError: the address is not one of PostgreSQL.
    """
    try:
        url = make_url(address)
        dialect = url.get_dialect()()
        found = dict(dialect.create_connect_args(url)[1])
    except (ArgumentError, NoSuchModuleError, ValueError):
        # Without the cause, which may quote the password.
        raise AddressError("hub.db.url can't be read; write postgresql+psycopg2://…") from None
    if dialect.name != "postgresql":
        raise AddressError(
            f"hub.db.url is of {dialect.name}, and hub.db.type is postgres; correct one"
        )
    if "database" in found:  # as drivers other than psycopg call it
        found["dbname"] = found.pop("database")
    for key, value in found.items():
        if "\n" in f"{key}{value}":
            raise AddressError(f"{key!r} in hub.db.url has a line break; remove it")
    return {key: str(value) for key, value in found.items()}


def _address(secret: Path, existing: Path) -> str:
    values: Any = yaml.safe_load(_text(existing / "values.yaml") or "") or {}
    for key in ("hub", "db", "url"):
        values = values.get(key) if isinstance(values, dict) else None
    address = values or _text(secret / "url")
    if not address:
        raise AddressError("hub.db.url is neither in the values nor in hub.existingSecret; set it")
    return str(address)


def _text(file: Path) -> str | None:
    return file.read_text() if file.is_file() else None


if __name__ == "__main__":
    try:
        write(*map(Path, sys.argv[1:]))
    except AddressError as error:
        sys.exit(str(error))
