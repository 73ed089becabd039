"""Entitlements as AARC-G069 writes them: what counts as a group, and what is only text."""

from __future__ import annotations

import pytest
from fedhub_authenticators.entitlements import (
    Entitlement,
    parse_authority,
    parse_entitlement,
    parse_namespace,
)
from hypothesis import given
from hypothesis import strategies as st

EGI = "urn:mace:egi.eu"

VALID: list[tuple[str, str, Entitlement]] = [
    (
        "00",
        "urn:mace:egi.eu:group:vo.example.org#aai.egi.eu",
        Entitlement(EGI, ("vo.example.org",), "", "aai.egi.eu"),
    ),
    (
        "01",
        "urn:mace:egi.eu:group:vo.example.org:role=member#aai.egi.eu",
        Entitlement(EGI, ("vo.example.org",), "member", "aai.egi.eu"),
    ),
    (
        "02",
        "urn:geant:helmholtz.de:sub:group:a:b:c:role=admin#login.helmholtz.de",
        Entitlement("urn:geant:helmholtz.de:sub", ("a", "b", "c"), "admin", "login.helmholtz.de"),
    ),
    # AARC-G069 names no authority
    ("03", "urn:mace:egi.eu:group:vo", Entitlement(EGI, ("vo",), "", "")),
    ("04", "urn:mace:egi.eu:group:vo:role=member", Entitlement(EGI, ("vo",), "member", "")),
    # the namespace is the same in upper and lower case, the rest is not
    ("10", "URN:Mace:egi.eu:group:vo#a", Entitlement(EGI, ("vo",), "", "a")),
    ("11", "urn:mace:EGI.eu:group:VO:role=R#A", Entitlement(EGI, ("VO",), "R", "A")),
    ("12", "urn:mace:egi.eu:group:v#%e2%82%ac", Entitlement(EGI, ("v",), "", "%E2%82%AC")),
    # percent-encoding
    ("20", "urn:mace:egi.eu:group:a%3Ab#x", Entitlement(EGI, ("a:b",), "", "x")),
    ("21", "urn:mace:egi.eu:group:gr%C3%BCn#x", Entitlement(EGI, ("grün",), "", "x")),
    ("22", "urn:mace:egi.eu:group:role%3Dx#x", Entitlement(EGI, ("role=x",), "", "x")),
    ("23", "urn:mace:a%2fb:group:g#x", Entitlement("urn:mace:a%2fb", ("g",), "", "x")),
    ("24", "urn:mace:egi.eu:group:a%2525#x", Entitlement(EGI, ("a%25",), "", "x")),
    # a group may be called group; the first one is the keyword
    ("30", "urn:mace:egi.eu:group:group#x", Entitlement(EGI, ("group",), "", "x")),
]


@pytest.mark.parametrize(("row", "text", "expected"), VALID, ids=[row[0] for row in VALID])
def test_an_entitlement_says_group_role_and_authority(
    row: str, text: str, expected: Entitlement
) -> None:
    assert parse_entitlement(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "staff",
        "urn:mace:dir:entitlement:common-lib-terms",
        "https://example.org/entitlement",
        # an authority, a group or a namespace that is empty
        "urn:mace:egi.eu:group:vo#",
        "urn:mace:egi.eu:group#aai",
        "urn:mace:egi.eu:group:#aai",
        "urn:mace:group:vo#aai",
        "urn:mace:egi.eu#aai",
        "urn:mace:egi.eu:GROUP:vo#aai",
        # parts that are empty
        "urn:mace::group:vo#aai",
        "urn:mace:egi.eu:group::vo#aai",
        "urn:mace:egi.eu:group:vo:#aai",
        "urn:mace:egi.eu:group:vo:role=#aai",
        # a role is last, and of a group
        "urn:mace:egi.eu:group:role=member#aai",
        "urn:mace:egi.eu:group:role=member:vo#aai",
        "urn:mace:egi.eu:group:vo:role=a:role=b#aai",
        # no URN by RFC 8141
        "urn:m:egi.eu:group:vo#aai",
        "urn:-mace:egi.eu:group:vo#aai",
        "urn:mace:egi.eu:group:v o#aai",
        "urn:mace:egi.eu:group:grün#aai",
        "urn:mace:egi.eu:group:a%2#aai",
        "urn:mace:egi.eu:group:vo#aai#aai",
        "urn:mace:egi.eu:group:vo?+x#aai",
        " urn:mace:egi.eu:group:vo#aai",
        "urn:mace:egi.eu:group:vo#aai\n",
        # what is encoded can't be shown, or is no UTF-8
        "urn:mace:egi.eu:group:a%00#aai",
        "urn:mace:egi.eu:group:a%0A#aai",
        "urn:mace:egi.eu:group:a%FF#aai",
        "urn:mace:egi.eu:group:vo:role=%E2%80%8B#aai",
    ],
)
def test_anything_else_says_nothing_of_a_group(text: str) -> None:
    assert parse_entitlement(text) is None


shown = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" :/%=#?"), min_size=1
).filter(str.isprintable)
space = st.from_regex(r"[a-z0-9][a-z0-9-]{0,30}[a-z0-9](:[a-z0-9.@-]+){1,3}", fullmatch=True)
entitlements = st.builds(
    Entitlement,
    space.map("urn:{}".format).filter(lambda text: "group" not in text.split(":")[2:]),
    st.lists(shown, min_size=1, max_size=4).map(tuple),
    st.just("") | shown,
    st.just("") | st.from_regex(r"[a-z0-9.-]+", fullmatch=True),
)


@given(entitlements)
def test_what_is_written_is_read_again(entitlement: Entitlement) -> None:
    assert parse_entitlement(str(entitlement)) == entitlement


@given(entitlements, entitlements)
def test_two_groups_or_roles_never_have_one_name(one: Entitlement, other: Entitlement) -> None:
    same = (one.group, one.role) == (other.group, other.role)
    assert (one.name(with_role=True) == other.name(with_role=True)) == same


urn_like = st.lists(
    st.sampled_from(["urn:", "mace:", "egi.eu", ":", "group", "role=", "#", "%", "%C3", "/", "a"])
).map("".join)


@given(st.text() | urn_like)
def test_junk_is_read_without_an_error_and_never_halfway(text: str) -> None:
    found = parse_entitlement(text)
    if found is not None:
        assert found.namespace.startswith("urn:")
        assert found.group
        assert all(found.group)
        assert bool(found.authority) == ("#" in text)
        assert parse_entitlement(str(found)) == found


@pytest.mark.parametrize(
    ("entitlement", "with_role", "name"),
    [
        (Entitlement(EGI, ("vo",), "", "a"), True, "vo"),
        (Entitlement(EGI, ("vo",), "member", "a"), True, "vo:member"),
        (Entitlement(EGI, ("vo", "sub"), "member", "a"), True, "vo/sub:member"),
        (Entitlement(EGI, ("vo", "sub"), "member", "a"), False, "vo/sub"),
        # a group can't pretend to be a subgroup or a role
        (Entitlement(EGI, ("vo/sub",), "", "a"), True, "vo%2Fsub"),
        (Entitlement(EGI, ("vo:member",), "", "a"), True, "vo%3Amember"),
        (Entitlement(EGI, ("vo%2Fsub",), "", "a"), True, "vo%252Fsub"),
    ],
)
def test_group_subgroup_and_role_become_a_name(
    entitlement: Entitlement, with_role: bool, name: str
) -> None:
    assert entitlement.name(with_role=with_role) == name


def test_a_namespace_is_compared_as_in_an_entitlement() -> None:
    assert parse_namespace("URN:MACE:egi.eu") == EGI
    assert parse_namespace("urn:mace:A%2Fb") == "urn:mace:a%2fb"


@pytest.mark.parametrize("text", ["", "egi.eu", "urn:mace", "urn:mace:", "urn:mace:egi.eu#x"])
def test_what_is_no_namespace_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="entitlement_namespaces"):
        parse_namespace(text)


def test_an_authority_may_be_written_with_its_sign() -> None:
    assert parse_authority("#aai.egi.eu") == "aai.egi.eu"
