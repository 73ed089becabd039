"""The command line: light to start, and right about its exit codes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fedhub

FEDHUB = str(Path(sys.executable).parent / "fedhub")
ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"rich", "pydantic", "flask", "authlib", "httpx", "ruamel", "jupyterhub", "yaml"}


def run(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FEDHUB, *argv], check=False, capture_output=True, text=True, env=os.environ | env
    )


def imported_by(*argv: str) -> set[str]:
    """Return the packages that a command has imported when it ends."""
    code = (
        "import sys; from fedhub.cli.main import main\n"
        "sys.argv[0] = 'fedhub'\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "there = [name for name, module in sys.modules.items() if module]\n"
        "print(*{name.partition('.')[0] for name in there}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], check=True, capture_output=True, text=True
    )
    return set(done.stderr.split())


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout == f"fedhub {fedhub.__version__}\n"


@pytest.mark.parametrize("argv", [["--version"], ["--help"]])
def test_starting_does_not_import_the_world(argv: list[str]) -> None:
    assert HEAVY & imported_by(*argv) == set()


def test_every_command_has_a_line_of_help() -> None:
    listed = run("--help").stdout.partition("Commands:")[2].strip().splitlines()
    assert [line.split()[0] for line in listed] == [
        *(
            "new",
            "check",
            "access",
            "run",
            "values",
            "render",
            "diff",
            "deploy",
            "verify",
            "doctor",
        ),
        *("idp", "register", "secrets", "service"),
    ]
    assert all(len(line.split()) > 3 for line in listed)
    assert [line for line in listed if line.endswith("...")] == []


@pytest.mark.parametrize("command", ["check", "access", "run", "idp run", "values"])
def test_help_speaks_of_files_and_addresses_not_of_types(command: str) -> None:
    text = run(*command.split(), "--help").stdout
    assert "--values FILE" in text
    assert "<list[Path]>" not in text
    assert "<int" not in text


@pytest.mark.parametrize(
    "argv",
    [
        ["--nonsense"],
        ["nonsense"],
        ["run"],
        ["run", "a", "--port", "x"],
        ["run", "a", "--port", "65536"],
        ["idp", "run", "--port", "-1"],
    ],
)
def test_a_wrong_use_exits_with_2(argv: list[str]) -> None:
    done = run(*argv)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


COMPLETE = {"_FEDHUB_COMPLETE": "complete_bash", "COMP_WORDS": "fedhub ch", "COMP_CWORD": "1"}


def test_completion_knows_the_commands() -> None:
    assert run(**COMPLETE).stdout.split() == ["check"]


def test_completion_knows_the_hubs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = run(**COMPLETE | {"COMP_WORDS": "fedhub run cu", "COMP_CWORD": "2"})
    assert done.stdout.split() == ["custos"]


def test_completion_knows_a_hubs_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = {"COMP_WORDS": "fedhub service test external-service g", "COMP_CWORD": "4"}
    assert run(**COMPLETE | words).stdout.split() == ["grafana"]
    words["COMP_WORDS"] = "fedhub service test nothing g"
    done = run(**COMPLETE | words)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")


def test_completion_offers_a_service_of_two_files_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "values").mkdir()
    declared = "{grafana: {oauth_redirect_uri: 'https://grafana.example.org/login'}}"
    for name in ("common", "x"):
        text = f"global: {{fedhub: {{services: {declared}}}}}\n"
        (tmp_path / "values" / f"{name}.values.yaml").write_text(text)
    words = {"COMP_WORDS": "fedhub service test x g", "COMP_CWORD": "4"}
    assert run(**COMPLETE | words).stdout.split() == ["grafana"]


def test_completion_does_not_import_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    assert HEAVY & imported_by() == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_shown_for_the_current_shell(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    # Not the last command, or the shell would take the place of its own process.
    command = f"'{FEDHUB}' --show-completion; true"
    done = subprocess.run([shell, "-c", command], check=True, capture_output=True, text=True)
    assert "_FEDHUB_COMPLETE" in done.stdout
