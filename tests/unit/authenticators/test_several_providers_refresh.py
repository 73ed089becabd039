"""Several providers on one hub: each refreshes its own people."""

from __future__ import annotations

from typing import Any

import pytest

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    GENERIC,
    User,
    Visitor,
    configured,
    mock_provider,
)
from tests.unit.authenticators.several_providers import (
    CAMPUS,
    GITHUB,
    IDPS,
    OIDC,
    federated,
    settings,
    visit,
)


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
