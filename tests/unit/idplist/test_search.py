"""What people type, and what they find."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedhub.idplist.bundled import bundled
from fedhub.idplist.entries import Entry, entry, parse
from fedhub.idplist.search import near, search
from tests.unit.idplist.conftest import LISTED

AMONG = parse(json.dumps(LISTED))


def named(*names: str) -> list[Entry]:
    return [entry(f"https://idp{i}.org", name, name, None) for i, name in enumerate(names)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("indiana univ", ["Indiana University"]),
        ("UNIV  indiana", ["Indiana University"]),
        ("munchen", ["LMU"]),
        ("MÜNCHEN", ["LMU"]),
        ("muenchen", ["LMU"]),
        ("Ludwig-Maximilians", ["LMU"]),
        ("lrz.de", ["LMU"]),
        ("https://idp.iu.edu", ["Indiana University"]),
        ("indiana munchen", []),
    ],
)
def test_every_word_is_in_a_name_or_in_the_entity_id(text: str, found: list[str]) -> None:
    assert [one.name for one in search(AMONG, text)] == found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("King\N{RIGHT SINGLE QUOTATION MARK}s College", "kings college"),
        ("King's College", "king\N{RIGHT SINGLE QUOTATION MARK}s"),
        ("Københavns Universitet", "kobenhavns"),
        ("Universität Zürich", "zuerich"),
        ("Politechnika Łódzka", "lodzka"),
        ("STRASSE", "straße"),
        ("\uff2b\uff25\uff29\uff2f", "keio"),
        ("İstanbul", "istanbul"),
    ],
)
def test_signs_that_a_keyboard_lacks(name: str, text: str) -> None:
    assert [one.name for one in search(named(name), text)] == [name]


def test_the_best_match_comes_first() -> None:
    among = named("Great Purdue", "Xpurdue", "Purdue University Northwest", "Purdue University")
    assert [one.name for one in search(among, "purdue")] == [
        "Purdue University",
        "Purdue University Northwest",
        "Great Purdue",
        "Xpurdue",
    ]


def test_hidden_ones_are_found_when_asked_for_or_by_their_entity_id() -> None:
    assert [one.name for one in search(AMONG, "hidden")] == []
    assert [one.name for one in search(AMONG, "hidden", hidden=True)] == ["Indiana Hidden"]
    assert [one.name for one in search(AMONG, "urn:mace:example:hidden")] == ["Indiana Hidden"]


def test_an_entity_id_in_full_finds_it_alone() -> None:
    among = [*named("Mirror of https://idp0.org"), entry("https://idp0.org/x", "X", "X", None)]
    assert [one.entity_id for one in search(among, " https://idp0.org ")] == ["https://idp0.org"]


@given(st.sampled_from(bundled()))
def test_each_is_found_by_each_part_of_its_name(one: Entry) -> None:
    assert one in search(bundled(), one.name.upper())
    assert search(bundled(), one.entity_id) == [one]


@pytest.mark.parametrize(
    ("text", "found"),
    [("indianna univ", ["Indiana University"]), ("lmu indianna", ["LMU", "Indiana University"])],
)
def test_a_slip_of_the_keyboard_has_near_names(text: str, found: list[str]) -> None:
    assert [one.name for one in near(AMONG, text)] == found


def test_nothing_is_near_to_nonsense() -> None:
    assert near(AMONG, "qqqq") == []


@given(st.text())
def test_any_text_finds_what_it_says_or_nothing(text: str) -> None:
    assert set(search(AMONG, text)) <= set(AMONG)
    assert set(near(AMONG, text)) <= set(AMONG)
