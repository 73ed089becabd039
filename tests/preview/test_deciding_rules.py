"""Which rule decided, as the hub's own authenticator tells it."""

from __future__ import annotations

from typing import Any

import pytest

from fedhub.access.cilogon import cilogon_claims
from fedhub.access.institutions import institution
from fedhub.access.persona import Persona
from fedhub.access.personas import github_claims, google_claims
from fedhub.preview.hubside import alone, rules, verdicts
from tests.asynchronous import run_async
from tests.preview.configurations import CAMPUS, CLASSES, ELSEWHERE, GOOGLE
from tests.preview.in_process import configured, provider_in_process

EMAIL = {"username_derivation": {"username_claim": "email"}}
OIDC = {
    "authorize_url": "https://sso.example.org/authorize",
    "token_url": "https://sso.example.org/token",
    "userdata_url": "https://sso.example.org/userinfo",
    "scope": ["openid", "profile", "email"],
    "username_claim": "preferred_username",
}
IN_GROUPS = {**OIDC, "manage_groups": True, "auth_state_groups_key": "oauth_user.groups"}


def ada(**claims: Any) -> dict[str, Any]:
    return {"sub": "1", "preferred_username": "ada", "email": "ada@lab.org", **claims}


def ada_at(idp: str) -> dict[str, Any]:
    return cilogon_claims(institution(idp), "ada", "uni.example.edu")


def plain(authenticator: str, code: str = "", /, **traits: Any) -> dict[str, Any]:
    """Values of a plain z2jh file."""
    named = {"JupyterHub": {"authenticator_class": authenticator}}
    section = {CLASSES.get(authenticator, authenticator): traits}
    extra = {"extraConfig": {"code": code}} if code else {}
    return {"hub": {"config": named | section, **extra}}


def several(**login: Any) -> dict[str, Any]:
    return {"global": {"fedhub": {"domain": "hub.example.org", "login": login}}}


def asked(
    values: dict[str, Any], claims: dict[str, Any], provider: str = "login", idp: str = "x"
) -> dict[str, Any]:
    """What is said of somebody with these claims."""

    async def ask() -> dict[str, Any]:
        with provider_in_process() as identity_provider:
            c, _ = configured(values, identity_provider)
            idp_of = str(claims.get("idp", idp))
            identity_provider.set_personas([Persona("p", provider, idp_of, "", "", claims)])
            hub = c.JupyterHub.authenticator_class(config=c)
            load_groups = c.JupyterHub.get("load_groups") or {}
            alone.start(hub, load_groups)
            groups = verdicts.loaded_groups(hub, load_groups)
            return await rules.explained(hub, provider, "p", idp_of, groups)

    return run_async(ask())


def said(found: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {(rule["effect"], *rule["path"]) for rule in found["rules"]}


SEVERAL = several(
    students={
        "authenticator": "generic-oauth",
        "prefix": "",
        "config": {**OIDC, "allow_all": True},
    },
    staff={
        "authenticator": "github",
        "config": {"allowed_users": ["olga"], "blocked_users": ["eve"], "allow_all": True},
    },
)


LETS_IN: dict[str, tuple[dict[str, Any], dict[str, Any], set[tuple[Any, ...]]]] = {
    "everybody": (plain("generic-oauth", **OIDC, allow_all=True), ada(), {("in", "allow_all")}),
    "one of many names": (
        plain("generic-oauth", **OIDC, allowed_users=[f"u{n}" for n in range(200)] + ["Ada"]),
        ada(),
        {("in", "allowed_users", "ada")},
    ),
    "each rule that is enough": (
        plain("generic-oauth", **IN_GROUPS, allowed_users=["ada"], allowed_groups=["a", "b", "c"]),
        ada(groups=["a", "c"]),
        {
            ("in", "allowed_users", "ada"),
            ("in", "allowed_groups", "a"),
            ("in", "allowed_groups", "c"),
        },
    ),
    "an admin by name": (
        plain("generic-oauth", **OIDC, admin_users=["ada"]),
        ada(),
        {("in", "admin_users", "ada"), ("admin", "admin_users", "ada")},
    ),
    "an admin by group": (
        plain("generic-oauth", **IN_GROUPS, admin_groups=["staff"], allow_all=True),
        ada(groups=["staff"]),
        {("in", "allow_all"), ("in", "admin_groups", "staff"), ("admin", "admin_groups", "staff")},
    ),
    "an organisation": (
        plain("github", allowed_organizations=["club", "lab"], scope=["read:org"]),
        github_claims("ada", "lab"),
        {("in", "allowed_organizations", "lab")},
    ),
    "scopes, all of them": (
        plain("github", allowed_scopes=["read:org"], scope=["read:org"]),
        github_claims("ada"),
        {("in", "allowed_scopes")},
    ),
    "everybody of an institution": (
        plain("cilogon", idps={CAMPUS: {**EMAIL, "allow_all": True}, GOOGLE: EMAIL}),
        ada_at(CAMPUS),
        {("in", "idps", CAMPUS, "allow_all")},
    ),
    "a domain of an institution": (
        plain("cilogon", idps={CAMPUS: {**EMAIL, "allowed_domains": ["x.org", "*.Example.edu"]}}),
        ada_at(CAMPUS),
        {("in", "idps", CAMPUS, "allowed_domains", "*.example.edu")},
    ),
}


@pytest.mark.parametrize("name", LETS_IN)
def test_somebody_gets_in_by(name: str) -> None:
    values, claims, expected = LETS_IN[name]
    found = asked(values, claims)
    assert found["allowed"]
    assert found["decided"] == "rules"
    assert said(found) == expected


def test_what_decided_takes_as_many_tries_among_many_institutions_as_among_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[int] = []

    async def counted(*argv: Any) -> dict[str, Any]:
        tries[-1] += 1
        return await verdicts.decide(*argv)

    monkeypatch.setattr(rules, "decide", counted)
    for many in (1, 50):
        tries.append(0)
        others = {f"https://idp{n}.example.org": {**EMAIL, "allow_all": True} for n in range(many)}
        assert asked(
            plain("cilogon", idps={**others, CAMPUS: {**EMAIL, "allow_all": True}}), ada_at(CAMPUS)
        )["allowed"]
    assert tries[0] == tries[1]


KEEPS_OUT: dict[str, tuple[dict[str, Any], dict[str, Any], set[tuple[Any, ...]]]] = {
    "a blocked name": (
        plain("generic-oauth", **OIDC, allow_all=True, blocked_users=["eve", "ada"]),
        ada(),
        {("out", "blocked_users", "ada")},
    ),
    "a name that is blocked, and not allowed either": (
        plain("generic-oauth", **OIDC, allowed_users=["eve"], blocked_users=["ada"]),
        ada(),
        {("out", "blocked_users", "ada")},
    ),
    "another Workspace": (
        plain("google", hosted_domain=["lab.org", "club.org"], allow_all=True),
        google_claims("ada@uni.example.edu", hosted=True),
        {("out", "hosted_domain")},
    ),
    "the pattern of names": (
        plain("generic-oauth", **OIDC, allow_all=True, username_pattern="[0-9]+"),
        ada(),
        {("out", "username_pattern")},
    ),
    "an institution that is not listed": (
        plain("cilogon", idps={CAMPUS: {**EMAIL, "allow_all": True}}),
        ada_at(ELSEWHERE),
        {("out", "idps")},
    ),
    "the operator's own hook": (
        plain(
            "generic-oauth",
            "async def out(authenticator, handler, model):\n    return None\n"
            "c.Authenticator.post_auth_hook = out\n",
            **OIDC,
            allow_all=True,
        ),
        ada(),
        {("out", "post_auth_hook")},
    ),
}


@pytest.mark.parametrize("name", KEEPS_OUT)
def test_somebody_is_kept_out_by(name: str) -> None:
    values, claims, expected = KEEPS_OUT[name]
    found = asked(values, claims)
    assert not found["allowed"]
    assert found["decided"] == "rules"
    assert said(found) == expected


def test_nothing_decides_when_no_rule_lets_somebody_in() -> None:
    found = asked(plain("generic-oauth", **OIDC, allowed_users=["eve"]), ada())
    assert (found["allowed"], found["decided"], found["rules"]) == (False, "nothing", [])
    assert "ada" in found["reason"]


def test_what_the_provider_leaves_out_is_no_rule() -> None:
    claims = ada()
    del claims["preferred_username"]
    found = asked(plain("generic-oauth", **OIDC, allow_all=True), claims)
    assert (found["allowed"], found["decided"]) == (False, "code")


OURS = """
from oauthenticator.generic import GenericOAuthenticator

class Ours(GenericOAuthenticator):
    async def check_allowed(self, username, auth_model):
        return username.startswith("a")

c.JupyterHub.authenticator_class = Ours
"""


def test_a_class_that_decides_by_itself_is_called_code() -> None:
    values = {"hub": {"config": {"Ours": OIDC}, "extraConfig": {"ours": OURS}}}
    assert asked(values, ada())["decided"] == "code"
    assert asked(values, ada(preferred_username="eve"))["decided"] == "nothing"


COHORTS = """
from oauthenticator.generic import GenericOAuthenticator
from traitlets import Set

class Ours(GenericOAuthenticator):
    allowed_cohorts = Set(config=True)

    async def check_allowed(self, username, auth_model):
        if await super().check_allowed(username, auth_model):
            return True
        user = auth_model["auth_state"]["oauth_user"]
        return user.get("cohort") in self.allowed_cohorts

c.JupyterHub.authenticator_class = Ours
c.Ours.allowed_cohorts = {"2025", "2026"}
"""


FAILS = """
from oauthenticator.generic import GenericOAuthenticator

class Ours(GenericOAuthenticator):
    def user_info_to_username(self, user_info):
        return user_info["no-such-claim"]

c.JupyterHub.authenticator_class = Ours
"""
WITHOUT_A_NAME = """
def username(user_info):
    return user_info["no-such-claim"]

c.GenericOAuthenticator.username_claim = username
"""


def test_code_that_fails_is_an_error_of_the_hub_for_people_and_has_its_line() -> None:
    values = {"hub": {"config": {"Ours": OIDC}, "extraConfig": {"ours": FAILS}}}
    found = asked(values, ada())
    assert (found["allowed"], found["decided"]) == (False, "code")
    assert found["reason"] == "500 : Internal Server Error"
    assert found["note"] == "the hub's own code failed: KeyError: 'no-such-claim'"
    assert found["block"] == ["ours", 6]


def test_a_function_that_gives_no_name_has_its_line() -> None:
    oidc = {key: value for key, value in OIDC.items() if key != "username_claim"}
    values = plain("generic-oauth", WITHOUT_A_NAME, **oidc, allow_all=True)
    assert asked(values, ada())["block"] == ["code", 3]


@pytest.mark.parametrize(
    ("values", "claims", "at"),
    [
        (
            plain("generic-oauth", **(OIDC | {"scope": ["openid"]}), allow_all=True),
            ada(),
            ["username_claim"],
        ),
        (
            plain("cilogon", idps={CAMPUS: {**EMAIL, "allow_all": True}}),
            {"sub": "1", "idp": CAMPUS},
            ["idps", CAMPUS, "username_derivation", "username_claim"],
        ),
        (SEVERAL, ada(preferred_username="staff:olga"), []),
    ],
)
def test_where_a_user_name_is_missing_the_setting_that_makes_it_is_named(
    values: dict[str, Any], claims: dict[str, Any], at: list[str]
) -> None:
    provider = "students" if "global" in values else "login"
    found = asked(values, claims, provider)
    assert (found["allowed"], found["decided"], found["at"]) == (False, "code", at)


def test_who_is_kept_out_reads_the_operators_own_message() -> None:
    values = plain(
        "generic-oauth", **OIDC, allow_all=True, username_pattern="x", custom_403_message="100% no"
    )
    assert asked(values, ada())["reason"] == "100% no"


def test_a_rule_that_a_class_of_the_operator_has_is_known() -> None:
    values = {"hub": {"config": {"Ours": OIDC}, "extraConfig": {"ours": COHORTS}}}
    assert said(asked(values, ada(cohort="2026"))) == {("in", "allowed_cohorts", "2026")}


def test_each_of_several_providers_has_rules_of_its_own() -> None:
    staff = asked(SEVERAL, github_claims("olga"), "staff")
    assert staff["username"] == "staff:olga"
    assert said(staff) == {("in", "allowed_users", "olga"), ("in", "allow_all")}
    blocked = asked(SEVERAL, github_claims("eve"), "staff")
    assert said(blocked) == {("out", "blocked_users", "eve")}
    assert said(asked(SEVERAL, ada(preferred_username="eve"), "students")) == {("in", "allow_all")}


def test_a_name_that_is_kept_for_another_provider_is_no_rule() -> None:
    found = asked(SEVERAL, ada(preferred_username="staff:olga"), "students")
    assert (found["allowed"], found["decided"]) == (False, "code")
    assert "staff:olga" in found["reason"]


def test_the_authenticator_is_as_before() -> None:
    async def ask() -> None:
        with provider_in_process() as provider:
            values = plain("generic-oauth", **OIDC, allowed_users=["ada"], admin_users=["eve"])
            c, _ = configured(values, provider)
            provider.set_personas([Persona("p", "login", "x", "", "", ada())])
            hub = c.JupyterHub.authenticator_class(config=c)
            client = hub.http_client
            await rules.explained(hub, "login", "p", "x", {})
            assert (hub.allowed_users, hub.admin_users, hub.allow_all) == ({"ada"}, {"eve"}, False)
            assert hub.http_client is client

    run_async(ask())


@pytest.mark.parametrize("users", [{"load_groups": {"lab": {"users": ["Ada"]}}}])
def test_groups_of_the_configuration_hold_the_hubs_names(users: dict[str, Any]) -> None:
    values = plain("generic-oauth", **OIDC, allow_all=True)
    values["hub"]["config"]["JupyterHub"] |= users
    assert asked(values, ada())["groups"] == ["lab"]


@pytest.mark.parametrize(
    "values",
    [
        plain("generic-oauth", **OIDC, admin_users=["a/b"]),
        {
            **plain("generic-oauth", **IN_GROUPS),
            "hub": {
                "config": {
                    "JupyterHub": {
                        "authenticator_class": "generic-oauth",
                        "load_groups": {"lab": {"users": ["ada"]}},
                    },
                    "GenericOAuthenticator": IN_GROUPS,
                }
            },
        },
    ],
)
def test_a_hub_that_would_not_start_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"valid user name|load_groups"):
        asked(values, ada())
