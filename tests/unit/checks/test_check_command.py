"""`fedhub check`: formats, exit codes, comments that silence, what it imports, what it shows."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from fedhub.checks.linter import check_hubs
from fedhub.checks.report import sarif_text

ROOT = Path(__file__).resolve().parents[3]
FINE = "hub: {config: {JupyterHub: {authenticator_class: tmp}}}\n"
WARNED = "hub: {config: {JupyterHub: {authenticator_class: dummy}}}\n"
WRONG = """\
hub:
  config:
    JupyterHub:
      authenticator_class: cilogon
    CILogonOAuthenticator:
      client_secret: s3cr3t
      idpz: {}
"""


def fedhub(*argv: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from fedhub.cli.main import main; main()", "check", *argv]
    return subprocess.run(
        command, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "values").mkdir()
    for name, text in (("fine", FINE), ("warned", WARNED), ("wrong", WRONG)):
        (tmp_path / "values" / f"{name}.values.yaml").write_text(text)
    return tmp_path


OF_THE_CHART = """\
global:
  fedhub:
    domain: hub.lab.org
    login: {staff: {authenticator: tmp}}
hub: {config: {}}
backup: {enabled: true, schedule: daily at three}
deployments: {notes: {image: {name: x}, prt: 1}}
monitoring: {serviceMonitor: {enable: true}}
jupyterhub: {}
"""


def test_what_the_chart_would_not_take_is_said_at_its_place(folder: Path) -> None:
    (folder / "values" / "ours.values.yaml").write_text(OF_THE_CHART)
    done = fedhub("ours", cwd=folder)
    assert done.returncode == 1
    found = [line.partition(": error: ")[::2] for line in done.stdout.splitlines()]
    assert [(place.partition(":")[2], said.partition(" [")[0]) for place, said in found] == [
        (
            "5:1",
            "unknown key hub; z2jh's own belong below jupyterhub; the keys there are global, "
            "jupyterhub, credentials, deployments, backup, monitoring",
        ),
        (
            "6:25",
            "backup.schedule: must be a schedule as cron has it, such as 15 3 * * *; correct it",
        ),
        ("7:15", "deployments.notes.port: is missing; add it"),
        ("7:23", "deployments.notes.image.tag: is missing; add it"),
        ("7:41", "unknown key deployments.notes.prt; did you mean port?"),
        ("8:31", "unknown key monitoring.serviceMonitor.enable; did you mean enabled?"),
    ]


def test_the_keys_of_another_chart_around_z2jhs_are_its_own(folder: Path) -> None:
    text = f"nfs: {{enabled: true}}\njupyterhub: {{{FINE.strip()}}}\n"
    (folder / "values" / "theirs.values.yaml").write_text(text)
    assert fedhub("theirs", cwd=folder).returncode == 0


# --- exit codes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["fine"], 0),
        (["warned"], 0),
        (["warned", "--strict"], 1),
        (["fine", "--strict"], 0),
        (["wrong"], 1),
        ([], 1),
        (["values/fine.values.yaml"], 0),
        (["nope"], 2),
        (["nope", "wrong"], 2),
        (["fine", "-f", "nope.yaml"], 2),
        (["fine", "--format", "xml"], 2),
        (["--explain", "stale-groups"], 0),
        (["--explain", "stale-group"], 2),
    ],
)
def test_exit_code(folder, argv, code):
    assert fedhub(*argv, cwd=folder).returncode == code


def test_a_file_that_is_no_yaml_is_a_problem_at_its_place(folder):
    (folder / "values" / "fine.values.yaml").write_text("hub:\n\tconfig: {}\n")
    done = fedhub("fine", "--format", "json", cwd=folder)
    (problem,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert (problem["id"], problem["line"], problem["column"]) == ("load", 2, 1)


def test_an_empty_folder_is_used_wrongly(tmp_path):
    done = fedhub(cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no hub to check" in done.stderr


# --- formats -----------------------------------------------------------------------------


def test_text_is_one_line_for_each_problem_and_a_summary_beside_it(folder):
    done = fedhub("wrong", cwd=folder)
    lines = done.stdout.splitlines()
    assert (
        "values/wrong.values.yaml:7:7: error: CILogonOAuthenticator has no trait idpz; "
        "did you mean idps? [unknown-trait]"
    ) in lines
    assert all(line.startswith("values/wrong.values.yaml:") for line in lines)
    assert done.stderr == f"{len(lines)} errors in 1 hub\n"


def test_json_has_the_keys_that_others_rely_on(folder):
    found = json.loads(fedhub("wrong", "--format", "json", cwd=folder).stdout)
    keys = ["id", "severity", "file", "line", "column", "path", "message", "fix"]
    assert [list(problem) for problem in found] == [keys] * len(found)
    assert {
        "id": "unknown-trait",
        "severity": "error",
        "file": "values/wrong.values.yaml",
        "line": 7,
        "column": 7,
        "path": "hub.config.CILogonOAuthenticator.idpz",
        "message": "CILogonOAuthenticator has no trait idpz",
        "fix": "did you mean idps?",
    } in found


def test_json_of_a_hub_that_is_fine_is_an_empty_list(folder):
    assert json.loads(fedhub("fine", "--format", "json", cwd=folder).stdout) == []


LEVELS = ["none", "note", "warning", "error"]
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "properties": {
                                                "shortDescription": {"required": ["text"]},
                                                "help": {"required": ["text"]},
                                                "defaultConfiguration": {
                                                    "properties": {"level": {"enum": LEVELS}}
                                                },
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["message"],
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": LEVELS},
                                "message": {"required": ["text"]},
                                "locations": {
                                    "items": {
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "properties": {
                                                            "uri": {"format": "uri-reference"}
                                                        }
                                                    },
                                                    "region": {
                                                        "additionalProperties": False,
                                                        "properties": {
                                                            "startLine": {"minimum": 1},
                                                            "startColumn": {"minimum": 1},
                                                        },
                                                    },
                                                },
                                            }
                                        }
                                    }
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}
"""The part of the SARIF 2.1.0 schema that readers need."""


def test_sarif_points_to_the_same_places(folder):
    sarif = json.loads(fedhub("wrong", "warned", "--format", "sarif", cwd=folder).stdout)
    jsonschema.validate(sarif, SARIF, format_checker=jsonschema.FormatChecker())
    problems = json.loads(fedhub("wrong", "warned", "--format", "json", cwd=folder).stdout)
    (run,) = sarif["runs"]
    rules = run["tool"]["driver"]["rules"]
    found = []
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        found.append(
            (
                result["ruleId"],
                place["artifactLocation"]["uri"],
                place["region"]["startLine"],
                place["region"]["startColumn"],
            )
        )
    assert found == [(p["id"], p["file"], p["line"], p["column"]) for p in problems]


def test_sarif_counts_columns_in_code_points_and_escapes_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = 'hub: {config: {"🙂é": {}, OAuthenticator: {idpz: 1}}}'
    Path("hüb 1.yaml").write_text(text)
    result = check_hubs(["hüb 1.yaml"])
    (run,) = json.loads(sarif_text(result.problems))["runs"]
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    trait = next(p for p, one in zip(places, run["results"], strict=True) if "idpz" in str(one))
    assert trait["artifactLocation"]["uri"] == "h%C3%BCb%201.yaml"
    assert trait["region"]["startColumn"] == text.index("idpz") + 1


# --- on a terminal -----------------------------------------------------------------------


def on_terminal(*argv: str, cwd: Path, **env: str) -> str:
    """Return what a command writes to a terminal."""
    master, slave = pty.openpty()
    command = [sys.executable, "-c", "from fedhub.cli.main import main; main()", "check", *argv]
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200", **env},
        stdout=slave,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(slave)
        written = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # the end of a terminal's output
                break
            if not part:
                break
            written += part
        process.wait()
    os.close(master)
    return written.decode().replace("\r\n", "\n")


def test_a_terminal_shows_the_line_and_a_caret(folder):
    text = on_terminal("wrong", cwd=folder, NO_COLOR="1")
    assert "    idpz: {}\n    ^\n" in text


def test_colours_only_on_a_terminal_that_wants_them(folder):
    assert "\x1b[1;31merror" in on_terminal("wrong", cwd=folder)
    assert "\x1b[1;31m" not in on_terminal("wrong", cwd=folder, NO_COLOR="1")
    assert "\x1b" not in fedhub("wrong", cwd=folder, FORCE_COLOR="1").stdout


def test_no_format_shows_a_secret(folder):
    assert "s3cr3t" not in on_terminal("wrong", cwd=folder)
    for output in ("text", "json", "sarif"):
        done = fedhub("wrong", "--format", output, cwd=folder)
        assert "plaintext-credential" in done.stdout
        assert "s3cr3t" not in done.stdout + done.stderr


# --- comments ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "silent"),
    [
        ("", "# fedhub: ignore unknown-trait", True),
        ("", "# fedhub: ignore unknown-trait, trait-type", True),
        ("", "#fedhub: ignore trait-type unknown-trait because of the mirror", True),
        ("# fedhub: ignore unknown-trait", "", True),
        ("# fedhub: ignore unknown-trait\n      # said twice", "", True),
        ("", "# fedhub: ignore trait-type", False),
        ("", "# ignore unknown-trait", False),
        ("enable_pkce: true  # fedhub: ignore unknown-trait", "", False),
    ],
)
def test_a_comment_silences_a_rule(check, before, after, silent):
    text = f"hub:\n  config:\n    OAuthenticator:\n      {before}\n      idpz: 1 {after}\n"
    found = {problem.id for problem in check(text).problems}
    assert ("unknown-trait" not in found) is silent


def test_a_comment_in_code_silences_a_rule(check):
    text = "hub:\n  extraConfig:\n    a: |\n      c.OAuthenticator.idpz = 1%s\n"
    assert "unknown-trait" in {p.id for p in check(text % "").problems}
    ignored = check(text % "  # fedhub: ignore unknown-trait").problems
    assert "unknown-trait" not in {p.id for p in ignored}


# --- several hubs ------------------------------------------------------------------------


def test_a_problem_of_the_common_file_is_told_once(check, tmp_path):
    check(FINE, common="hub: {config: {JupyterHub: {idpz: 1}}}")
    shutil.copy(tmp_path / "values/campus.values.yaml", tmp_path / "values/second.values.yaml")
    result = check_hubs([])
    assert result.hubs == 2
    assert [p.id for p in result.problems].count("unknown-trait") == 1


def test_files_that_belong_to_hubs_stand_for_them(check):
    check(FINE, common="custom: {}", secrets="custom: {}")
    for named in ("values/common.values.yaml", "values/enc-campus.secret.values.yaml"):
        assert check_hubs([named]).hubs == 1
        assert not check_hubs([named]).misused


def test_a_hub_named_twice_is_checked_once(check):
    check(FINE)
    assert check_hubs(["campus", "campus"]).hubs == 1


# --- the project's own examples ----------------------------------------------------------


@pytest.mark.parametrize("file", sorted(ROOT.glob("values/*.values.yaml")), ids=lambda f: f.stem)
def test_nothing_is_said_of_a_worked_example(file):
    assert check_hubs([str(file)]).problems == ()


def test_checking_imports_neither_the_hub_nor_the_terminals_colours():
    code = (
        "import sys; sys.argv = ['fedhub', 'check', 'campus']\n"
        "from fedhub.cli.main import app\n"
        "try: app()\n"
        "except SystemExit as done: assert not done.code\n"
        "print([m for m in ('jupyterhub', 'oauthenticator', 'traitlets', 'kubespawner', 'rich',"
        " 'tornado', 'ruamel', 'authlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
