"""Several providers on one hub: names, rules, refresh, pages."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest
from fedhub_authenticators import configure
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub import orm
from oauthenticator.github import GitHubOAuthenticator
from tornado.web import HTTPError
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    DOMAIN,
    ENTITY,
    GENERIC,
    User,
    Visitor,
    authenticator_of,
    configured,
    decide,
    mock_provider,
    running,
)

IDPS = {ENTITY: {"username_derivation": {"username_claim": "eppn"}, "allow_all": True}}
GITHUB = {"login": "olga", "id": 1, "email": None}
CAMPUS = {"idp": ENTITY, "eppn": "olga"}
OIDC = {"username": "olga", "groups": ["g1"]}


def settings(
    students: dict[str, Any] | None = None, staff: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Students by a campus account under their own names, staff by GitHub, and more."""
    return {
        "domain": DOMAIN,
        "login": {
            "students": {
                "authenticator": "cilogon",
                "prefix": "",
                "config": {"idps": IDPS},
                **(students or {}),
            },
            "staff": {
                "authenticator": "github",
                "config": {"allow_all": True},
                **(staff or {}),
            },
            **more,
        },
    }


def federated(c: Config | None = None, **change: Any) -> Any:
    return authenticator_of(configured(settings(**change), c))


def logged_in(authenticator: Any, name: str, user: dict[str, Any]) -> dict[str, Any]:
    model = decide(authenticator.authenticators[name], user)
    assert model is not None
    return model


# --- names and rules ----------------------------------------------------------------------

OLGA = {"allowed_users": ["olga"]}
ADMIN = {"admin_users": ["Olga"]}
ROWS: list[tuple[str, dict[str, Any], str, dict[str, Any], str | None, bool]] = [
    # each provider's names
    ("00", {}, "staff", GITHUB, "staff:olga", False),
    ("01", {}, "students", CAMPUS, "olga", False),
    ("02", {"staff": {"prefix": "gh-"}}, "staff", GITHUB, "gh-olga", False),
    # each provider's rules see its own names
    ("10", {"staff": {"config": OLGA}}, "staff", GITHUB, "staff:olga", False),
    ("11", {"staff": {"config": {"allowed_users": ["bob"]}}}, "staff", GITHUB, None, False),
    ("12", {"staff": {"config": {"allowed_users": ["staff:olga"]}}}, "staff", GITHUB, None, False),
    ("13", {"staff": {"config": {}}}, "staff", GITHUB, None, False),
    # the admin of one provider is not the admin of another
    ("20", {"staff": {"config": ADMIN}}, "staff", GITHUB, "staff:olga", True),
    ("21", {"staff": {"config": ADMIN}}, "students", CAMPUS, "olga", False),
    # blocking and patterns are a provider's own, too
    (
        "30",
        {"staff": {"config": {"allow_all": True, "blocked_users": ["olga"]}}},
        "staff",
        GITHUB,
        None,
        False,
    ),
    (
        "31",
        {"staff": {"config": {"allow_all": True, "username_pattern": "^[a-z]+$"}}},
        "staff",
        GITHUB,
        "staff:olga",
        False,
    ),
    # a name of another provider is refused, whoever has it
    ("40", {}, "students", CAMPUS | {"eppn": "staff:olga"}, None, False),
    ("41", {}, "students", CAMPUS | {"eppn": "STAFF:olga"}, None, False),
    ("42", {}, "staff", GITHUB | {"login": "staff:olga"}, "staff:staff:olga", False),
]


@pytest.mark.parametrize(
    ("row", "change", "provider", "user", "name", "admin"), ROWS, ids=[row[0] for row in ROWS]
)
def test_who_gets_in_under_which_name(
    row: str,
    change: dict[str, Any],
    provider: str,
    user: dict[str, Any],
    name: str | None,
    admin: bool,
) -> None:
    try:
        model = decide(federated(**change).authenticators[provider], user) or {}
    except HTTPError as refused:
        assert refused.status_code == 403
        model = {}
    assert (model.get("name"), bool(model.get("admin"))) == (name, admin)


@pytest.mark.parametrize("section", ["Authenticator", "OAuthenticator"])
def test_names_for_the_whole_hub_are_the_hubs_names(section: str) -> None:
    c = Config()
    c[section].admin_users = {"olga"}
    authenticator = federated(c)
    assert logged_in(authenticator, "students", CAMPUS)["admin"] is True
    assert not logged_in(authenticator, "staff", GITHUB)["admin"]
    assert authenticator.admin_users == {"olga"}

    c[section].admin_users = {"staff:Olga"}
    authenticator = federated(c)
    assert not logged_in(authenticator, "students", CAMPUS)["admin"]
    assert logged_in(authenticator, "staff", GITHUB)["admin"] is True


def test_other_traits_of_shared_sections_go_to_every_provider() -> None:
    c = Config()
    c.Authenticator.auth_refresh_age = 77
    c.OAuthenticator.custom_403_message = "no"
    c.GitHubOAuthenticator.client_id = "Iv1"
    members = federated(c).authenticators
    assert {member.auth_refresh_age for member in members.values()} == {77}
    assert {member.custom_403_message for member in members.values()} == {"no"}
    assert (members["staff"].client_id, members["students"].client_id) == ("Iv1", "")


def test_a_list_extended_in_a_section_is_extended_once() -> None:
    c = Config()
    c.GitHubOAuthenticator.scope.append("read:org")
    for authenticator in (federated(c), federated(c)):
        assert authenticator.authenticators["staff"].scope == ["read:org"]


@given(name=st.text(min_size=1))
def test_the_hubs_name_tells_the_provider(name: str) -> None:
    authenticator = FEDERATED
    for member in authenticator.authenticators.values():
        hub_name = member.hub_name(name)
        owner = authenticator.member_of(hub_name)
        if owner is member:
            assert member.own_name(hub_name) == name
        else:
            # Only the provider without a prefix can reach for another's names: and is refused.
            assert member.prefix == ""
            assert hub_name.startswith(owner.prefix)


FEDERATED = federated()


@pytest.mark.parametrize(
    ("first", "second"), [("", ""), ("a", "a"), ("a:", "a:b:"), ("A:", "b:"), ("a/", "b:")]
)
def test_prefixes_that_do_not_tell_users_apart_stop_the_hub(first: str, second: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        federated(students={"prefix": first}, staff={"prefix": second})


@pytest.mark.parametrize("name", ["api", "login", "Staff", "a/b", "", "a b"])
def test_a_provider_cannot_take_one_of_jupyterhubs_addresses(name: str) -> None:
    c = Config()
    c.FederatedAuthenticator.providers = {name: {"authenticator_class": "github"}}
    from fedhub_authenticators.federated import FederatedAuthenticator

    with pytest.raises(ValueError, match="provider's name"):
        FederatedAuthenticator(config=c)


def test_a_hook_sees_the_hubs_name_and_cannot_take_another_providers() -> None:
    def rename(authenticator: Any, handler: Any, model: dict[str, Any]) -> dict[str, Any]:
        seen.append(model["name"])
        return model | {"name": to}

    seen: list[str] = []
    c = Config()
    c.Authenticator.post_auth_hook = rename
    to = "staff:o"
    assert logged_in(federated(c), "staff", GITHUB)["name"] == "staff:o"
    assert seen == ["staff:olga"]
    to = "olga"
    with pytest.raises(HTTPError, match="kept for"):
        logged_in(federated(c), "staff", GITHUB)


# --- refresh ------------------------------------------------------------------------------


def refresh(authenticator: Any, user: User, claims: dict[str, Any] | None = None) -> Any:
    """Refresh a user whose provider now says something else."""

    async def go() -> Any:
        for member in authenticator.authenticators.values():
            client = mock_provider(member)
            if claims is not None:
                client.access_tokens["t"] = claims
        return await authenticator.refresh_user(user)

    return run_async(go())


def state(provider: str) -> dict[str, Any]:
    token = {"access_token": "t", "token_type": "Bearer"}
    return {"provider": provider, "token_response": token}


def test_each_user_is_refreshed_by_their_own_provider() -> None:
    authenticator = federated()
    model = refresh(authenticator, User("staff:olga", state("staff")), GITHUB)
    assert (model["auth_state"]["provider"], "github_user" in model["auth_state"]) == (
        "staff",
        True,
    )
    model = refresh(authenticator, User("olga", state("students")), CAMPUS)
    assert "cilogon_user" in model["auth_state"]


@pytest.mark.parametrize(
    ("name", "auth_state"),
    [
        ("staff:olga", None),
        ("staff:olga", {}),
        ("staff:olga", state("students")),
        ("olga", state("staff")),
        ("olga", {"token_response": {"access_token": "t", "token_type": "Bearer"}}),
    ],
)
def test_whoever_came_another_way_must_log_in_again(name: str, auth_state: Any) -> None:
    assert refresh(federated(), User(name, auth_state), GITHUB | CAMPUS) is False


def test_users_of_a_provider_that_is_gone_must_log_in_again() -> None:
    authenticator = federated(students={"prefix": "campus:"})
    assert refresh(authenticator, User("olga", state("students")), CAMPUS) is False


def test_a_provider_that_manages_no_groups_leaves_them_alone() -> None:
    oidc = {
        "authenticator": "generic-oauth",
        "config": GENERIC
        | {
            "manage_groups": True,
            "auth_state_groups_key": "oauth_user.groups",
            "allow_all": True,
        },
    }
    authenticator = federated(lab=oidc)
    assert authenticator.manage_groups is True
    assert refresh(authenticator, User("staff:olga", state("staff")), GITHUB)["groups"] is None
    assert refresh(authenticator, User("lab:olga", state("lab")), OIDC)["groups"] == ["g1"]


def test_the_shortest_refresh_age_counts_and_zero_is_never() -> None:
    config = {"allow_all": True}
    authenticator = federated(
        staff={"config": config | {"auth_refresh_age": 0}},
        students={"config": {"idps": IDPS, "auth_refresh_age": 60}},
    )
    assert authenticator.auth_refresh_age == 60
    assert refresh(authenticator, User("staff:olga", state("staff"))) is True


def test_a_visit_to_another_providers_pages_is_no_refresh() -> None:
    """Even where that provider keeps nothing to refresh anybody with."""
    staff = {"config": {"allow_all": True, "enable_auth_state": False}}

    async def journey(hub: Any, visitor: Visitor) -> None:
        students = hub.authenticator.authenticators["students"]
        await visitor.log_in(students, CAMPUS | {"sub": "1"}, "/students")
        students.http_client.access_tokens.clear()
        hub.users["olga"]._auth_refreshed = None
        await visitor.begin("/hub/staff/oauth_login")
        assert "login" in (await visitor.get("/hub/home")).headers["location"]

    visit(configured(settings(staff=staff)), journey)


def test_a_providers_tokens_are_not_shown_to_another_at_its_logout() -> None:
    lab = {
        "authenticator": "generic-oauth",
        "config": GENERIC
        | {
            "revocation_url": "https://oidc.example.org/revoke",
            "end_session_url": "https://oidc.example.org/logout",
        },
    }
    asked = []

    def revoke(request: Any) -> dict[str, Any]:
        asked.append(request)
        return {}

    async def journey(hub: Any, visitor: Visitor) -> None:
        students, other = (hub.authenticator.authenticators[name] for name in ("students", "lab"))
        await visitor.log_in(students, CAMPUS | {"sub": "1"}, "/students")
        kept = await hub.users["olga"].get_auth_state()
        assert kept["id_token"]
        mock_provider(other).add_host("oidc.example.org", [("/revoke", revoke)])
        reply = await visitor.get("/hub/lab/logout")
        assert reply.headers["location"].startswith("https://oidc.example.org/logout")
        assert kept["id_token"] not in reply.headers["location"]
        assert "login" in (await visitor.get("/hub/home")).headers["location"]

    visit(configured(settings(lab=lab)), journey)
    assert not asked


# --- what JupyterHub asks -----------------------------------------------------------------


class Hooked(GitHubOAuthenticator):
    """A provider with hooks of its own."""

    calls: ClassVar[list[tuple[str, str]]] = []

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        self.calls.append(("start", user.name))

    def post_spawn_stop(self, user: Any, spawner: Any) -> None:
        self.calls.append(("stop", user.name))

    def delete_user(self, user: Any) -> None:
        super().delete_user(user)
        self.calls.append(("delete", user.name))


def test_hooks_run_at_the_users_own_provider() -> None:
    c = Config()
    c.FederatedAuthenticator.providers = {
        "one": {"authenticator_class": Hooked},
        "two": {"authenticator_class": "github"},
    }
    from fedhub_authenticators.federated import FederatedAuthenticator

    authenticator = FederatedAuthenticator(config=c)
    Hooked.calls = []
    for name in ("one:olga", "two:olga", "olga"):
        user = User(name, None)
        started = authenticator.pre_spawn_start(user, None)
        if started is not None:
            run_async(started)
        authenticator.post_spawn_stop(user, None)
        authenticator.delete_user(user)
    assert Hooked.calls == [("start", "one:olga"), ("stop", "one:olga"), ("delete", "olga")]


def test_existing_users_are_allowed_at_their_own_provider_only() -> None:
    authenticator = federated(
        staff={"config": {"allow_existing_users": True}},
        students={
            "config": {"idps": {ENTITY: {"username_derivation": {"username_claim": "eppn"}}}}
        },
    )
    for name in ("staff:olga", "pat"):
        authenticator.add_user(User(name, None))
    assert logged_in(authenticator, "staff", GITHUB)["name"] == "staff:olga"
    for provider, user in (
        ("students", CAMPUS),
        ("students", CAMPUS | {"eppn": "pat"}),
        ("staff", GITHUB | {"login": "pat"}),
    ):
        with pytest.raises(HTTPError):
            logged_in(authenticator, provider, user)
    authenticator.delete_user(User("staff:olga", None))
    with pytest.raises(HTTPError):
        logged_in(authenticator, "staff", GITHUB)


def test_a_pattern_is_held_against_the_providers_name() -> None:
    c = Config()
    c.Authenticator.username_pattern = "^[a-z]+$"
    authenticator = federated(c)
    assert authenticator.validate_username("staff:olga")
    assert not authenticator.validate_username("staff:olga1")
    assert not authenticator.validate_username("staff:")


def test_the_hub_knows_the_admins_of_every_provider() -> None:
    async def start() -> None:
        c = configured(settings(staff={"config": {"admin_users": ["Olga"]}}))
        async with running(c) as (hub, _):
            users = {user.name: user.admin for user in hub.db.query(orm.User)}
            assert users == {"staff:olga": True}

    run_async(start())


# --- pages --------------------------------------------------------------------------------


def visit(c: Config, journey: Any) -> None:
    async def go() -> None:
        async with running(c) as (hub, visitor):
            await journey(hub, visitor)

    run_async(go())


def test_each_provider_has_a_button_that_keeps_where_to_go() -> None:
    async def journey(hub: Any, visitor: Visitor) -> None:
        page = (await visitor.get("/hub/login", params={"next": "/hub/spawn?a=1&b=2"})).text
        assert re.findall(r'href="(/hub/\w+/oauth_login[^"]*)"', page) == [
            "/hub/students/oauth_login?next=%2Fhub%2Fspawn%3Fa%3D1%26b%3D2",
            "/hub/staff/oauth_login?next=%2Fhub%2Fspawn%3Fa%3D1%26b%3D2",
        ]
        assert "Sign in with GitHub" in page

    visit(configured(settings()), journey)


def test_a_label_is_text_whatever_it_holds() -> None:
    label = "<script>alert(1)</script> {{ authenticator.authenticators }} {% raw %}"

    async def journey(hub: Any, visitor: Visitor) -> None:
        page = (await visitor.get("/hub/login")).text
        assert "&lt;script&gt;alert(1)" in page
        assert "{{ authenticator.authenticators }} {% raw %}" in page

    visit(configured(settings(staff={"label": label, "config": {}})), journey)


def test_people_log_in_and_out_at_their_provider() -> None:
    async def journey(hub: Any, visitor: Visitor) -> None:
        members = hub.authenticator.authenticators
        begun = await visitor.begin("/hub/staff/oauth_login?next=%2Fhub%2Fhome")
        assert begun["redirect_uri"] == f"https://{DOMAIN}/hub/staff/oauth_callback"
        reply = await visitor.log_in(members["staff"], GITHUB, "/staff")
        assert reply.status_code == 302
        assert "staff:olga" in (await visitor.get("/hub/home")).text
        user = hub.users["staff:olga"]
        assert (await user.get_auth_state())["provider"] == "staff"
        assert (await visitor.get("/hub/logout")).headers["location"] == "/hub/staff/logout"
        # GitHub leads nobody back, so the hub's own page is where a logout ends.
        assert (await visitor.get("/hub/staff/logout")).status_code == 200
        assert "login" in (await visitor.get("/hub/home")).headers["location"]
        assert (await visitor.get("/hub/logout")).headers["location"] == "/hub/login"

    c = configured(settings(staff={"config": {"allow_all": True, "client_id": "Iv1"}}))
    visit(c, journey)


def test_a_login_begun_at_one_provider_does_not_end_at_another() -> None:
    async def journey(hub: Any, visitor: Visitor) -> None:
        members = hub.authenticator.authenticators
        begun = await visitor.begin("/hub/students/oauth_login")
        code = mock_provider(members["staff"]).handler_for_user(GITHUB).get_argument("code")
        reply = await visitor.get(
            "/hub/staff/oauth_callback", params={"code": code, "state": begun["state"]}
        )
        assert reply.status_code == 400
        assert "another provider" in reply.text

    visit(configured(settings()), journey)


@pytest.mark.parametrize("path", ["/hub/oauth_login", "/hub/oauth_callback?code=a&state=b"])
def test_there_is_no_login_beside_the_providers(path: str) -> None:
    async def journey(hub: Any, visitor: Visitor) -> None:
        assert (await visitor.get(path)).status_code == 404
        await visitor.get("/hub/login")
        form = {"username": "olga", "password": "x", "_xsrf": visitor.cookies.get("_xsrf") or ""}
        assert (await visitor.post("/hub/login", data=form)).status_code == 403

    visit(configured(settings()), journey)


def test_automatic_login_gives_way_to_the_choice() -> None:
    c = Config()
    c.Authenticator.auto_login = True

    async def journey(hub: Any, visitor: Visitor) -> None:
        assert (await visitor.get("/hub/login")).status_code == 200

    visit(configured(settings(), c), journey)


def test_one_provider_with_a_prefix_keeps_the_usual_addresses() -> None:
    only = {"authenticator": "github", "prefix": "gh:", "config": {"allow_all": True}}
    c = Config()
    configure(c, {"domain": DOMAIN, "login": {"main": only}})

    async def journey(hub: Any, visitor: Visitor) -> None:
        begun = await visitor.begin("/hub/oauth_login")
        assert begun["redirect_uri"] == f"https://{DOMAIN}/hub/oauth_callback"
        await visitor.log_in(hub.authenticator.authenticators["main"], GITHUB)
        assert "gh:olga" in (await visitor.get("/hub/home")).text

    visit(c, journey)


def test_a_rule_for_custos_makes_nobody_of_a_keycloak_an_admin() -> None:
    c = Config()
    c.CustosOAuthenticator.admin_users = {"olga"}
    realm = {"iam_url": "https://iam.example.org/auth", "realm": "r1"}
    login = {
        "custos": {"authenticator": "custos", "config": {"client_id": "custos-x-1"}},
        "campus": {"authenticator": "keycloak", "config": realm},
    }
    found = authenticator_of(configured({"domain": DOMAIN, "login": login}, c))
    assert found.admin_users == {"custos:olga"}
