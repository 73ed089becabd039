"""People given by claims in a file, or by options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedhub.access.claims_file import people_in
from fedhub.access.people import somebody, with_own_names
from fedhub.access.persona import Persona
from fedhub.access.provider import Provider
from fedhub.errors import FedhubError, UsageError

CAMPUS = "https://idp.uni.example.edu/idp/shibboleth"
GOOGLE = "http://google.com/accounts/o8/id"
EVIL = "https://idp.evil.example.edu/idp/shibboleth"


def provider(name: str = "campus", face: str = "cilogon", **traits: Any) -> Provider:
    classes = {"google": "GoogleOAuthenticator"}
    return Provider(
        name, name, "oidc" if face == "google" else face, (classes.get(face, ""),), "", traits
    )


ONE = [provider(idps={CAMPUS: {}, GOOGLE: {}})]
TWO = [*ONE, provider("staff", "github")]
CLAIMS = ["idp", "identity_provider"]
CUSTOS = [provider(face="custos", idps=[CAMPUS, GOOGLE], idp_claims=CLAIMS)]
BROKERS = [provider(face="keycloak", idps=["uni-saml"], idp_claims=["identity_provider"])]


def read(folder: Path, text: str, providers: list[Provider] = ONE) -> list[Persona]:
    file = folder / "claims.json"
    file.write_text(text)
    return people_in(file, providers)


def test_plain_claims_are_a_person(tmp_path: Path) -> None:
    (person,) = read(tmp_path, json.dumps({"email": "ada@lab.org", "idp": CAMPUS}))
    assert (person.name, person.provider, person.idp) == ("ada@lab.org", "campus", CAMPUS)
    assert person.claims == {"email": "ada@lab.org", "idp": CAMPUS}


def test_a_list_mixes_both_forms(tmp_path: Path) -> None:
    entry = {"name": "olga", "provider": "staff", "claims": {"preferred_username": "olga"}}
    claims = {"provider": "campus", "idp": GOOGLE, "claims": {"email": "eve@lab.org"}}
    people = read(tmp_path, json.dumps([entry, claims]), TWO)
    assert [(one.name, one.provider, one.idp_name) for one in people] == [
        ("olga", "staff", "GitHub"),
        ("eve@lab.org", "campus", "Google"),
    ]


def test_a_name_may_hold_any_character(tmp_path: Path) -> None:
    claims = {"email": "a@b.c", "idp": CAMPUS, "name": "Ada \N{ROCKET}", "n": 1}
    (person,) = read(tmp_path, json.dumps(claims))
    assert person.claims["name"] == "Ada \N{ROCKET}"


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ('{"email": }', ":1:11: ", "not JSON: Expecting value"),
        ('[\n\t{"idp": "urn:x:y"},\n\t7\n]', ":3:2: ", "nobody's claims"),
        ('{"claims": {"email": "x"},\n "providr": "x"}', ":2:2: ", "did you mean provider?"),
        ('{"claims": {"email": "x"},\n "provider": "campsu"}', ":2:2: ", "did you mean campus?"),
        ('{"claims": {"email": "x"},\n "idp": 7}', ":2:2: ", "idp is text"),
        ('{"provider": "campus",\n "claims": []}', ":2:2: ", "claims are a map"),
        ("{}", ":1:1: ", "claims are a map"),
        ('\n\n["x", {"email": "\\ud83d\\ude80"}]', ":3:2: ", "nobody's claims"),
        ("7", ":1:1: ", "nobody's claims"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(
    text: str, where: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(FedhubError) as error:
        read(tmp_path, text)
    assert f"claims.json{where}" in str(error.value)
    assert what in str(error.value)


def test_with_several_providers_a_file_must_say_which(tmp_path: Path) -> None:
    with pytest.raises(FedhubError, match=r":1:2: .*several login providers; say which: campus, s"):
        read(tmp_path, '[{"email": "a@b.c"}]', TWO)


@pytest.mark.parametrize(
    ("providers", "text", "where", "what"),
    [
        (ONE, '[\n{"email": "a@b.c"}]', ":2:1: ", "at which institution the person signs in"),
        (ONE, '{"claims": {"email": "x"},\n "idp": "garbage"}', ":2:2: ", "is no entity ID"),
        (
            CUSTOS,
            f'{{"claims": {{"sub": "1", "idp": "{CAMPUS}"}},\n "idp": "{EVIL}"}}',
            ":2:2: ",
            "the claim idp says",
        ),
        (
            [TWO[1]],
            f'{{"claims": {{"sub": "1"}},\n "idp": "{CAMPUS}"}}',
            ":2:2: ",
            "no institutions",
        ),
    ],
)
def test_an_institution_is_asked_for_and_never_only_a_label(
    providers: list[Provider], text: str, where: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(FedhubError) as error:
        read(tmp_path, text, providers)
    assert f"claims.json{where}" in str(error.value)
    assert what in str(error.value)


def test_an_institution_beside_the_claims_is_sent_with_them(tmp_path: Path) -> None:
    (person,) = read(tmp_path, json.dumps({"idp": EVIL, "claims": {"sub": "1"}}), CUSTOS)
    assert (person.idp, person.claims) == (EVIL, {"sub": "1", "idp": EVIL})


def test_who_is_written_as_an_expectation_is_read_again(tmp_path: Path) -> None:
    (person,) = read(tmp_path, '{"idp": "https://github.com", "claims": {"sub": "1"}}', [TWO[1]])
    assert (person.idp, person.claims) == ("https://github.com", {"sub": "1"})


def test_a_file_of_nobody_is_no_question(tmp_path: Path) -> None:
    with pytest.raises(FedhubError, match=r"claims.json:1:1: this file holds nobody's claims"):
        read(tmp_path, "[]")


@pytest.mark.parametrize(
    ("text", "where", "line"),
    [
        ('{"email": "a@b.c", "email": "d@e.f"}', ":1:20: ", "line 1"),
        ('[\n{"claims": {"sub": "1",\n "sub": "2"}}]', ":3:2: ", "line 2"),
        ('{"a": "\\ud83d\\ude80",\n"a": 1}', ":2:1: ", "line 1"),
    ],
)
def test_a_claim_that_stands_twice_is_refused(
    text: str, where: str, line: str, tmp_path: Path
) -> None:
    with pytest.raises(FedhubError) as error:
        read(tmp_path, text)
    assert f"claims.json{where}" in str(error.value)
    assert f"stands twice in the same map, first in {line}" in str(error.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below),
    max_leaves=8,
)


@given(st.one_of(json_values.map(json.dumps), st.text(max_size=30)))
def test_any_file_is_read_or_refused_with_a_place(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "claims.json"
        file.write_text(text, encoding="utf-8", newline="")
        try:
            people = people_in(file, [provider(idps={CAMPUS: {}})])
        except FedhubError as error:
            assert error.position is not None
        else:
            assert all(isinstance(person.claims, dict) for person in people)


# --- Options ------------------------------------------------------------------------------


def from_options(
    providers: list[Provider],
    *,
    provider: str | None = None,
    idp: str | None = None,
    email: str | None = None,
    claims: tuple[str, ...] = (),
) -> Persona:
    return somebody(providers, provider=provider, idp=idp, email=email, claims=claims)


def test_an_address_stands_for_the_claims_that_go_with_it() -> None:
    person = from_options(ONE, idp=CAMPUS, email="ada@uni.example.edu")
    assert person.name == "ada@uni.example.edu"
    assert person.claims["eppn"] == "ada@uni.example.edu"
    assert person.claims["preferred_username"] == "ada"
    assert "eppn" in person.about


def test_a_claim_that_is_given_wins_and_an_empty_one_is_left_out() -> None:
    person = from_options(ONE, idp=CAMPUS, email="a@b.c", claims=("eppn=x@y.z", "affiliation="))
    assert person.claims["eppn"] == "x@y.z"
    assert "affiliation" not in person.claims


def test_lists_and_switches_are_read_as_json_and_nothing_else() -> None:
    claims = ('groups=["a", "b"]', "email_verified=false", "uid=007", "note=a=b")
    person = from_options([provider(face="oidc")], email="a@b.c", claims=claims)
    assert person.claims["groups"] == ["a", "b"]
    assert person.claims["email_verified"] is False
    assert (person.claims["uid"], person.claims["note"]) == ("007", "a=b")


def test_at_github_the_local_part_is_the_login() -> None:
    person = from_options(TWO, provider="staff", email="olga@lab.org")
    assert person.claims["preferred_username"] == "olga"


@pytest.mark.parametrize(("email", "hosted"), [("a@lab.org", True), ("a@gmail.com", False)])
def test_at_google_an_address_of_ones_own_domain_is_a_workspaces(email: str, hosted: bool) -> None:
    assert ("hd" in from_options([provider(face="google")], email=email).claims) == hosted


def test_the_only_institution_needs_no_mention() -> None:
    assert from_options([provider(idps={CAMPUS: {}})], email="a@b.c").idp == CAMPUS


@pytest.mark.parametrize("providers", [CUSTOS, BROKERS])
def test_the_institution_is_said_where_the_hub_looks(providers: list[Provider]) -> None:
    person = from_options(providers, idp=EVIL, email="a@uni.example.edu")
    claim = providers[0].names("idp_claims")[0]
    assert (person.idp, person.claims[claim]) == (EVIL, EVIL)


def test_the_alias_of_a_broker_is_an_institution_where_aliases_are_listed() -> None:
    person = from_options(BROKERS, idp="other-saml", email="a@b.c")
    assert (person.idp_name, person.claims["identity_provider"]) == ("other-saml", "other-saml")


@pytest.mark.parametrize(
    ("providers", "options", "what"),
    [
        (ONE, {"idp": "garbage", "email": "a@b.c"}, "garbage is no entity ID"),
        (ONE, {"idp": "", "email": "a@b.c"}, "the entity ID is empty"),
        (CUSTOS, {"idp": "garbage", "email": "a@b.c"}, "garbage is no entity ID"),
        (BROKERS, {"idp": "two words", "email": "a@b.c"}, "two words is no entity ID"),
        (CUSTOS, {"email": "a@b.c"}, f"add --idp ENTITY_ID, such as {CAMPUS} or {GOOGLE}"),
        ([TWO[1]], {"idp": CAMPUS, "email": "a@b.c"}, "staff has no institutions"),
        ([provider(face="google")], {"idp": CAMPUS, "email": "a@b.c"}, "no institutions"),
        ([provider(face="oidc")], {"idp": CAMPUS, "email": "a@b.c"}, "no institutions"),
        ([provider(face="keycloak")], {"idp": CAMPUS, "email": "a@b.c"}, "no institutions"),
        ([provider()], {"email": "a@b.c"}, "campus lists no institution"),
        (ONE, {"email": "a@b.c"}, f"add --idp ENTITY_ID, such as {CAMPUS} or {GOOGLE}"),
        (ONE, {"idp": CAMPUS}, "add --email"),
        (ONE, {"idp": CAMPUS, "email": "ada"}, "ada is no e-mail address"),
        (ONE, {"idp": CAMPUS, "claims": ("email",)}, "write --claim name=value"),
        (ONE, {"idp": CAMPUS, "claims": ("groups=[a]",)}, "the claim groups is no JSON"),
        (TWO, {"email": "a@b.c"}, "say which: campus, staff"),
        (TWO, {"email": "a@b.c", "provider": "stuff"}, "did you mean staff?"),
        ([], {"email": "a@b.c"}, "no OAuth provider"),
    ],
)
def test_options_that_make_no_person_are_a_wrong_use(
    providers: list[Provider], options: dict[str, Any], what: str
) -> None:
    with pytest.raises(UsageError) as error:
        from_options(providers, **options)
    assert what in str(error.value)


@given(st.lists(st.sampled_from(["a", "a-2", "b"]), max_size=8))
def test_no_two_people_have_one_name(names: list[str]) -> None:
    found = with_own_names(Persona(name, "", "", "", "") for name in names)
    assert len({person.name for person in found}) == len(names)
    assert [person.name for person in found][:1] == names[:1]


@pytest.mark.parametrize("text", ['{"name": "\\ud83d"}', '{"sub": 7}', '{"sub": ""}'])
def test_claims_that_no_provider_could_send_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(FedhubError, match=r"half a character|sub is text"):
        read(tmp_path, text)
