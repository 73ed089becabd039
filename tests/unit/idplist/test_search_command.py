"""`fedhub idp search` as people run it, and what it prints below a provider's `config`."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fedhub.checks.entity_ids import KNOWN, SOCIAL
from fedhub.checks.linter import check_hubs
from fedhub.hub import load_hub
from fedhub.idplist.bundled import bundled
from fedhub.idplist.entries import entry
from fedhub.idplist.show import yaml_text
from tests.previews import FEDHUB, ROOT
from tests.unit.cli.test_main import imported_by
from tests.unit.idplist.conftest import INDIANA, Cilogon


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [FEDHUB, "idp", "search", *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_one_institution_comes_with_the_lines_to_paste(cilogon: Cilogon) -> None:
    done = run("indiana", "univ", "--host", cilogon.host)
    assert done.returncode == 0
    table, _, snippet = done.stdout.partition("\n\n")
    assert table.splitlines()[1].split("  ") == [
        "Indiana University",
        "yes",
        "https://idp.iu.edu/idp/shibboleth",
    ]
    assert yaml.safe_load(snippet) == {
        "idps": {
            "https://idp.iu.edu/idp/shibboleth": {
                "username_derivation": {"username_claim": "eppn"},
                "allow_all": True,
            }
        }
    }
    assert f"3 institutions, fresh from {cilogon.host}/idplist/" in done.stderr
    again = run("indiana", "--host", cilogon.host)
    assert "kept here a moment ago" in again.stderr
    assert again.stdout == done.stdout


def test_several_are_a_table_and_on_request_lines_to_paste(cilogon: Cilogon) -> None:
    done = run("i", "--host", cilogon.host)
    assert len(done.stdout.splitlines()) == 3
    done = run("i", "--host", cilogon.host, "--format", "yaml")
    assert len(yaml.safe_load(done.stdout)["idps"]) == 2


def test_more_than_a_screen_is_counted(cilogon: Cilogon) -> None:
    cilogon.lists([INDIANA | {"EntityID": f"https://idp{i}.iu.edu"} for i in range(1000)])
    done = run("indiana", "--host", cilogon.host)
    assert len(done.stdout.splitlines()) == 26
    assert "and 975 more; add a word" in done.stderr
    done = run("indiana", "--host", cilogon.host, "--format", "json")
    assert len(json.loads(done.stdout)["found"]) == 1000


def test_json_says_which_list_answered(cilogon: Cilogon) -> None:
    done = run("lmu", "--host", cilogon.host, "--format", "json")
    said = json.loads(done.stdout)
    assert said["source"]["kind"] == "live"
    assert said["source"]["institutions"] == 3
    assert said["found"] == [
        {
            "entity_id": "https://lmuidp.lrz.de/idp/shibboleth",
            "name": "LMU",
            "organization": "Ludwig-Maximilians-Universität München",
            "rands": False,
            "hidden": False,
        }
    ]


def test_nothing_found_has_near_names_and_exits_with_1(cilogon: Cilogon) -> None:
    done = run("indianna", "--host", cilogon.host)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no institution has all of “indianna”; did you mean Indiana University?" in done.stderr
    done = run("indianna", "--host", cilogon.host, "--format", "json")
    assert done.returncode == 1
    assert [one["name"] for one in json.loads(done.stdout)["near"]] == ["Indiana University"]


def test_the_bundled_list_says_that_it_is_one() -> None:
    done = run("google", "--offline")
    assert done.returncode == 0
    assert f"only the {len(KNOWN)} institutions that fedhub knows by itself" in done.stderr
    assert "not asked (--offline)" in done.stderr
    done = run("indiana", "--offline")
    assert done.returncode == 1
    assert "look at https://cilogon.org/idplist/" in done.stderr


@pytest.mark.parametrize(
    "argv", [[], [" "], ["a", "--refresh", "--offline"], ["a", "--host", "http://cilogon.org"]]
)
def test_a_wrong_use_exits_with_2(argv: list[str]) -> None:
    done = run(*argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_terminal_is_safe_from_names(cilogon: Cilogon) -> None:
    cilogon.lists([INDIANA | {"DisplayName": "Evil\x1b]0;x\x07 \u202egro\nidps: {}", "x": 1}])
    done = run("evil", "--host", cilogon.host)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", done.stdout)
    assert list(yaml.safe_load(done.stdout.partition("\n\n")[2])["idps"]) == [INDIANA["EntityID"]]


def test_a_kept_list_is_searched_without_what_is_slow_to_load(
    cilogon: Cilogon, tmp_path: Path
) -> None:
    run("indiana", "--host", cilogon.host)
    search = ("idp", "search", "indiana", "--host", cilogon.host)
    heavy = {"pydantic", "rich", "httpx", "yaml", "jupyterhub", "flask"}
    assert imported_by(*search) & heavy == set()


# --- What is pasted --------------------------------------------------------------------------


def pasted(text: str, tmp_path: Path, *, whole: bool) -> str:
    """Put lines below the campus template's `config`, beside or in place of what is there."""
    template = (ROOT / "values/campus.values.yaml").read_text()
    start, rest = template.split("          idps:\n")
    if whole:
        rest = rest[rest.index("          admin_users:") :]
    lines = text.splitlines(keepends=True)
    (tmp_path / "values").mkdir(exist_ok=True)
    path = tmp_path / "values/campus.values.yaml"
    path.write_text(start + "".join(f"          {line}" for line in lines) + rest)
    return str(path)


@pytest.mark.parametrize("idp", [one for one in bundled() if one.entity_id not in SOCIAL][:3])
def test_an_institution_can_be_pasted_beside_the_templates(idp: object, tmp_path: Path) -> None:
    path = pasted(yaml_text([idp]), tmp_path, whole=False)  # type: ignore[list-item]
    assert check_hubs([path]).problems == ()
    assert len(load_hub(path).get("global", "fedhub", "login", "campus", "config", "idps")) == 3


def test_all_social_providers_can_be_pasted_in_place_of_the_templates(tmp_path: Path) -> None:
    listed = [*bundled(), entry(str(INDIANA["EntityID"]), "Indiana", "Indiana", rands=True)]
    social = [one for one in listed if one.entity_id in SOCIAL]
    path = pasted(yaml_text([listed[-1], *social]), tmp_path, whole=True)
    assert check_hubs([path]).problems == ()


def test_the_people_who_are_meant_get_in_under_their_names(tmp_path: Path) -> None:
    indiana = entry(str(INDIANA["EntityID"]), "Indiana", "Indiana", rands=True)
    social = [one for one in bundled() if one.entity_id in SOCIAL]
    named = ["github:583231", "microsoft:aaaa-1", "orcid:ada@uni.example.edu"]
    path = pasted(yaml_text([indiana, *social]), tmp_path, whole=True)
    admins = "admin_users:\n            - google:olga@staff.example.org"
    text = Path(path).read_text()
    assert admins in text
    also = "".join(f"\n            - {name}" for name in named)
    Path(path).write_text(text.replace(admins, admins + also))
    command = [FEDHUB, "access", path, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    people = json.loads(done.stdout)["people"]
    let_in = {one["username"] for one in people if one["allowed"]}
    assert {*named, "ada@iu.edu", "google:olga@staff.example.org"} <= let_in
    outside = {one["name"]: one["decided"] for one in people if "outsider" in one["name"]}
    # Their logins work, which they would not without the claim.
    assert outside == dict.fromkeys(outside, "nothing")
    assert len(outside) == len(social)


@given(st.text(min_size=1), st.text())
def test_any_entity_id_is_one_key_of_yaml(entity_id: str, name: str) -> None:
    shown = "".join(sign for sign in entity_id if sign.isprintable() and sign != " ") or "a"
    name = "".join(sign for sign in name if sign.isprintable())
    text = yaml_text([entry(shown, name, name, None), entry("urn:x:y", "Y", "Y", rands=True)])
    assert set(yaml.safe_load(text)["idps"]) == {shown, "urn:x:y"}


@given(st.sampled_from(["https://a.b/c:", "urn:a:b:", "https://a.b/#x", "https://a.b/%20?d=e&f=g"]))
def test_entity_ids_with_signs_that_mean_something_in_yaml(entity_id: str) -> None:
    text = yaml_text([entry(entity_id, "A", "A", None)])
    assert set(yaml.safe_load(text)["idps"]) == {entity_id}
