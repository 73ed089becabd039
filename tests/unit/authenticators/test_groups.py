"""Which of the hub's groups somebody is in, and what follows from that."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fedhub_authenticators.groups import value_at
from fedhub_authenticators.refusals import Reason, Refused
from hypothesis import given
from hypothesis import strategies as st
from tornado.web import HTTPError
from traitlets import TraitError

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    ENTITY,
    GENERIC,
    User,
    authenticator_of,
    configured,
    decide,
    mock_provider,
    one,
    stock,
)

ON = GENERIC | {"username_claim": "sub", "manage_groups": True}
URL = "https://example.org/groups"
EGI = "urn:mace:egi.eu:group"
TRUST = {
    "auth_state_groups_key": "oauth_user.eduperson_entitlement",
    "groups_format": "entitlements",
    "entitlement_namespaces": ["urn:mace:egi.eu"],
    "entitlement_authorities": ["aai.egi.eu"],
}


def generic(**config: Any) -> Any:
    return authenticator_of(configured(one("generic-oauth", ON | config)))


def groups_of(authenticator: Any, claims: dict[str, Any]) -> Any:
    """The groups that somebody gets; "refused" where nobody gets in."""
    state = {authenticator.user_auth_state_key: {"sub": "ada", **claims}}
    try:
        found = run_async(authenticator.get_user_groups(state))
    except Refused as refused:
        assert refused.why is Reason.GROUPS
        return "refused"
    assert isinstance(found, set)
    return found


# --- what is claimed ----------------------------------------------------------------------

CLAIMED: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    ("00", {}, {"groups": ["staff", "gpu"]}, {"staff", "gpu"}),
    ("01", {}, {"groups": []}, set()),
    ("02", {}, {}, set()),
    ("03", {}, {"groups": None}, set()),
    # nothing is guessed
    ("10", {}, {"groups": "staff"}, "refused"),
    ("11", {}, {"groups": ""}, "refused"),
    ("12", {}, {"groups": {"staff": True}}, "refused"),
    ("13", {}, {"groups": {}}, "refused"),
    ("14", {}, {"groups": True}, "refused"),
    ("15", {}, {"groups": 7}, "refused"),
    ("16", {}, {"groups": ["staff", 7]}, "refused"),
    ("17", {}, {"groups": ["staff", None]}, "refused"),
    ("18", {}, {"groups": ["staff", ["gpu"]]}, "refused"),
    ("19", {}, {"groups": ["staff", {"name": "gpu"}]}, "refused"),
    ("1a", {}, {"groups": ["staff", ""]}, "refused"),
    ("1b", {}, {"groups": ["staff", " "]}, "refused"),
    # texts with a delimiter
    ("20", {"groups_delimiter": ";"}, {"groups": "staff;gpu"}, {"staff", "gpu"}),
    ("21", {"groups_delimiter": ";"}, {"groups": "staff"}, {"staff"}),
    ("22", {"groups_delimiter": ";"}, {"groups": " staff ; ;gpu;"}, {"staff", "gpu"}),
    ("23", {"groups_delimiter": ";"}, {"groups": ""}, set()),
    ("24", {"groups_delimiter": " "}, {"groups": "staff  gpu\tx"}, {"staff", "gpu", "x"}),
    ("25", {"groups_delimiter": ", "}, {"groups": "staff,gpu"}, {"staff", "gpu"}),
    ("26", {"groups_delimiter": ";"}, {"groups": ["staff", "a;b"]}, {"staff", "a;b"}),
    ("27", {"groups_delimiter": ";"}, {"groups": {"staff": 1}}, "refused"),
    # any place
    (
        "30",
        {"auth_state_groups_key": "oauth_user.realm_access.roles"},
        {"realm_access": {"roles": ["staff"]}},
        {"staff"},
    ),
    ("31", {"auth_state_groups_key": f"oauth_user.{URL}"}, {URL: ["staff"]}, {"staff"}),
    ("32", {"auth_state_groups_key": f"oauth_user.{URL}.a"}, {URL: {"a": ["staff"]}}, {"staff"}),
    ("33", {"auth_state_groups_key": "oauth_user.a.b"}, {"a.b": ["x"], "a": {"b": ["y"]}}, {"x"}),
    ("34", {"auth_state_groups_key": "oauth_user.a.b"}, {"a": None}, set()),
    ("35", {"auth_state_groups_key": "oauth_user.a.b"}, {"a": {}}, set()),
    ("36", {"auth_state_groups_key": "oauth_user.a.b"}, {"a": ["b"]}, "refused"),
    ("37", {"auth_state_groups_key": "oauth_user.a.b"}, {"a": "b"}, "refused"),
    ("38", {"auth_state_groups_key": "no_such_key.groups"}, {"groups": ["staff"]}, set()),
    ("39", {"claim_groups_key": "roles"}, {"roles": ["staff"]}, {"staff"}),
    # a function
    ("40", {"auth_state_groups_key": lambda state: ["staff"]}, {}, {"staff"}),
    ("41", {"auth_state_groups_key": lambda state: {"staff"}}, {}, {"staff"}),
    ("42", {"auth_state_groups_key": lambda state: iter(["staff"])}, {}, {"staff"}),
    ("43", {"auth_state_groups_key": lambda state: "staff"}, {}, "refused"),
    ("44", {"auth_state_groups_key": lambda state: b"staff"}, {}, "refused"),
    ("45", {"auth_state_groups_key": lambda state: None}, {}, set()),
    # neither a failure nor a time of grace: what it expects is not there
    ("46", {"auth_state_groups_key": lambda state: state["oauth_user"]["x"]}, {}, "refused"),
    # names that JupyterHub can't have
    ("50", {}, {"groups": ["staff", "a" * 256]}, {"staff"}),
    ("51", {}, {"groups": ["staff", "a\x00b"]}, {"staff"}),
    # the hub's names
    ("60", {"groups_mapping": {"/staff": "team"}}, {"groups": ["/staff", "/x"]}, {"team"}),
    ("61", {"groups_mapping": {"/*": "*"}}, {"groups": ["/staff", "/x"]}, {"staff", "x"}),
    ("62", {"groups_mapping": {"a": "", "*": "*"}}, {"groups": ["a", "b"]}, {"b"}),
    (
        "63",
        {"groups_delimiter": ";", "groups_mapping": {"*": "x-*"}},
        {"groups": ";a;"},
        {"x-a"},
    ),
    # isMemberOf of LDAP
    (
        "70",
        {"groups_delimiter": ";", "groups_mapping": {"cn=*,ou=groups,dc=ex": "*"}},
        {"groups": "cn=staff,ou=groups,dc=ex;cn=staff2,ou=other,dc=ex"},
        {"staff"},
    ),
]


@pytest.mark.parametrize(
    ("row", "config", "claims", "groups"), CLAIMED, ids=[row[0] for row in CLAIMED]
)
def test_groups_are_what_is_plainly_claimed(
    row: str, config: dict[str, Any], claims: dict[str, Any], groups: Any
) -> None:
    assert groups_of(generic(**config), claims) == groups


@pytest.mark.parametrize(
    ("claimed", "groups"),
    [
        ("staff", {"s", "t", "a", "f"}),
        ({"staff": True}, {"staff"}),
        (True, set()),
        (7, set()),
    ],
)
def test_upstream_guesses_and_lets_in(claimed: Any, groups: Any) -> None:
    """What these tests are for: letters and keys become groups, and nonsense is no refusal."""
    rules = {"allowed_groups": ["a", "staff"], "allowed_users": ["ada"]}
    authenticator = stock("generic-oauth", ON | rules)
    model = decide(authenticator, {"sub": "ada", "groups": claimed})
    assert model is not None
    assert set(model["groups"]) == groups


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3)
    ),
)


@given(json)
def test_whatever_a_provider_sends_is_names_or_a_refusal(claimed: Any) -> None:
    authenticator = generic(groups_delimiter=";")
    found = groups_of(authenticator, {"groups": claimed})
    if found != "refused":
        assert claimed is None or isinstance(claimed, str | list)
        assert all(isinstance(name, str) and name.strip() for name in found)
        said = claimed.split(";") if isinstance(claimed, str) else claimed or []
        assert found <= {name.strip() if isinstance(claimed, str) else name for name in said}


@given(st.lists(st.text(".ab", min_size=1), min_size=1, max_size=4), json)
def test_a_value_is_found_whatever_dots_its_keys_have(keys: list[str], value: Any) -> None:
    claims = value
    for key in reversed(keys):
        claims = {key: claims}
    assert value_at(claims, ".".join(keys)) == value


def test_a_refusal_tells_the_operator_where_and_keeps_the_value_to_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    authenticator = generic(auth_state_groups_key="oauth_user.roles")
    authenticator.log = logging.getLogger("test-groups")
    with caplog.at_level("DEBUG", "test-groups"):
        assert groups_of(authenticator, {"roles": "s3cret-staff"}) == "refused"
    assert "trait=auth_state_groups_key" in caplog.text
    assert "claim=oauth_user.roles" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_refusal_is_plain_words_for_the_person() -> None:
    with pytest.raises(Refused) as refused:
        decide(generic(allow_all=True), {"sub": "ada", "groups": "staff"})
    assert "did not tell the hub your groups" in str(refused.value)


# --- entitlements -------------------------------------------------------------------------

ENTITLED: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("00", {}, [f"{EGI}:vo:role=member#aai.egi.eu"], {"vo:member"}),
    ("01", {}, [f"{EGI}:vo#aai.egi.eu", f"{EGI}:vo:sub#aai.egi.eu"], {"vo", "vo/sub"}),
    # membership of a subgroup is none of the group above it
    ("02", {}, [f"{EGI}:vo:sub#aai.egi.eu"], {"vo/sub"}),
    ("03", {"entitlement_names": "group"}, [f"{EGI}:vo:role=member#aai.egi.eu"], {"vo"}),
    # only whom the operator trusts
    ("10", {}, [f"{EGI}:vo#aai.example.org"], set()),
    ("11", {}, ["urn:geant:egi.eu:group:vo#aai.egi.eu"], set()),
    ("12", {}, ["urn:mace:egi.eu:sub:group:vo#aai.egi.eu"], set()),
    ("13", {}, ["vo", "urn:mace:dir:entitlement:common-lib-terms", f"{EGI}:vo"], set()),
    ("14", {}, ["vo", f"{EGI}:vo#aai.egi.eu"], {"vo"}),
    ("15", {"entitlement_namespaces": ["URN:MACE:egi.eu"]}, [f"{EGI}:vo#aai.egi.eu"], {"vo"}),
    # AARC-G069 names no authority: counted when none is asked for, or when that is said
    ("16", {}, [f"{EGI}:vo"], set()),
    ("17", {"entitlement_authorities": []}, [f"{EGI}:vo"], {"vo"}),
    ("18", {"entitlement_authorities": []}, [f"{EGI}:vo#aai.egi.eu"], set()),
    ("19", {"entitlement_authorities": ["", "a"]}, [f"{EGI}:v", f"{EGI}:w#a"], {"v", "w"}),
    # as strict as with names
    ("20", {}, None, set()),
    ("21", {}, f"{EGI}:vo#aai.egi.eu", "refused"),
    ("22", {"groups_delimiter": ";"}, f"{EGI}:vo#aai.egi.eu", {"vo"}),
    ("23", {}, [f"{EGI}:vo#aai.egi.eu", 7], "refused"),
    # the mapping sees the names
    ("30", {"groups_mapping": {"vo:member": "vo"}}, [f"{EGI}:vo:role=member#aai.egi.eu"], {"vo"}),
]


@pytest.mark.parametrize(
    ("row", "config", "claimed", "groups"), ENTITLED, ids=[row[0] for row in ENTITLED]
)
def test_entitlements_of_trusted_authorities_are_groups(
    row: str, config: dict[str, Any], claimed: Any, groups: Any
) -> None:
    authenticator = generic(**TRUST | config)
    assert groups_of(authenticator, {"eduperson_entitlement": claimed}) == groups


def test_the_hub_does_not_start_without_a_namespace_to_trust() -> None:
    with pytest.raises(ValueError, match="entitlement_namespaces"):
        generic(**TRUST | {"entitlement_namespaces": []})


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("entitlement_namespaces", ["egi.eu"]),
        ("groups_mapping", {"*": None}),
        ("groups_mapping", {"a": ["b"]}),
        ("groups_mapping", {"a*b*": "c"}),
        ("groups_format", "urn"),
    ],
)
def test_a_wrong_setting_stops_the_hub(trait: str, value: Any) -> None:
    with pytest.raises(TraitError, match=trait):
        generic(**{trait: value})


# --- what follows: who gets in, who is an admin -------------------------------------------

STAFF = {"allowed_groups": ["staff"]}
ADMINS = {"admin_groups": ["staff"]}
LISTED = {"allowed_users": ["ada"]}

RULES: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    # config, claims, and whether in, an admin, and the groups; None: not in
    ("00", STAFF, {"groups": ["staff"]}, (False, ["staff"])),
    ("01", STAFF, {"groups": ["students"]}, None),
    ("02", STAFF, {"groups": []}, None),
    ("03", STAFF, {}, None),
    ("04", ADMINS, {"groups": ["staff"]}, (True, ["staff"])),
    ("05", ADMINS, {"groups": ["students"]}, None),
    # no group, another rule: in, with no groups and no rights of a group
    ("10", STAFF | LISTED, {}, (False, [])),
    ("11", ADMINS | LISTED, {}, (False, [])),
    ("12", ADMINS | {"allow_all": True}, {"groups": []}, (False, [])),
    # not known which groups, another rule: refused all the same
    ("20", STAFF | LISTED, {"groups": "staff"}, None),
    ("21", ADMINS | {"allow_all": True}, {"groups": {"staff": 1}}, None),
    ("22", ADMINS | {"admin_users": ["ada"]}, {"groups": ["staff", 1]}, None),
    # a text is not the set of its letters
    ("30", {"allowed_groups": ["s"]}, {"groups": "staff"}, None),
    # rules see the hub's names
    ("40", STAFF | {"groups_mapping": {"/s": "staff"}}, {"groups": ["/s"]}, (False, ["staff"])),
    ("41", STAFF | {"groups_mapping": {"staff": "x"}}, {"groups": ["staff"]}, None),
    ("42", ADMINS | {"groups_mapping": {"/s": "staff"}}, {"groups": ["/s"]}, (True, ["staff"])),
    (
        "43",
        ADMINS | LISTED | {"groups_mapping": {"staff": ""}},
        {"groups": ["staff"]},
        (False, []),
    ),
]


@pytest.mark.parametrize(
    ("row", "config", "claims", "expected"), RULES, ids=[row[0] for row in RULES]
)
def test_rules_hold_for_the_hubs_groups_at_login(
    row: str, config: dict[str, Any], claims: dict[str, Any], expected: Any
) -> None:
    try:
        model = decide(generic(**config), {"sub": "ada", **claims})
    except HTTPError as refused:
        assert refused.status_code == 403
        model = None
    assert (model and (bool(model["admin"]), model["groups"])) == expected


@pytest.mark.parametrize(
    ("row", "config", "claims", "expected"), RULES, ids=[row[0] for row in RULES]
)
def test_rules_hold_for_the_hubs_groups_at_refresh(
    row: str, config: dict[str, Any], claims: dict[str, Any], expected: Any
) -> None:
    authenticator = generic(**config)

    async def refresh() -> Any:
        mock_provider(authenticator).access_tokens["t"] = {"sub": "ada", **claims}
        token = {"access_token": "t", "token_type": "Bearer"}
        return await authenticator.refresh_user(User("ada", {"token_response": token}))

    model = run_async(refresh())
    assert ((bool(model["admin"]), model["groups"]) if model else None) == expected


# --- classes with groups of their own -----------------------------------------------------


def test_cilogons_memberships_are_groups() -> None:
    config = {
        "idps": {ENTITY: {"username_derivation": {"username_claim": "eppn"}}},
        "manage_groups": True,
        "auth_state_groups_key": "cilogon_user.isMemberOf",
        "groups_delimiter": ";",
        "allowed_groups": ["CO:COU:hub:members:active"],
    }
    ada = {"eppn": "ada@uni.edu", "idp": ENTITY, "isMemberOf": "CO:COU:hub:members:active;x"}
    model = decide(authenticator_of(configured(one("cilogon", config))), ada)
    assert model is not None
    assert model["groups"] == ["CO:COU:hub:members:active", "x"]


KEYCLOAK = {"iam_url": "https://iam.example.org/auth", "realm": "r1"}


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({"groups": ["/staff"]}, {"staff"}),
        ({"groups": ["/staff", 1]}, "refused"),
        ({"groups": "/staff"}, "refused"),
        # Keycloak 22 and later leave the claim out for people in no group.
        ({}, set()),
    ],
)
def test_a_realms_groups_are_read_as_strictly_and_mapped(
    claims: dict[str, Any], groups: Any
) -> None:
    config = KEYCLOAK | {"allowed_groups": ["staff"], "groups_mapping": {"/*": "*"}}
    authenticator = authenticator_of(configured(one("keycloak", config)))
    assert groups_of(authenticator, claims) == groups


def test_custos_memberships_are_mapped() -> None:
    config = {"allowed_groups": ["staff"], "groups_mapping": {"g-1": "staff"}}
    authenticator = authenticator_of(configured(one("custos", config)))
    state = {"custos_groups": [{"id": "g-1", "name": "a"}, {"id": "g-2", "name": "b"}]}
    assert run_async(authenticator.get_user_groups(state)) == {"staff"}
