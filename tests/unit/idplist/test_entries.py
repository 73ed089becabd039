"""CILogon's list is foreign text: what it says can be shown and pasted, or is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedhub.idplist.entries import folded, parse, restored
from tests.unit.idplist.conftest import INDIANA, LISTED

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
)
NAMES = st.fixed_dictionaries(
    {"EntityID": st.text(min_size=1) | st.just("https://idp.iu.edu"), "RandS": st.booleans()},
    optional={"OrganizationName": st.text(), "DisplayName": st.text(), "Hidden": st.booleans()},
)


def test_an_institution_is_called_what_people_call_it() -> None:
    found = {one.entity_id: one for one in parse(json.dumps(LISTED))}
    munich = found["https://lmuidp.lrz.de/idp/shibboleth"]
    assert (munich.name, munich.rands) == ("LMU", False)
    assert munich.organization == "Ludwig-Maximilians-Universität München"
    assert [one.name for one in found.values() if one.hidden] == ["Indiana Hidden"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not JSON"),
        ("<html>", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xfe[", "not JSON"),
        ("{}", "no list"),
        ("[]", "empty"),
        ('["a"]', "no EntityID"),
        ('[{"EntityID": 7}]', "no EntityID"),
        ('[{"EntityID": "a", "DisplayName": []}]', "no text"),
        ('[{"EntityID": "a", "DisplayName": ["x"]}]', "no text"),
        ('[{"EntityID": "a", "RandS": "yes"}]', "not true or false"),
        ('[{"EntityID": "a", "Hidden": 1}]', "not true or false"),
        ('[{"EntityID": "a b"}]', "empty"),
    ],
)
def test_what_is_no_list_is_refused(content: bytes | str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(content)


@given(JSON)
def test_any_json_is_a_list_or_refused_in_words(said: Any) -> None:
    try:
        parse(json.dumps(said))
    except ValueError as error:
        assert str(error).startswith(("it is", "an entry"))


@given(st.binary())
def test_any_bytes_are_a_list_or_refused_in_words(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is|an entry"):
        parse(content)


@given(st.lists(NAMES, min_size=1))
def test_whatever_is_shown_stays_on_its_line_and_can_be_kept(listed: list[dict[str, Any]]) -> None:
    found = parse(json.dumps([*listed, INDIANA]))
    for one in found:
        assert all(text.isprintable() for text in one[:3])
        assert one.name
        assert " " not in one.entity_id
    assert restored(json.loads(json.dumps(found))) == found


@given(JSON)
def test_what_was_kept_by_nobody_here_is_refused(kept: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        restored(kept)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text())
def test_case_does_not_matter(text: str) -> None:
    assert folded(text.casefold()) == folded(text)
