"""What is expected of a hub's login, and how it differs from what is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fedhub.access.expectations import Expectations, expectations_text, read_expectations
from fedhub.access.persona import Persona
from fedhub.access.provider import Provider
from fedhub.access.report import Answer, Rule
from fedhub.errors import FedhubError, Position

PROVIDERS = [Provider("campus", "Campus", "oidc", ("GenericOAuthenticator",), "", {})]
RULE = Position("lab.values.yaml", 9, 3)


def persona(name: str) -> Persona:
    return Persona(name, "campus", "https://campus.example", "Campus", "", {"sub": name})


PERSONAS = [persona("campus-member"), persona("campus-outsider")]


def let_in(name: str, **more: Any) -> Answer:
    rules = (Rule("in", ("allow_all",), RULE),)
    about: dict[str, Any] = {"username": "ada", "groups": ("staff",), "admin": False} | more
    return Answer(persona(name), True, decided="rules", rules=rules, place=RULE, reason="", **about)


def kept_out(name: str) -> Answer:
    return Answer(persona(name), False, "", (), False, "nothing", (), RULE, "Ask somebody.")


def read(folder: Path, text: str) -> Expectations:
    file = folder / "expected.yaml"
    file.write_text(text)
    return read_expectations(file, PERSONAS, PROVIDERS)


def differences(folder: Path, text: str, *answers: Answer) -> list[str]:
    found = [str(one) for one in read(folder, text).differences(answers)]
    return [one.removeprefix(f"{folder}/") for one in found]


def test_what_is_as_expected_says_nothing(tmp_path: Path) -> None:
    text = """
personas:
  campus-member: {allowed: true, username: ada, groups: [staff], admin: false}
  campus-outsider: {allowed: false}
"""
    answers = [let_in("campus-member"), kept_out("campus-outsider")]
    assert differences(tmp_path, text, *answers) == []


@pytest.mark.parametrize(
    ("expected", "answer", "line"),
    [
        (
            "allowed: false",
            let_in("campus-member"),
            "expected to be kept out, and gets in as ada; look at allow_all at lab.values.yaml:9:3",
        ),
        (
            "allowed: true",
            kept_out("campus-member"),
            "expected to get in, and is kept out; look at the rules at lab.values.yaml:9:3",
        ),
        ("username: eve", let_in("campus-member"), "expected the user name eve, and is ada"),
        ("username: eve", kept_out("campus-member"), "expected the user name eve, and is kept out"),
        (
            "groups: [b, a]",
            let_in("campus-member", groups=("a", "c")),
            "expected to be in a, b, and is in a, c",
        ),
        (
            "groups: []",
            let_in("campus-member"),
            "expected to be in no group, and is in staff",
        ),
        (
            "admin: true",
            let_in("campus-member"),
            "expected to be an admin, and is none",
        ),
    ],
)
def test_a_difference_says_where_what_and_what_to_do(
    expected: str, answer: Answer, line: str, tmp_path: Path
) -> None:
    text = f"personas:\n  campus-member:\n    {expected}\n"
    (found,) = differences(tmp_path, text, answer)
    assert found.startswith(f"expected.yaml:3:5: campus-member: {line}")
    assert found.endswith("or change the expectation")


def test_an_admin_that_nobody_expected_is_shown_the_rule_that_makes_one(tmp_path: Path) -> None:
    made = Rule("admin", ("admin_users", "ada"), Position("lab.values.yaml", 12, 5))
    answer = let_in("campus-member", admin=True)
    answer = Answer(**{**vars(answer), "rules": (*answer.rules, made)})
    (found,) = differences(tmp_path, "personas: {campus-member: {admin: false}}", answer)
    assert "is an admin; look at admin_users: ada at lab.values.yaml:12:5" in found


def test_people_may_be_written_into_the_file(tmp_path: Path) -> None:
    text = """
people:
  - name: olga
    claims: {email: olga@lab.org, sub: "1"}
    expect: {allowed: true}
"""
    found = read(tmp_path, text)
    assert [(one.name, one.claims["email"]) for one in found.people] == [("olga", "olga@lab.org")]
    assert found.names == {"olga"}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("personas:\n  campus-membr: {allowed: true}", "2:3", "did you mean campus-member?"),
        ("persona:\n  x: {allowed: true}", "1:1", "did you mean personas?"),
        ("personas:\n  campus-member: {alowed: true}", "2:19", "did you mean allowed?"),
        ("personas:\n  campus-member: {allowed: maybe}", "2:19", "allowed is true or false"),
        ("personas:\n  campus-member: {admin: 1}", "2:19", "admin is true or false"),
        ("personas:\n  campus-member: {groups: staff}", "2:19", "groups is a list of names"),
        ("personas:\n  campus-member: {username: 7}", "2:19", "username is text"),
        ("personas:\n  campus-member: true", "2:3", "is a map"),
        ("personas: [a]", "1:1", "personas is a map"),
        ("people: {a: 1}", "1:1", "people is a list"),
        ("people:\n  - {claims: {a: b}}", "2:5", "a person without expect"),
        ("people:\n  - {expect: {allowed: true}}", "2:5", "a person without claims"),
        ("people:\n  - {claims: {}, expect: {allowed: true}}", "2:6", "claims are a map"),
        ("people:\n  - {cliams: {}, expect: {allowed: true}}", "2:6", "did you mean claims?"),
        (
            "people:\n  - {provider: x, claims: {a: b}, expect: {admin: true}}",
            "2:6",
            "no login provider x",
        ),
        (
            "people:\n  - {name: campus-member, claims: {a: b}, expect: {admin: true}}",
            "2:5",
            "there is another campus-member",
        ),
        ("", "1:1", "is a map, and not empty"),
        ("- a", "1:1", "an expectations file is a map of keys to values, and this is a list"),
        ("personas:\n\tx: 1", "2:1", "tab"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(
    text: str, where: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(FedhubError) as error:
        read(tmp_path, text)
    assert f"expected.yaml:{where}: " in str(error.value)
    assert what in str(error.value)


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(FedhubError) as error:
        read(tmp_path, "personas:\n  a: {allowed: true}\n  campus-member: {x: 1}\nmore: 1\n")
    assert [line.split(": ")[0].rpartition("/")[2] for line in str(error.value).splitlines()] == [
        "expected.yaml:2:3",
        "expected.yaml:3:19",
        "expected.yaml:4:1",
    ]


names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1
)
answers = st.builds(
    lambda allowed, username, groups, admin: (
        let_in("campus-member", username=username, groups=tuple(groups), admin=admin)
        if allowed
        else kept_out("campus-member")
    ),
    st.booleans(),
    names,
    st.lists(names, max_size=3),
    st.booleans(),
)


@given(answers)
def test_what_is_written_is_what_is(answer: Answer) -> None:
    import tempfile

    text = expectations_text([answer], hub="lab", file="e.yaml", personas=["campus-member"])
    with tempfile.TemporaryDirectory() as folder:
        assert differences(Path(folder), text, answer) == []


def test_people_who_are_no_personas_are_written_with_their_claims() -> None:
    text = expectations_text([let_in("olga")], hub="lab", file="e.yaml", personas=[])
    assert yaml.safe_load(text)["people"] == [
        {
            "name": "olga",
            "provider": "campus",
            "idp": "https://campus.example",
            "claims": {"sub": "olga"},
            "expect": {"allowed": True, "username": "ada", "groups": ["staff"], "admin": False},
        }
    ]
