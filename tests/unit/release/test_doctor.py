"""`fedhub doctor`: tools, keys, the chart, and what a cluster lets one do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyrage
import pytest

FEDHUB = str(Path(sys.executable).with_name("fedhub"))
SOPS = str(Path(sys.executable).with_name("sops"))
KUBECTL = """\
#!/bin/sh
case "$*" in
  version*) echo "Client Version: v1.34.4" ;;
  "config current-context") echo lab ;;
  "get --raw /readyz"*) {ready} ;;
  "auth can-i create secrets --namespace hubs") echo no; exit 1 ;;
  "auth can-i"*"--namespace hubs") echo yes ;;
  *) exit 3 ;;
esac
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, and a PATH with nothing on it but what a test puts there."""
    for name in [name for name in os.environ if name.startswith(("SOPS_", "XDG_", "FEDHUB_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "bin").mkdir()
    for name in ("sh", "git"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def examined(*arguments: str) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    done = subprocess.run(
        [FEDHUB, "doctor", "--format", "json", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)["checks"]
    return done.returncode, {(one["check"], one["subject"]): one for one in found}


def kubectl(work: Path, ready: str) -> None:
    file = work / "bin/kubectl"
    file.write_text(KUBECTL.format(ready=ready))
    file.chmod(0o755)


def encrypted_for(work: Path, name: str, *, keep: bool) -> None:
    """Write an encrypted file; keep its key where sops looks, or lose it."""
    identity = pyrage.x25519.Identity.generate()
    (work / "values").mkdir(exist_ok=True)
    file = work / "values" / name
    file.write_text("a: b\n")
    command = [SOPS, "encrypt", "--in-place", "--age", str(identity.to_public()), str(file)]
    subprocess.run(command, check=True)
    if keep:
        keys = work / ".config/sops/age/keys.txt"
        keys.parent.mkdir(parents=True)
        keys.write_text(f"{identity}\n")


def test_a_machine_with_little_on_it(work: Path) -> None:
    code, found = examined()
    assert code == 0
    assert found["tool", "sops"]["state"] == "ok"
    assert found["tool", "kubectl"]["detail"] == "not found; it looks at a cluster"
    assert found["keys", "values"]["state"] == "skipped"
    assert found["chart", "z2jh 4.4.0"]["state"] == "skipped"
    assert found["cluster", ""]["state"] == "skipped"


def test_keys_that_open_and_keys_that_do_not(work: Path) -> None:
    encrypted_for(work, "enc-ours.secret.values.yaml", keep=True)
    encrypted_for(work, "enc-theirs.secret.values.yaml", keep=False)
    (work / "values/enc-plain.secret.values.yaml").write_text("a: b\n")
    code, found = examined()
    assert code == 1
    assert found["keys", "values"]["detail"] == "1 encrypted files open"
    theirs = found["keys", "enc-theirs.secret.values.yaml"]
    assert theirs["detail"] == "no key at hand opens this file"
    assert "age1" in theirs["fix"]
    assert found["keys", "enc-plain.secret.values.yaml"]["detail"] == "is not encrypted"


def test_a_cluster_that_does_not_let_one_install(work: Path) -> None:
    kubectl(work, "echo ok")
    code, found = examined("--namespace", "hubs")
    assert code == 1
    assert found["cluster", "lab"]["state"] == "ok"
    assert found["permissions", "lab"]["detail"] == "you may not create secrets"


def test_a_cluster_that_does_not_answer(work: Path) -> None:
    kubectl(work, "exit 1")
    code, found = examined()
    assert code == 1
    assert found["cluster", "lab"]["detail"] == "does not answer"
    assert ("permissions", "lab") not in found


def test_the_chart_is_at_hand(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDHUB_CHART_CACHE", str(work))
    (work / "jupyterhub-4.4.0.tgz").touch()
    _, found = examined()
    assert found["chart", "z2jh 4.4.0"]["state"] == "ok"


def test_the_version_is_that_of_the_chart() -> None:
    from fedhub.release.chart import Z2JH

    chart = Path(__file__).parents[3] / "charts/fedhub/Chart.yaml"
    assert f"version: {Z2JH}\n" in chart.read_text()
