"""An administrator's credentials: from an encrypted file, a command, or a variable."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from fedhub.errors import FedhubError, Position
from fedhub.hub.document import parse
from fedhub.hub.encrypted import decrypted_text, is_encrypted
from fedhub.hub.files import read_text
from fedhub.registration.admin import AdminCredentials
from fedhub.registration.clients import is_line
from fedhub.registration.settings import Settings, Source

_TIMEOUT = 120.0  # seconds; a password manager may ask a person


def admin_credentials(source: Source, folder: Path) -> AdminCredentials:
    """Return an administrator's credentials.

    Args:
        source: where they come from.
        folder: what a file's name is relative to.

    Raises:
        FedhubError: they can't be had; what was read is not in the message.
    """
    client_id, secret = read_source(source, folder, ("client_id", "client_secret"))
    return AdminCredentials(client_id, SecretStr(secret))


def read_source(source: Source, folder: Path, keys: Sequence[str]) -> list[str]:
    """Return what a source has under these keys, each a text.

    Args:
        source: where it comes from.
        folder: what a file's name is relative to.
        keys: of its map.

    Raises:
        FedhubError: it can't be had; what was read is not in the message.
    """
    if source.file is not None:
        path = folder / source.file
        return _texts(_from_file(path), f"the file {path}", keys)
    if source.command is not None:
        return _texts(_from_command(source.command), f"the command {source.command[0]}", keys)
    assert source.environment is not None
    where = f"the variable {source.environment}"
    return _texts(_from_environment(source.environment, keys), where, keys)


def _from_file(path: Path) -> str:
    root = parse(read_text(path, "file"), str(path))
    if not is_encrypted(root):
        raise FedhubError(
            "an administrator's credentials in plaintext",
            fix=f"`sops encrypt --in-place {path}`, then try again",
            position=Position(str(path), 1, 1),
        )
    return decrypted_text(path, root)


def _from_command(command: list[str]) -> str:
    try:
        # Its own words, such as a question for a passphrase, go to the terminal.
        done = subprocess.run(
            command, stdout=subprocess.PIPE, timeout=_TIMEOUT, check=False, encoding="utf-8"
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        why = "gave no answer" if isinstance(error, subprocess.TimeoutExpired) else "does not run"
        raise FedhubError(
            f"the command {command[0]}, which has the administrator's credentials, {why}",
            fix="try it by itself",
        ) from None
    if done.returncode != 0:
        raise FedhubError(
            f"the command {command[0]}, which has the administrator's credentials, failed "
            f"(exit code {done.returncode})",
            fix="try it by itself",
        )
    return done.stdout


_taken: dict[str, str] = {}


def hide_variables(settings: Settings) -> None:
    """Take the variables that hold credentials out of the environment, which children inherit."""
    for source in settings.sources:
        name = source.environment
        if name is not None and name in os.environ:
            _taken[name] = os.environ.pop(name)


def _from_environment(name: str, keys: Sequence[str]) -> str:
    if name not in _taken:
        shape = ", ".join(f"{key}: …" for key in keys)
        raise FedhubError(
            f"the variable {name} is not set, which has the administrator's credentials",
            fix=f"set it to {{{shape}}} for this command alone",
        )
    return _taken[name]


def _texts(text: str, where: str, keys: Sequence[str]) -> list[str]:
    said: Any = None
    with contextlib.suppress(Exception):  # of many kinds, where a text is not of its `!!` type
        said = yaml.safe_load(text)  # whose complaints would quote what was read
    found = [said.get(key) for key in keys] if isinstance(said, dict) else []
    texts = [one for one in found if is_line(one)]
    if len(texts) != len(keys):
        raise FedhubError(
            f"{where} does not give {' and '.join(keys)}",
            fix="have it give a YAML or JSON map of them, each as text",
        )
    return texts
