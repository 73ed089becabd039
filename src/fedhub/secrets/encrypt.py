"""Encrypting with sops; plaintext goes through pipes, never through a file, argv or environment."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from fedhub.errors import FedhubError
from fedhub.hub.document import parse
from fedhub.hub.encrypted import sops_binary, sops_environment
from fedhub.hub.files import read_text
from fedhub.hub.merge import KeyPath, plain, positions
from fedhub.hub.sops import has_rule
from fedhub.hub.values import value_at

_TIMEOUT = 60.0  # seconds; a key may be kept by a cloud service or behind a PIN
YAML = ("--input-type", "yaml", "--output-type", "yaml")
_PUBLIC_KEY = re.compile(r"^# public key: (age1[0-9a-z]+)$", re.MULTILINE)
"""The line that age-keygen writes above an identity."""


def encrypted(plaintext: str, path: Path) -> bytes:
    """Return a values file, encrypted for whom sops' own settings name.

    These are SOPS_AGE_RECIPIENTS and its like, else the nearest `.sops.yaml`, from the file's own
    folder upwards, then from the working folder. Where there are none, it is for the operator's own
    age key.

    Args:
        plaintext: the values, as YAML.
        path: the file it is for, which rules in `.sops.yaml` may go by; it is not written.

    Raises:
        FedhubError: there is no sops, nobody to encrypt for, or a rule leaves something readable.
    """
    command = ["encrypt", *YAML, "--filename-override", str(path)]
    rules = rules_for(path)
    if rules is not None:
        command = ["--config", str(rules), *command]
    elif not recipients_in_environment():
        own = _own_recipients()
        if not own:
            raise _nobody(path)
        command += ["--age", ",".join(own)]
    done = run_sops(command, plaintext)
    if done.returncode != 0:
        raise FedhubError(
            f"sops can't encrypt {path}: {reason(done.stderr)}",
            fix="mend the rules in .sops.yaml, or name recipients in SOPS_AGE_RECIPIENTS",
        )
    root = parse(done.stdout.decode(), str(path))
    values = plain(root)
    for at, _, _ in positions(root):
        if at[:1] != ("sops",) and _is_readable(value_at(values, at)):
            raise _readable(path, at)
    return done.stdout


def set_value(file: Path, path: KeyPath, value: str) -> None:
    """Set one value in an encrypted file, in place; everything else in it stays, comments too.

    Args:
        file: an encrypted values file, of any name.
        path: where the value is.
        value: the value.

    Raises:
        FedhubError: sops has no key for the file, it can't hold the value there, or a rule that the
            file was encrypted by would leave it readable.
    """
    if has_rule(parse(read_text(file), str(file))):
        _set(file, path, "not a secret")
        if _is_readable(value_at(plain(parse(read_text(file), str(file))), path)):
            raise _readable(file, path)
    _set(file, path, value)


def _set(file: Path, path: KeyPath, value: str) -> None:
    done = run_sops(["set", *YAML, "--value-stdin", str(file), _index(path)], json.dumps(value))
    if done.returncode != 0:
        dotted = ".".join(map(str, path))
        raise FedhubError(
            f"sops can't set {dotted} (exit code {done.returncode})",
            fix="look at the keys above it with `sops edit`: each must be a map",
        )


def remove_value(file: Path, path: KeyPath) -> None:
    """Take one value out of an encrypted file, in place; nothing is done where it is not there.

    Raises:
        FedhubError: sops has no key for the file.
    """
    done = run_sops(["unset", *YAML, "--idempotent", str(file), _index(path)], "")
    if done.returncode != 0:
        dotted = ".".join(map(str, path))
        raise FedhubError(
            f"sops can't remove {dotted} (exit code {done.returncode})",
            fix="remove it with `sops edit`",
        )


def _is_readable(value: object) -> bool:
    return isinstance(value, str) and value != "" and not value.startswith("ENC[")


def _readable(file: Path, path: KeyPath) -> FedhubError:
    return FedhubError(
        f"sops would leave {'.'.join(map(str, path))} readable in {file}",
        fix="have the file encrypted as a whole, without encrypted_regex and its like: in "
        ".sops.yaml, and in the file's own `sops:`",
    )


def _index(path: KeyPath) -> str:
    return "".join(f"[{json.dumps(part)}]" for part in path)


def run_sops(arguments: list[str], given: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run sops.

    Args:
        arguments: of its command line, which everybody on the machine can read.
        given: its standard input.

    Raises:
        FedhubError: it does not run, or gives no answer.
    """
    try:
        return subprocess.run(
            [sops_binary(), *arguments],
            input=given.encode(),
            env=sops_environment(),
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = "gave no answer" if isinstance(error, subprocess.TimeoutExpired) else "does not run"
        raise FedhubError(f"sops {why}", fix="try `sops --version`") from None


IN_ENVIRONMENT = {
    "SOPS_AGE_RECIPIENTS": "age",
    "SOPS_PGP_FP": "pgp",
    "SOPS_KMS_ARN": "kms",
    "SOPS_GCP_KMS_IDS": "gcp_kms",
    "SOPS_HUAWEICLOUD_KMS_IDS": "hckms",
    "SOPS_AZURE_KEYVAULT_URLS": "azure_keyvault",
    "SOPS_VAULT_URIS": "hc_vault_transit_uri",
}
"""Variables that name whom to encrypt for (`sops encrypt --help`); what `.sops.yaml` calls them."""


def recipients_in_environment() -> dict[str, list[str]]:
    """Return whom variables name, by what `.sops.yaml` calls their kind of key.

    sops goes by them, and not by `.sops.yaml`, where there are any.
    """
    named = {kind: os.environ.get(name, "") for name, kind in IN_ENVIRONMENT.items()}
    return {kind: keys.split(",") for kind, keys in named.items() if keys}


def rules_for(path: Path) -> Path | None:
    """Return sops' settings for a file: those of SOPS_CONFIG, else the nearest `.sops.yaml`.

    sops itself looks from the working folder alone, whose rules may name other people than those of
    the folder that the file is in.
    """
    if named := os.environ.get("SOPS_CONFIG"):
        return Path(named)
    starts = (path.parent.resolve(), Path.cwd())
    folders = (folder for start in starts for folder in (start, *start.parents))
    found = (folder / ".sops.yaml" for folder in folders)
    return next((rules for rules in found if rules.exists()), None)


def _own_recipients() -> list[str]:
    texts = [os.environ.get("SOPS_AGE_KEY", "")]
    file = Path(os.environ.get("SOPS_AGE_KEY_FILE") or _key_file())
    with contextlib.suppress(OSError, UnicodeDecodeError):
        texts.append(file.read_text(encoding="utf-8"))
    return [key for text in texts for key in _PUBLIC_KEY.findall(text)]


def _key_file() -> Path:
    """Return where sops looks for age keys (sops, `age/keysource.go`)."""
    if (configured := os.environ.get("XDG_CONFIG_HOME")) is not None:
        folder = Path(configured)
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path.home() / ".config"
    return folder / "sops" / "age" / "keys.txt"


def _nobody(path: Path) -> FedhubError:
    file = _key_file()
    return FedhubError(
        f"there is no key to encrypt {path} for",
        fix=f"make one: `mkdir -p '{file.parent}' && age-keygen -o '{file}'` (age-keygen is in the "
        "package age of Debian, Fedora and Homebrew); or name the age keys of all who may read it "
        "in SOPS_AGE_RECIPIENTS or .sops.yaml",
    )


def reason(stderr: bytes) -> str:
    """Return the last line that sops said; only where it had decrypted nothing."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it does not say why"
