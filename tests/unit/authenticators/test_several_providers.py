"""Several providers on one hub: names, rules, what JupyterHub asks."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
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
    User,
    authenticator_of,
    configured,
    decide,
    running,
)
from tests.unit.authenticators.several_providers import (
    CAMPUS,
    GITHUB,
    federated,
    logged_in,
    settings,
)

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
