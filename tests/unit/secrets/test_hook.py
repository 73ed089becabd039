"""The published hook, as pre-commit itself runs it on a repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fedhub.secrets.encrypt import encrypted
from tests.previews import FEDHUB, ROOT
from tests.unit.secrets.conftest import MINE, SECRET, SECRETS

PRE_COMMIT = str(Path(sys.executable).parent / "pre-commit")
PUBLISHED = ROOT / ".pre-commit-hooks.yaml"
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the hook; its own environment would need the network, so this one's."""
    if shutil.which("git") is None:
        pytest.skip("no git on this machine")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PRE_COMMIT_HOME", str(work.parent / "pre-commit"))
    hook: dict[str, Any] = yaml.safe_load(PUBLISHED.read_text())[0]
    hook |= {"language": "system", "entry": hook["entry"].replace("fedhub", FEDHUB, 1)}
    config = {"repos": [{"repo": "local", "hooks": [hook]}]}
    (work / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (work / "values").mkdir()
    run("git", "init", "--quiet")
    assert run(PRE_COMMIT, "install").returncode == 0
    return work


def commit() -> subprocess.CompletedProcess[str]:
    run("git", "add", "--all")
    return run(*GIT, "commit", "--message", "x")


def test_the_published_hook_is_valid() -> None:
    done = run(PRE_COMMIT, "validate-manifest", str(PUBLISHED))
    assert done.returncode == 0, done.stdout
    assert [hook["id"] for hook in yaml.safe_load(PUBLISHED.read_text())] == ["fedhub-secrets"]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("enc-x.secret.values.yaml", MINE, "values/enc-x.secret.values.yaml:1:1: error: "),
        ("enc-common.yml", "a: 1\n", "values/enc-common.yml:1:1: error: "),
        ("x.values.yaml", MINE, "values/x.values.yaml:5:45: error: client_secret is a credential"),
        ("values.yaml", f"db:\n  password: {SECRET}\n", "values/values.yaml:2:3: error: "),
    ],
)
def test_a_secret_in_plaintext_is_not_committed(
    repository: Path, name: str, text: str, place: str
) -> None:
    (repository / "values" / name).write_text(text)
    done = commit()
    assert done.returncode == 1
    assert place in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert run("git", "log").returncode != 0


def test_what_is_encrypted_is_committed(repository: Path) -> None:
    SECRETS.write_bytes(encrypted(MINE, SECRETS))
    (repository / "values/x.values.yaml").write_text("jupyterhub: {}\n")
    (repository / "values/notes.yaml").write_text(f"client_secret: {SECRET}\n")
    done = commit()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no secret in plaintext" in done.stdout + done.stderr


def test_what_is_staged_counts_not_what_was_mended_since(repository: Path) -> None:
    path = repository / "values/x.values.yaml"
    path.write_text(MINE)
    run("git", "add", "--all")
    path.write_text("jupyterhub: {}\n")
    done = run(*GIT, "commit", "--message", "x")
    assert done.returncode == 1
    assert "values/x.values.yaml:5:45: error: " in done.stdout + done.stderr
    assert path.read_text() == "jupyterhub: {}\n"
