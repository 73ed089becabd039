"""A hub's rendered objects in a folder, for GitOps: the same bytes as long as they say the same.

`manifests.yaml` has all but the Secrets; sealed, each of them is a file of its own, as Flux wants
it. sops writes other bytes each time, so a sealed file that says what it should stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from fedhub.errors import FedhubError
from fedhub.hub.document import parse
from fedhub.hub.encrypted import decrypted_text
from fedhub.hub.files import read_text
from fedhub.hub.merge import plain, positions
from fedhub.hub.values import value_at
from fedhub.hub.write import beside, create, replace
from fedhub.release.manifests import Manifest, manifests
from fedhub.secrets.encrypt import YAML, reason, recipients_in_environment, rules_for, run_sops

_FILE = "manifests.yaml"
_SEALED_FILE = "secret-"
_HEADER = "# Rendered by fedhub for the hub {hub}; what is changed here is lost.\n"
_MINE = re.compile(r"# Rendered by fedhub for the hub (\S+);")
_SEALED = "^(data|stringData)$"
"""What sops encrypts of a Secret, as Flux has it: the rest tells the cluster what it is."""
_MODE = 0o644


def write(folder: Path, hub: str, found: Sequence[Manifest], *, seal: bool) -> list[Path]:
    """Write what was rendered into a folder, and take away what is no more.

    Args:
        folder: where; it is made.
        hub: the hub's name.
        found: its objects.
        seal: whether Secrets are written, encrypted; otherwise they are left out.

    Returns:
        the files that are new, changed or gone.

    Raises:
        FedhubError: a file there is not of this hub, Secrets are there and are to be left out, or
            one can't be sealed; nothing is written.
    """
    header = _HEADER.format(hub=hub)
    secrets = {f"{_SEALED_FILE}{one.name}.yaml": one for one in found if one.is_secret and seal}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FedhubError(
            f"{folder} can't be made: {error.strerror}", fix="name another folder with --out"
        ) from None
    for file in [folder / _FILE, *(folder / name for name in secrets)]:
        _check_mine(file, hub)
    stale = [
        file
        for file in sorted(folder.glob(f"{_SEALED_FILE}*.yaml"))
        if file.name not in secrets and _owner(file) == hub
    ]
    if stale and not seal:
        # What applies the folder would take them from the cluster, and the hub with them.
        raise FedhubError(
            f"{stale[0]} is there, and Secrets are to be left out",
            fix="add --secrets sops, or remove it first",
        )
    texts = {folder / _FILE: joined(found)}
    for name, secret in secrets.items():
        if not _says(folder / name, secret):
            texts[folder / name] = _sealed(folder / name, secret)
    changed = [file for file, text in texts.items() if _written(file, header + text)]
    for file in stale:
        file.unlink()
    return [*changed, *stale]


def joined(found: Sequence[Manifest]) -> str:
    """Return all objects but the Secrets, as one text."""
    return "".join(f"---\n{one.text}" for one in found if not one.is_secret)


def _check_mine(file: Path, hub: str) -> None:
    if not file.exists():
        return
    owner = _owner(file)
    if owner != hub:
        whose = f"of the hub {owner}" if owner else "not one that fedhub wrote"
        raise FedhubError(f"{file} is {whose}", fix="name another folder with --out")


def _owner(file: Path) -> str | None:
    found = _MINE.match(read_text(file, "file"))
    return found[1] if found else None


def _written(file: Path, text: str) -> bool:
    """Write a file; return whether it said something else before."""
    content = text.encode()
    seen = file.read_bytes() if file.exists() else None
    if seen == content:
        return False
    if seen is None:
        create(file, content, mode=_MODE)
    else:
        with beside(file, content, mode=_MODE) as draft:
            replace(file, draft, seen=seen)
    return True


def _says(file: Path, secret: Manifest) -> bool:
    """Whether a sealed file says what it should, as far as a key at hand can tell."""
    if not file.exists():
        return False
    try:
        plaintext = decrypted_text(file, parse(read_text(file), str(file)))
    except FedhubError:
        return False
    return [one.content for one in manifests(plaintext)] == [secret.content]


def _sealed(file: Path, secret: Manifest) -> str:
    """Return a Secret, encrypted for whom sops' own settings name."""
    rules = rules_for(file)
    if rules is None and not recipients_in_environment():
        raise FedhubError(
            f"nothing says whom {file} is to be encrypted for",
            fix="name the cluster's key and your own in SOPS_AGE_RECIPIENTS, or in a .sops.yaml",
        )
    config = ["--config", str(rules)] if rules is not None else []
    given = ["--filename-override", str(file), "--encrypted-regex", _SEALED]
    done = run_sops([*config, "encrypt", *YAML, *given], secret.text)
    if done.returncode != 0:
        raise FedhubError(
            f"sops can't encrypt {file}: {reason(done.stderr)}",
            fix="mend the rules in .sops.yaml, or name recipients in SOPS_AGE_RECIPIENTS",
        )
    text = done.stdout.decode()
    root = parse(text, str(file))
    values = plain(root)
    for at, _, _ in positions(root):
        value = value_at(values, at)
        in_open = isinstance(value, str) and value != "" and not value.startswith("ENC[")
        if at[0:1] in {("data",), ("stringData",)} and in_open:
            raise FedhubError(
                f"sops would leave {'.'.join(map(str, at))} readable in {file}",
                fix="have the rule in .sops.yaml encrypt data and stringData",
            )
    return text
