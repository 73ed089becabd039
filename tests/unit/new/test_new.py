"""`fedhub new` writes a hub that checks find nothing in, or nothing at all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pyrage
import pytest

from fedhub.hub import load_hub
from fedhub.new.template import LOGINS, SITUATIONS, filled, registering, template, yours
from tests.previews import FEDHUB, ROOT

TEMPLATES = [("--login", name) for name in LOGINS] + [("--template", name) for name in SITUATIONS]
ANSWERS = {
    "entity-id": "https://login.uni.edu/idp",
    "campus-domain": "uni.edu",
    "acme-email": "ops@uni.edu",
    "service-callback": "https://grafana.uni.edu/login/generic_oauth",
    "organization-and-team": "lab:operators",
    "admin": "olga",
    **{name: f"https://login.uni.edu/{name}" for name in ("iam-url", "authorize-url")},
    **{name: f"https://login.uni.edu/{name}" for name in ("token-url", "userinfo-url")},
}


def fedhub(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FEDHUB, *argv], capture_output=True, text=True, check=False)


def new(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FEDHUB, "new", *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def answers(option: str, name: str) -> list[str]:
    text = template(name, None) if option == "--login" else template(None, name)
    names = [one.name for one in yours(text) if one.name != "domain"]
    return [f"--set={one}={ANSWERS.get(one, 'some-' + one)}" for one in names]


def files(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


# --- what is next ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("cilogon", ["register create myhub"]),
        ("keycloak", ["register create myhub"]),
        ("custos", ["register tenant request myhub"]),
        ("github", []),
        ("google", []),
    ],
)
def test_only_a_command_that_can_register_the_hub_is_named(name: str, commands: list[str]) -> None:
    said = registering(template(name, None), "myhub")
    assert re.findall("`fedhub ([^`]*)`", said) == commands
    assert "callback URL" in said


# --- templates --------------------------------------------------------------------------------


def test_every_file_of_values_is_a_template_or_plain_z2jh() -> None:
    names = {one.name.removesuffix(".values.yaml") for one in (ROOT / "values").iterdir()}
    assert names == {*LOGINS.values(), *SITUATIONS, "z2jh-custos"}


@pytest.mark.parametrize("path", sorted((ROOT / "values").iterdir()), ids=lambda path: path.name)
def test_a_mark_is_one_that_is_found_and_an_operator_reads_why(path: Path) -> None:
    text = path.read_text()
    lines = [text.splitlines()[one.line - 1] for one in yours(text)]
    assert {line.split("# yours: ")[1] for line in lines} == set(re.findall(r"# yours: (.*)", text))
    assert text.startswith("# ")


@pytest.mark.parametrize("path", sorted((ROOT / "values").iterdir()), ids=lambda path: path.name)
def test_checks_find_nothing_in_a_file_of_values(path: Path) -> None:
    done = fedhub("check", "--strict", str(path))
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("option", "name"), TEMPLATES)
def test_a_filled_in_hub_is_whole(work: Path, option: str, name: str) -> None:
    done = new("myhub", option, name, "--domain", "hub.uni.edu", *answers(option, name))
    assert done.returncode == 0, done.stderr
    assert "still to fill in" not in done.stderr
    check = fedhub("check", "--strict", "myhub")
    assert (check.returncode, check.stdout) == (0, "")
    text = (work / "values/myhub.values.yaml").read_text()
    assert "domain: hub.uni.edu\n" in text
    assert "example." not in re.sub(r"#.*", "", text)
    assert text.splitlines()[0].startswith("# ")
    again = fedhub("secrets", "generate", "myhub")
    assert (again.returncode, again.stdout) == (0, "")


def test_a_name_that_may_be_somebodys_is_not_left_in(work: Path) -> None:
    """The organisation `example-lab` and the user `olga` of GitHub are not the operator's."""
    done = new("myhub", "--login", "github", "--domain", "hub.uni.edu")
    assert "values/myhub.values.yaml:13: still to fill in: organization" in done.stderr
    config = load_hub("myhub").get("global", "fedhub", "login", "github", "config")
    assert config["allowed_organizations"] == ["<organization>"]
    assert config["admin_users"] == ["<admin>"]
    check = fedhub("check", "myhub")
    assert check.returncode == 1
    assert check.stdout.count("[placeholder]") == 2


def test_an_answer_is_quoted_where_yaml_asks_for_it() -> None:
    text = filled("a: x # yours: b\n", {"b": "y: #1"})
    assert text == 'a: "y: #1"\n'


# --- the keys ---------------------------------------------------------------------------------


def test_the_keys_are_encrypted_private_and_of_32_bytes(work: Path) -> None:
    new("myhub", "--template", "external-service", "--domain", "hub.uni.edu")
    path = work / "values/enc-myhub.secret.values.yaml"
    assert path.stat().st_mode & 0o777 == 0o600
    hub = load_hub("myhub")
    config = hub.get("jupyterhub", "hub", "config")
    keys = [
        config["JupyterHub"]["cookie_secret"],
        *config["CryptKeeper"]["keys"],
        config["ConfigurableHTTPProxy"]["auth_token"],
        hub.get("global", "fedhub", "services", "grafana", "api_token"),
    ]
    assert len({*keys}) == 4
    assert all(len(bytes.fromhex(key)) == 32 for key in keys)
    held = [one for one in work.parent.rglob("*") if one.is_file()]
    assert not [one for one in held for key in keys if key.encode() in one.read_bytes()]


def test_rules_of_sops_say_whom_it_is_for(work: Path) -> None:
    other = pyrage.x25519.Identity.generate()
    rule = f"creation_rules:\n  - path_regex: values/enc-.*\n    age: {other.to_public()}\n"
    (work / ".sops.yaml").write_text(rule)
    assert new("myhub", "--login", "github", "--domain", "hub.uni.edu").returncode == 0
    text = (work / "values/enc-myhub.secret.values.yaml").read_text()
    assert re.findall("recipient: (.*)", text) == [str(other.to_public())]


def test_rules_beside_the_file_win_over_those_of_the_working_folder(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the keys of one team's hub could be read by another team, and not by their own."""
    teams = {name: str(pyrage.x25519.Identity.generate().to_public()) for name in ("here", "there")}
    for name, key in teams.items():
        (work / name / "values").mkdir(parents=True)
        (work / name / ".sops.yaml").write_text(f"creation_rules:\n  - age: {key}\n")
    hub = "global: {fedhub: {domain: hub.uni.edu}}\n"
    (work / "there/values/myhub.values.yaml").write_text(hub)
    monkeypatch.chdir(work / "here")
    assert fedhub("secrets", "generate", "../there/values/myhub.values.yaml").returncode == 0
    text = (work / "there/values/enc-myhub.secret.values.yaml").read_text()
    assert re.findall("recipient: (.*)", text) == [teams["there"]]


def test_without_a_key_nothing_is_written(nobody: Path) -> None:
    done = new("myhub", "--login", "github", "--domain", "hub.uni.edu")
    assert done.returncode == 1
    assert "there is no key to encrypt values/enc-myhub" in done.stderr
    assert "age-keygen -o" in done.stderr
    assert list(nobody.iterdir()) == []


def test_without_a_key_the_values_alone_can_be_had(nobody: Path) -> None:
    done = new("myhub", "--login", "github", "--domain", "hub.uni.edu", "--no-secrets")
    assert done.returncode == 0
    assert files(nobody) == ["values/myhub.values.yaml"]


# --- never over what is there; both or none -----------------------------------------------------


def test_a_hub_that_is_there_stays(work: Path) -> None:
    (work / "values").mkdir()
    (work / "values/myhub.values.yaml").write_text("a: 1\n")
    done = new("myhub", "--login", "github", "--domain", "hub.uni.edu")
    assert done.returncode == 2
    assert "values/myhub.values.yaml is there already" in done.stderr
    assert (work / "values/myhub.values.yaml").read_text() == "a: 1\n"
    assert files(work) == ["values/myhub.values.yaml"]


KILLED = """
import os, sys
from fedhub.cli.main import main
calls = 0
def dying(name, real):
    def call(*a, **k):
        global calls
        calls += 1
        if calls == int(os.environ["AT"]):
            os._exit(137)
        return real(*a, **k)
    setattr(os, name, call)
for name in ("link", "fsync", "fchmod", "unlink", "mkdir"):
    dying(name, getattr(os, name))
sys.argv[0] = "fedhub"
main()
"""


def test_killed_at_any_instant_the_same_command_completes_it(work: Path) -> None:
    argv = ["new", "myhub", "--login", "github", "--domain", "hub.uni.edu"]
    killed = 0
    for at in range(1, 100):
        env = os.environ | {"AT": str(at)}
        done = subprocess.run(
            [sys.executable, "-c", KILLED, *argv], env=env, stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode != 137:
            break
        killed += 1
        values = work / "values/myhub.values.yaml"
        secrets = work / "values/enc-myhub.secret.values.yaml"
        before = secrets.read_bytes() if secrets.exists() else None
        if not values.exists():
            assert new(*argv[1:]).returncode == 0
        hub = load_hub("myhub")
        assert hub.get("jupyterhub", "hub", "config", "CryptKeeper", "keys")
        assert before in (None, secrets.read_bytes())
        for one in (work / "values").iterdir():
            one.unlink()
        (work / "values").rmdir()
    assert done.returncode == 0
    assert killed >= 8


# --- how it is used -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--login", "github"], "--domain is missing"),
        (["--domain", "a.b"], "one of --login and --template"),
        (["--domain", "a.b", "--login", "gitub"], "no template for --login gitub; choose one of"),
        (["--domain", "a.b", "--login", "github", "--template", "gitops"], "leave one of them out"),
        (["--domain", "https://a.b", "--login", "github"], "must be a host name alone"),
        (["--domain", "a.b", "--login", "github", "--set", "org=x"], "it has domain, organization"),
        (["--domain", "a.b", "--login", "github", "--set", "x"], "write --set NAME=VALUE"),
        (["--domain", "a.b", "--login", "github", "--set", "admin=a\nb"], "not one line"),
    ],
)
def test_where_nobody_can_be_asked_a_wrong_use_is_one_line(
    work: Path, argv: list[str], says: str
) -> None:
    done = new("myhub", *argv)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert files(work) == []


@pytest.mark.parametrize("name", ["../x", "common", "enc-myhub.secret", "enc x", ".x", "X", ""])
def test_a_name_that_is_none(work: Path, name: str) -> None:
    done = new(name, "--login", "github", "--domain", "a.b")
    assert done.returncode == 2
    assert "can't be a hub's name" in done.stderr


def test_a_dry_run_prints_and_writes_nothing(work: Path) -> None:
    done = new("myhub", "--login", "github", "--domain", "hub.uni.edu", "--dry-run")
    assert "domain: hub.uni.edu\n" in done.stdout
    assert list(work.iterdir()) == []


def test_what_was_made_as_data(work: Path) -> None:
    done = new("myhub", "--login", "google", "--domain", "hub.uni.edu", "--format", "json")
    assert json.loads(done.stdout) == {
        "values": "values/myhub.values.yaml",
        "secrets": "values/enc-myhub.secret.values.yaml",
        "left": [
            {"name": "workspace-domain", "example": "staff.example.org", "line": 14},
            {"name": "admin", "example": '"<admin>"', "line": 18},
        ],
    }


def test_on_a_terminal_it_asks_for_what_is_missing_until_it_is_right(work: Path) -> None:
    child = pexpect.spawn(FEDHUB, ["new", "myhub"], encoding="utf-8", timeout=30)
    for question, answer in [
        ("login .such as cilogon, custos, github, google, keycloak", "gitub"),
        ("choose one of(?s:.*)login .such", "github"),
        ("domain", "https://hub"),
        ("must be a host name(?s:.*)domain .such", "hub.uni.edu"),
        ("Enter alone leaves(?s:.*)organization .such as example-lab", "my-lab"),
        ("admin .such as olga", ""),
    ]:
        child.expect(question)
        child.sendline(answer)
    child.expect("still to fill in: admin")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    text = (work / "values/myhub.values.yaml").read_text()
    assert "- my-lab\n" in text
    assert '- "<admin>" # yours: admin\n' in text


def test_a_shell_completes_providers_and_templates() -> None:
    env = os.environ | {"_FEDHUB_COMPLETE": "complete_bash", "COMP_CWORD": "4"}
    env["COMP_WORDS"] = "fedhub new x --login g"
    done = subprocess.run([FEDHUB], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["github", "google"]
