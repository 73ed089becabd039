"""Encrypting a hub's file for other people, after `.sops.yaml` or a variable names others.

sops has two commands for it. `updatekeys` encrypts the file's data key for other people; the data
key stays, and whoever had it opens the file as before. `rotate` makes a new data key. So where
somebody is removed, both are needed, `rotate` first: afterwards we may have no key any more.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from fedhub.errors import FedhubError, Position, UsageError
from fedhub.hub.encrypted import DOES_NOT_OPEN, NO_KEY, refusal
from fedhub.hub.files import hub_names, secrets_file
from fedhub.hub.sops import Recipient, recipients
from fedhub.hub.write import beside, replace
from fedhub.secrets.encrypt import (
    YAML,
    encrypted,
    reason,
    recipients_in_environment,
    rules_for,
    run_sops,
)
from fedhub.secrets.files import SecretsFile, secrets_of

_PROBE = "nothing: here\n"


class Rekeyed(NamedTuple):
    """What became of a hub's file, or would.

    Attributes:
        hub: the hub's name.
        path: its encrypted file.
        added: who can decrypt it now.
        removed: who can't any more.
        new_data_key: whether its values are encrypted with another key.
    """

    hub: str
    path: Path
    added: list[Recipient]
    removed: list[Recipient]
    new_data_key: bool

    @property
    def changes(self) -> bool:
        """Whether the file is another one."""
        return bool(self.added or self.removed or self.new_data_key)


def rekey(
    hub: str, *, rotate: bool = False, dry_run: bool = False, folder: Path = Path("values")
) -> Rekeyed:
    """Encrypt a hub's file for whom sops' settings name now.

    Args:
        hub: a name in the folder, or the path of a values file.
        rotate: whether to make a new data key although nobody is removed.
        dry_run: only say what would change.
        folder: where hubs are looked for by name.

    Raises:
        UsageError: there is no such hub.
        FedhubError: it has no encrypted file, nothing names anybody, no key at hand opens the file,
            or somebody else changed it meanwhile.
    """
    file = secrets_of(hub, folder)
    now, wanted = recipients(file.root), _wanted(file, rotate=rotate)
    added = [one for one in wanted if one not in now]
    removed = [one for one in now if one not in wanted]
    done = Rekeyed(file.hub, file.path, added, removed, rotate or bool(removed))
    if done.changes and not dry_run:
        content = _encrypted_anew(file, done, wanted)
        with beside(file.path, content, mode=file.path.stat().st_mode & 0o777) as draft:
            replace(file.path, draft, seen=file.seen)
    return done


def _wanted(file: SecretsFile, *, rotate: bool) -> list[Recipient]:
    """Return for whom sops would encrypt the file if it were new.

    Raises:
        FedhubError: nothing says for whom. An operator's own key, for which `generate` encrypts
            then, would remove everybody else.
    """
    from fedhub.hub.document import parse

    if not recipients_in_environment() and rules_for(file.path) is None:
        if rotate:
            return recipients(file.root)
        raise FedhubError(
            f"nothing says who may decrypt {file.path}",
            fix="name them in .sops.yaml or SOPS_AGE_RECIPIENTS; or --rotate alone, for the same",
        )
    probe = encrypted(_PROBE, file.path).decode()
    return recipients(parse(probe, str(file.path)))


def _encrypted_anew(file: SecretsFile, what: Rekeyed, wanted: list[Recipient]) -> bytes:
    from fedhub.hub.document import parse

    with _beside_its_rules(file) as (copy, rules):
        if what.new_data_key:
            _sops(["rotate", "--in-place", *YAML, str(copy)], file)
        if what.added or what.removed:
            arguments = ["--config", str(rules), "updatekeys", "--yes", "--input-type", "yaml"]
            _sops([*arguments, str(copy)], file)
        if what.removed and run_sops(["decrypt", *YAML, str(copy)]).returncode == NO_KEY:
            raise FedhubError(
                f"no key at hand would open {file.path} any more",
                fix="add your own to .sops.yaml, or leave this to somebody whose key stays",
            )
        content = copy.read_bytes()
    if set(recipients(parse(content.decode(), str(file.path)))) != set(wanted):
        raise FedhubError(
            f"sops did not take the rules for {file.path} as it would for a new file",
            fix="look at path_regex in .sops.yaml; the file stays as it is",
        )
    return content


@contextmanager
def _beside_its_rules(file: SecretsFile) -> Iterator[tuple[Path, Path]]:
    """Give a copy of an encrypted file, and of its rules, as far from each other as the real ones.

    `updatekeys` writes in place, and goes by the path below the rules' folder.
    """
    source = None if recipients_in_environment() else rules_for(file.path)
    with tempfile.TemporaryDirectory(prefix="fedhub-") as name:
        rules = Path(name) / ".sops.yaml"
        if source is None:
            # JSON is YAML, too.
            rules.write_text(json.dumps({"creation_rules": [recipients_in_environment()]}))
            copy = Path(name) / file.path.name
        else:
            shutil.copyfile(source, rules)
            copy = Path(name) / _below(file.path, source.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.seen)
        yield copy, rules


def _below(path: Path, folder: Path) -> Path:
    # As sops does, which follows no links.
    whole, start = (Path(os.path.abspath(one)) for one in (path, folder))  # noqa: PTH100
    return whole.relative_to(start if whole.is_relative_to(start) else whole.anchor)


def _sops(arguments: list[str], file: SecretsFile) -> None:
    done = run_sops(arguments)
    if done.returncode in DOES_NOT_OPEN:
        raise refusal(done.returncode, file.path, file.root)
    if done.returncode != 0:
        raise FedhubError(
            f"sops can't encrypt this file anew: {reason(done.stderr)}",
            fix="mend the rules in .sops.yaml",
            position=Position(str(file.path), 1, 1),
        )


# --- Several hubs ----------------------------------------------------------------------------

REMOVED = (
    "Who was removed could read these secrets, and still can in what version control keeps: make "
    "new ones at their providers, and put them in with `fedhub secrets edit`."
)


def hubs_meant(names: Sequence[str], *, every: bool, folder: Path) -> list[str]:
    """Return the hubs that are named, or all that have secrets.

    Raises:
        UsageError: neither is asked for, or both; or no hub has secrets.
    """
    if bool(names) == every:
        raise UsageError("no hub is named", fix="name some, or all of them with --all")
    if not every:
        return list(dict.fromkeys(names))
    found = [name for name in hub_names(folder) if secrets_file(name, folder).exists()]
    if not found:
        raise UsageError(
            f"no hub in {folder} has secrets", fix="make some: fedhub secrets generate"
        )
    return found


def rekey_all(
    hubs: Iterable[str], *, rotate: bool, dry_run: bool, folder: Path
) -> tuple[list[Rekeyed], list[FedhubError]]:
    """Encrypt the files of several hubs; one that can't be does not keep the others from it."""
    done, errors = [], []
    for hub in hubs:
        try:
            done.append(rekey(hub, rotate=rotate, dry_run=dry_run, folder=folder))
        except FedhubError as error:
            errors.append(error)
    return done, errors


def in_words(one: Rekeyed) -> str:
    """Return a line about a hub."""
    what = [f"added {recipient}" for recipient in one.added]
    what += [f"removed {recipient}" for recipient in one.removed]
    what += ["a new data key"] if one.new_data_key else []
    return f"{one.hub}: {', '.join(what) or 'nothing to change'}"


def as_json(one: Rekeyed) -> dict[str, Any]:
    """Return what `--format json` prints of a hub; a stable interface."""
    return {
        "hub": one.hub,
        "file": str(one.path),
        "added": [recipient._asdict() for recipient in one.added],
        "removed": [recipient._asdict() for recipient in one.removed],
        "new_data_key": one.new_data_key,
    }
