"""What the hub calls the groups that a provider names."""

from __future__ import annotations

from typing import Any

import pytest
from fedhub_authenticators.groups_mapping import check_mapping, fits, hub_group
from hypothesis import given
from hypothesis import strategies as st

TABLE: list[tuple[str, dict[str, str], str, str]] = [
    ("00", {}, "staff", "staff"),
    ("01", {"staff": "team"}, "staff", "team"),
    ("02", {"staff": "team"}, "students", ""),
    ("03", {"staff": "team"}, "Staff", ""),
    ("04", {"staff": ""}, "staff", ""),
    # patterns
    ("10", {"*": "*"}, "staff", "staff"),
    ("11", {"/hub/*": "*"}, "/hub/staff", "staff"),
    ("12", {"/hub/*": "*"}, "/other/staff", ""),
    ("13", {"/hub/*": "hub"}, "/hub/staff", "hub"),
    ("14", {"*": "campus-*"}, "staff", "campus-staff"),
    ("15", {"/hub/*": "*"}, "/hub/", ""),
    ("16", {"cn=*,ou=groups,dc=example": "*"}, "cn=staff,ou=groups,dc=example", "staff"),
    ("17", {"cn=*,ou=groups,dc=example": "*"}, "cn=staff,ou=others,dc=example", ""),
    ("18", {"ab*bc": "g"}, "abc", ""),
    # which one counts does not depend on the order
    ("20", {"*": "*", "admins": ""}, "admins", ""),
    ("21", {"a*": "short", "admins": "whole", "admin*": "long"}, "admins", "whole"),
    ("22", {"a*": "short", "admin*": "long"}, "admins", "long"),
    ("23", {"*s": "end", "*": "all"}, "admins", "end"),
    ("24", {"*-longer-end": "end", "a*": "beginning"}, "a-longer-end", "beginning"),
    # nothing else is special
    ("30", {"[ab]": "x"}, "a", ""),
    ("31", {"a?": "x"}, "ab", ""),
    ("32", {"a*": "*"}, "a**", "**"),
]


@pytest.mark.parametrize(
    ("row", "mapping", "claimed", "group"), TABLE, ids=[row[0] for row in TABLE]
)
def test_what_a_group_is_called(
    row: str, mapping: dict[str, str], claimed: str, group: str
) -> None:
    check_mapping(mapping)
    assert hub_group(claimed, mapping) == group


@pytest.mark.parametrize(
    "mapping",
    [
        {"a*b*": "x"},
        {"staff": "*"},
        {"a*": "**"},
        {"staff": " "},
        {"staff": "a\nb"},
        {"staff": "a" * 256},
    ],
)
def test_what_can_be_no_mapping_is_refused_with_a_sentence(mapping: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="groups_mapping"):
        check_mapping(mapping)


word = st.text("ab*/", max_size=6)
mappings = st.dictionaries(word, st.sampled_from(["", "g", "*", "x-*"]), max_size=6).map(
    lambda found: {
        key: group
        for key, group in found.items()
        if key.count("*") <= 1 and group.count("*") <= key.count("*")
    }
)
names = st.text("ab/", min_size=1, max_size=8)


@given(mappings, names, st.randoms())
def test_the_order_of_a_mapping_does_not_count(
    mapping: dict[str, str], name: str, random: Any
) -> None:
    items = list(mapping.items())
    random.shuffle(items)
    assert hub_group(name, dict(items)) == hub_group(name, mapping)


@given(mappings.filter(bool), names)
def test_nobody_gets_a_group_that_nothing_written_leads_to(
    mapping: dict[str, str], name: str
) -> None:
    group = hub_group(name, mapping)
    leads = {
        value.replace("*", part)
        for value in mapping.values()
        for part in ["", *(name[i:j] for i in range(len(name)) for j in range(i, len(name) + 1))]
    }
    assert group == "" or group in leads


@given(mappings, names, st.sampled_from(["", "exact"]))
def test_a_whole_name_counts_before_any_pattern(
    mapping: dict[str, str], name: str, group: str
) -> None:
    assert hub_group(name, {**mapping, name: group}) == group


@given(mappings, names)
def test_dropping_all_that_is_not_mentioned_changes_nothing(
    mapping: dict[str, str], name: str
) -> None:
    if mapping:
        assert hub_group(name, {"*": "", **mapping}) == hub_group(name, mapping)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("staff", True),
        ("/a/b:c d", True),
        ("grün", True),
        ("a" * 255, True),
        ("a" * 256, False),
        ("", False),
        ("  ", False),
        ("a\x00", False),
        ("a\u202eb", False),
        ("a\ud800", False),
    ],
)
def test_which_names_jupyterhub_can_have(name: str, expected: bool) -> None:
    assert fits(name) is expected
