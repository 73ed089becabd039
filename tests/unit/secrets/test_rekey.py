"""`fedhub secrets rekey`: who can decrypt a file afterwards, and who can't any more."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pyrage
import pytest

import fedhub.secrets.rekey
from fedhub.errors import FedhubError
from fedhub.hub.document import parse
from fedhub.hub.sops import recipients
from fedhub.secrets.encrypt import encrypted
from fedhub.secrets.rekey import rekey
from tests.unit.secrets.conftest import MINE, SECRET, SECRETS, decrypted, key_of, secrets


def rules(*keys: str, regex: str = r"^values/enc-.*\.secret\.values\.yaml$") -> None:
    Path(".sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: {regex}\n    age: '{','.join(keys)}'\n"
    )


def readers() -> set[str]:
    return {one.name for one in recipients(parse(SECRETS.read_text(), str(SECRETS)))}


def ciphertexts() -> list[str]:
    """The values of the file, which stay the same as long as its data key does."""
    return [
        line for line in SECRETS.read_text().partition("sops:")[0].splitlines() if "ENC" in line
    ]


def as_other(identity: pyrage.x25519.Identity) -> dict[str, str]:
    return {"SOPS_AGE_KEY": str(identity), "HOME": "/nonexistent"}


def test_who_is_added_can_decrypt_and_values_stay(
    hub: Path, own: str, colleague: pyrage.x25519.Identity
) -> None:
    rules(own, key_of(colleague))
    SECRETS.chmod(0o640)
    before = ciphertexts()
    done = secrets("rekey", "x")
    assert done.stdout == f"x: added {key_of(colleague)}\n", done.stderr
    assert done.returncode == 0
    assert SECRET in decrypted(**as_other(colleague))
    assert SECRET in decrypted()
    assert ciphertexts() == before
    assert SECRETS.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in Path("values").iterdir()) == [SECRETS.name, "x.values.yaml"]


def test_who_is_removed_can_not_decrypt_with_the_key_of_before(
    hub: Path, own: str, colleague: pyrage.x25519.Identity
) -> None:
    rules(own, key_of(colleague))
    secrets("rekey", "x")
    before = ciphertexts()
    rules(own)
    done = secrets("rekey", "x")
    assert done.stdout == f"x: removed {key_of(colleague)}, a new data key\n", done.stderr
    assert "still can in what version control keeps" in done.stderr
    assert readers() == {own}
    assert not set(ciphertexts()) & set(before)
    assert SECRET in decrypted()
    with pytest.raises(subprocess.CalledProcessError):
        decrypted(**as_other(colleague))


def test_a_second_time_nothing_changes(
    hub: Path, own: str, colleague: pyrage.x25519.Identity
) -> None:
    rules(own, key_of(colleague))
    secrets("rekey", "x")
    before = SECRETS.read_bytes()
    done = secrets("rekey", "x")
    assert (done.returncode, done.stdout, done.stderr) == (0, "x: nothing to change\n", "")
    assert SECRETS.read_bytes() == before


def test_a_variable_counts_for_more_than_rules(
    hub: Path, own: str, colleague: pyrage.x25519.Identity
) -> None:
    rules(own)
    done = secrets("rekey", "x", SOPS_AGE_RECIPIENTS=f"{own},{key_of(colleague)}")
    assert done.returncode == 0, done.stderr
    assert readers() == {own, key_of(colleague)}


@pytest.mark.parametrize("argv", [[], ["--rotate"]])
def test_a_dry_run_writes_nothing(
    hub: Path, own: str, colleague: pyrage.x25519.Identity, argv: list[str]
) -> None:
    rules(own, key_of(colleague))
    before = SECRETS.read_bytes()
    done = secrets("rekey", "x", "--dry-run", *argv)
    assert f"x: added {key_of(colleague)}" in done.stdout
    assert "nothing is written yet" in done.stderr
    assert SECRETS.read_bytes() == before


def test_a_new_data_key_on_demand_for_the_same_people(hub: Path, own: str) -> None:
    before = ciphertexts()
    done = secrets("rekey", "x", "--rotate")
    assert (done.returncode, done.stdout) == (0, "x: a new data key\n")
    assert readers() == {own}
    assert len(ciphertexts()) == len(before)
    assert not set(ciphertexts()) & set(before)
    assert SECRET in decrypted()


def test_where_nothing_names_anybody_nobody_is_removed(hub: Path) -> None:
    done = secrets("rekey", "x")
    assert done.returncode == 1
    assert f"nothing says who may decrypt {SECRETS}" in done.stderr


def test_nobody_locks_herself_out(hub: Path, colleague: pyrage.x25519.Identity) -> None:
    rules(key_of(colleague))
    before = SECRETS.read_bytes()
    done = secrets("rekey", "x")
    assert done.returncode == 1
    assert f"no key at hand would open {SECRETS} any more" in done.stderr
    assert SECRETS.read_bytes() == before


def test_without_a_key_nothing_changes(
    hub: Path, own: str, colleague: pyrage.x25519.Identity
) -> None:
    rules(own, key_of(colleague))
    before = SECRETS.read_bytes()
    done = secrets("rekey", "x", HOME="/nonexistent")
    assert done.returncode == 1
    assert "no key at hand opens this file" in done.stderr
    assert SECRETS.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "why"),
    [("creation_rules: [", "sops can't encrypt"), ("creation_rules: []", "sops can't encrypt")],
)
def test_rules_that_make_no_sense_change_nothing(hub: Path, text: str, why: str) -> None:
    Path(".sops.yaml").write_text(text)
    before = SECRETS.read_bytes()
    done = secrets("rekey", "x")
    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRETS.read_bytes() == before


def test_the_first_rule_that_fits_the_files_real_path_counts(
    hub: Path, own: str, colleague: pyrage.x25519.Identity
) -> None:
    Path(".sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: ^enc-\n    age: {own}\n"
        f"  - path_regex: ^values/enc-x\\.\n    age: '{own},{key_of(colleague)}'\n"
        f"  - age: {own}\n"
    )
    assert rekey("x").added == [("age", key_of(colleague))]
    assert readers() == {own, key_of(colleague)}


def test_rules_above_the_working_folder_and_a_hub_elsewhere(
    hub: Path, own: str, colleague: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules(own, key_of(colleague))
    elsewhere = hub / "a" / "b"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    assert rekey("../../values/x.values.yaml").added == [("age", key_of(colleague))]


def test_what_somebody_else_wrote_meanwhile_stays(
    hub: Path, own: str, colleague: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules(own, key_of(colleague))
    theirs = encrypted(MINE.replace(SECRET, "theirs"), SECRETS)
    real = fedhub.secrets.rekey.run_sops

    def meanwhile(arguments: list[str]) -> object:
        SECRETS.write_bytes(theirs)
        return real(arguments)

    monkeypatch.setattr(fedhub.secrets.rekey, "run_sops", meanwhile)
    with pytest.raises(FedhubError, match="changed by somebody else meanwhile"):
        rekey("x")
    assert SECRETS.read_bytes() == theirs


def test_all_hubs_and_one_that_can_not_be_does_not_stop_the_others(
    hub: Path, own: str, colleague: pyrage.x25519.Identity
) -> None:
    for name in ("w", "y"):
        Path(f"values/{name}.values.yaml").write_text("jupyterhub: {}\n")
    Path("values/z.values.yaml").write_text("jupyterhub: {}\n")
    Path("values/enc-w.secret.values.yaml").write_text("a: 1\n")
    Path("values/enc-y.secret.values.yaml").write_bytes(encrypted(MINE, SECRETS))
    rules(own, key_of(colleague))
    done = secrets("rekey", "--all", "--format", "json")
    assert done.returncode == 1
    assert "values/enc-w.secret.values.yaml:1:1: this file is not encrypted" in done.stderr
    said = json.loads(done.stdout)
    assert [one["hub"] for one in said] == ["x", "y"]
    assert said[0] == {
        "hub": "x",
        "file": str(SECRETS),
        "added": [{"kind": "age", "name": key_of(colleague)}],
        "removed": [],
        "new_data_key": False,
    }


@pytest.mark.parametrize("argv", [[], ["x", "--all"]])
def test_which_hubs_must_be_said(hub: Path, argv: list[str]) -> None:
    done = secrets("rekey", *argv)
    assert (done.returncode, done.stdout) == (2, "")
