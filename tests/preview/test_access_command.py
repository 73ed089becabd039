"""`fedhub access`, from the command line to what it prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.previews import EXAMPLES, FEDHUB, ROOT

CAMPUS = "https://idp.uni.example.edu/idp/shibboleth"
GOOGLE = "http://google.com/accounts/o8/id"
SECRET = "s3cret-that-nobody-must-see"
FIRST = "values/campus.values.yaml"


def access(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FEDHUB, "access", *argv],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | env,
    )


def data(*argv: str) -> dict[str, Any]:
    done = access(*argv, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def people(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {person["name"]: person for person in found["people"]}


@pytest.mark.parametrize("hub", EXAMPLES)
def test_every_example_lets_somebody_in_by_a_rule_of_its_file(hub: str) -> None:
    found = data(hub)
    let_in = [person for person in found["people"] if person["allowed"]]
    assert let_in
    for person in let_in:
        for rule in person["rules"]:
            line = (ROOT / rule["file"]).read_text().splitlines()[rule["line"] - 1]
            assert str(rule["path"][-1]).lower() in line.lower()


def test_the_table_shows_who_gets_in_and_by_which_line() -> None:
    done = access("campus", COLUMNS="200")
    assert done.returncode == 0
    rows = {line.split()[0]: re.split(r"\s{2,}", line) for line in done.stdout.splitlines() if line}
    assert rows["example-member"][1:4] == ["example.edu", "yes", "ada"]
    assert rows["example-member"][-1].strip() == f"{FIRST}:21:15"
    assert "no rule lets in" in rows["google-outsider"]
    assert "institution not in idps" in rows["elsewhere-namesake"]


def test_a_narrow_terminal_gets_paragraphs_without_broken_places() -> None:
    out = access("campus", COLUMNS="60").stdout
    assert f"{FIRST}:28:19: idps allowed_domains: staff.example.org\n" in out


def test_somebody_given_by_an_address_is_shown_alone() -> None:
    found = data("campus", "--idp", GOOGLE, "--email", "olga@staff.example.org")
    (person,) = found["people"]
    assert (person["username"], person["admin"]) == ("google:olga@staff.example.org", True)
    effects = {(rule["effect"], rule["path"][0]) for rule in person["rules"]}
    assert effects == {("in", "idps"), ("in", "admin_users"), ("admin", "admin_users")}


CUSTOS = "custos, config: {custos_url: 'https://custos.example.org', flavour: legacy"
KEYCLOAK = "keycloak, config: {realm: lab"


@pytest.mark.parametrize("behind", [CUSTOS, KEYCLOAK])
def test_a_foreign_institution_is_out_behind_custos_and_keycloak(
    behind: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.values.yaml"
    traits = (
        f"iam_url: 'https://iam.example.org/auth', allow_all: true, idps: [{CAMPUS}, 'urn:x:y']"
    )
    login = f"login: {{lab: {{authenticator: {behind}, {traits}}}}}}}"
    file.write_text(f"global: {{fedhub: {{domain: hub.example.org, {login}}}}}")
    asked = (str(file), "--email", "ada@uni.example.edu", "--idp")
    (at_home,) = data(*asked, CAMPUS)["people"]
    assert (at_home["allowed"], at_home["idp"], at_home["claims"]["idp"]) == (True, CAMPUS, CAMPUS)
    (foreign,) = data(*asked, "https://idp.evil.example.edu/idp/shibboleth")["people"]
    assert (foreign["allowed"], foreign["rules"][0]["path"]) == (False, ["idps"])


def test_people_of_a_file_stand_beside_the_personas_on_demand(tmp_path: Path) -> None:
    file = tmp_path / "claims.json"
    claims = [{"idp": CAMPUS, "eppn": "eve@uni.example.edu"}, {"idp": CAMPUS, "email": "a@b.c"}]
    file.write_text(json.dumps(claims))
    assert set(people(data("campus", "--claims", str(file)))) == {"eve@uni.example.edu", "a@b.c"}
    found = people(data("campus", "--claims", str(file), "--all"))
    assert found["eve@uni.example.edu"]["username"] == "eve"
    assert "example-member" in found
    # Without the claim that becomes the user name there is no user.
    assert (found["a@b.c"]["allowed"], found["a@b.c"]["decided"]) == (False, "code")


def test_expectations_are_written_and_held(tmp_path: Path) -> None:
    file = str(tmp_path / "expected.yaml")
    assert access("campus", "--write-expectations", file).returncode == 0
    done = access("campus", "--expect", file)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "5 people as expected\n"
    assert access("campus", "--write-expectations", file).returncode == 2


def test_a_difference_is_said_at_its_line_and_exits_with_1(tmp_path: Path) -> None:
    file = tmp_path / "expected.yaml"
    file.write_text(
        "personas:\n  google-admin:\n    admin: false\n  google-member: {username: x}\n"
    )
    done = access("campus", "--expect", str(file))
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{file}:3:5: google-admin: expected to be no admin, and is an admin; ")
    assert f"{FIRST}:30:15" in first
    assert second.startswith(f"{file}:4:19: google-member: expected the user name x, and is google")
    assert "2 differences in 2 people; nothing is expected of example-member" in done.stderr
    as_json = access("campus", "--expect", str(file), "--format", "json")
    assert as_json.returncode == 1
    differences = json.loads(as_json.stdout)["differences"]
    assert [(one["key"], one["expected"], one["found"], one["line"]) for one in differences] == [
        ("admin", False, True, 3),
        ("username", "x", "google:ada@staff.example.org", 4),
    ]


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["nothere"], 2, "there is no hub nothere"),
        (["campus", "--provider", "campus"], 2, "--provider says where one person signs in"),
        (["campus", "--provider", "campsu", "--email", "a@b.c"], 2, "did you mean campus?"),
        (["campus", "--email", "a@b.c"], 2, "add --idp ENTITY_ID"),
        (["two-providers", "--email", "a@b.c"], 2, "say which: students, staff"),
        (["campus", "--claims", "no.json"], 2, "no file no.json; correct the path given with --cl"),
        (["campus", "--expect", "no.yaml"], 2, "no file no.yaml; correct the path given with --ex"),
        (["campus", "--claims", "values"], 1, "values:1:1: this is a folder; name a claims file"),
        (["campus", "--format", "xml"], 2, "xml"),
    ],
)
def test_what_goes_wrong_is_one_message(argv: list[str], code: int, words: str) -> None:
    done = access(*argv)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


PLAIN = "hub:\n  config:\n    JupyterHub:\n      authenticator_class: "


@pytest.mark.parametrize(
    ("values", "line", "words"),
    [
        (
            f"{PLAIN}github\n    GitHubOAuthenticator:\n      allowed_users: 5\n",
            "6:22",
            "allowed_users takes a list, and this is a number; write it as a list",
        ),
        (
            "global:\n  fedhub:\n    domain: hub.example.org\n    login:\n      campus:\n"
            "        authenticator: cilogn\n        config: {allow_all: true}\n",
            "6:24",
            "did you mean cilogon?",
        ),
        (
            f"{PLAIN}cilogon\n    CILogonOAuthenticator:\n      allow_all: true\n      idps:\n"
            "        urn:x:y:\n          username_derivation: {username_claim: email}\n"
            "          bogus: 1\n",
            "10:11",
            "there is no setting bogus; the keys there are username_derivation",
        ),
        (
            "global:\n  fedhub:\n    domain: hub.example.org\n    login:\n      campus:\n"
            "        authenticator: ours.Own\n        config: {allow_all: true}\n",
            "6:24",
            "the authenticator 'ours.Own' can't be loaded",
        ),
        (f"{PLAIN}ours.Own\n", "4:28", "'ours.Own' could not be imported"),
        (
            f"{PLAIN}github\n  extraConfig:\n    a: |\n      c.Authenticator.admin_users = 5\n",
            "7:37",
            "admin_users takes a list, and this is a number",
        ),
        (
            "global:\n  fedhub:\n    domian: hub.example.org\n",
            "3:5",
            "did you mean domain?",
        ),
        (
            f"{PLAIN}cilogon\n",
            "4:7",
            "CILogon lists no institution, so nobody can get in there; list",
        ),
    ],
)
def test_what_keeps_a_hub_from_being_configured_has_its_place(
    values: str, line: str, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(values)
    done = access(str(file))
    assert (done.returncode, done.stdout) == (1, "")
    (said,) = [one for one in done.stderr.splitlines() if words in one]
    assert said.startswith(f"{file}:{line}: ")
    assert "fedhub run" not in done.stderr
    assert "Traceback" not in done.stderr


def test_of_several_providers_the_one_that_lists_nobody_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(
        "global:\n  fedhub:\n    domain: hub.example.org\n    login:\n"
        "      campus: {authenticator: cilogon, config: {allow_all: true}}\n"
        "      staff: {authenticator: github, config: {allow_all: true}}\n"
    )
    done = access(str(file), COLUMNS="40")
    said = f"{file}:5:7: CILogon (campus) lists no institution, so nobody can get in there"
    assert done.returncode == 0
    assert said in done.stderr
    assert "github-member" in done.stdout
    asked = access(str(file), "--provider", "campus", "--email", "a@b.c")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert said in asked.stderr


def test_an_unknown_persona_is_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "expected.yaml"
    file.write_text("personas:\n  google-memebr: {allowed: true}\n")
    done = access("campus", "--expect", str(file))
    assert done.returncode == 2
    assert f"{file}:2:3: this hub has no persona google-memebr; did you mean google-member?" in (
        done.stderr
    )


HUB = f"""
hub:
  config:
    JupyterHub: {{authenticator_class: github}}
    GitHubOAuthenticator:
      client_id: an-id
      client_secret: {SECRET}
      admin_users: [olga]
  extraConfig:
    hook: |
      async def hook(authenticator, handler, model):
          if model["name"] == "olga":
              raise RuntimeError("{SECRET}")
          return model
      c.Authenticator.post_auth_hook = hook
  extraFiles:
    more:
      mountPath: /usr/local/etc/jupyterhub/jupyterhub_config.d/more.py
      stringData: c.GitHubOAuthenticator.allowed_users = {{"ada"}}
"""


@pytest.mark.parametrize("output", ["text", "json", "html"])
def test_files_that_the_pod_loads_count_and_no_secret_is_shown(output: str, tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(HUB)
    done = access(str(file), "--format", output)
    assert done.returncode == 0, done.stderr
    assert "github-allowed" in done.stdout
    assert ("keeps this person out" if output == "html" else "post_auth_hook") in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert not list(Path(tmp_path).glob("fedhub-*"))


def test_code_that_fails_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text("hub:\n  extraConfig:\n    a: |\n      import os\n      1 / 0\n")
    done = access(str(file))
    assert done.returncode == 1
    assert done.stderr.startswith(f"{file}:5:7: ")
    assert "ZeroDivisionError" in done.stderr


def test_why_a_claim_did_not_come_and_where_the_name_failed_is_said(tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(
        f"{PLAIN}generic-oauth\n    GenericOAuthenticator:\n      allow_all: true\n"
        "      scope: [openid]\n      username_claim: email\n"
        + "".join(
            f"      {one}_url: https://sso.example.org/{one}\n"
            for one in ("authorize", "token", "userdata")
        )
    )
    (person,) = data(str(file), "--email", "ada@x.org")["people"]
    assert (person["allowed"], person["place"]["line"]) == (False, 8)
    assert person["notes"] == ["email is not sent: scope lacks email"]
    assert "note: ada@x.org: email is not sent: scope lacks email" in (
        access(str(file), "--email", "ada@x.org").stderr
    )


OWN = """
hub:
  config:
    GenericOAuthenticator:
      allow_all: true
      authorize_url: https://sso.example.org/authorize
      token_url: https://sso.example.org/token
      userdata_url: https://sso.example.org/userinfo
  extraFiles:
    own:
      mountPath: /usr/local/etc/jupyterhub/ours.py
      stringData: |
        from oauthenticator.generic import GenericOAuthenticator
        class Ours(GenericOAuthenticator):
            def user_info_to_username(self, user_info):
                return user_info["sub"]
  extraConfig:
    own: |
      from ours import Ours
      c.JupyterHub.authenticator_class = Ours
"""


def test_a_module_that_the_pod_finds_beside_its_configuration_is_found(tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(OWN)
    (person,) = data(str(file), "--claim", "sub=7")["people"]
    assert person["username"] == "7"


def test_without_an_oauth_provider_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text("hub: {config: {JupyterHub: {authenticator_class: dummy}}}")
    done = access(str(file))
    assert (done.returncode, done.stdout) == (0, "")
    assert "DummyAuthenticator is no OAuth provider" in done.stderr
    assert access(str(file), "--email", "a@b.c").returncode == 2
