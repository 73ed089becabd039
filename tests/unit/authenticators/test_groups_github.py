"""GitHub's organisations and teams as groups of the hub."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fedhub_authenticators.refusals import Reason, Refused
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    User,
    authenticator_of,
    configured,
    mock_provider,
    one,
)

ADA = {"login": "ada", "id": 1, "email": "ada@example.org"}
ON = {"manage_groups": True, "scope": ["read:org"]}


def github(**config: Any) -> Any:
    return authenticator_of(configured(one("github", ON | config)))


def team(name: str) -> dict[str, Any]:
    organisation, slug = name.split(":")
    return {"name": slug.title(), "slug": slug, "organization": {"login": organisation}}


def provider(authenticator: Any, orgs: Any, teams: Any) -> Any:
    """GitHub's API; answers with a hundred at once, or with what is no list as it is."""
    client = mock_provider(authenticator)

    def paged(answer: Any) -> Any:
        def page(request: Any) -> Any:
            assert request.headers["Authorization"]
            if not isinstance(answer, list):
                return answer
            query = parse_qs(urlsplit(request.url).query)
            size, number = int(query["per_page"][0]), int(query["page"][0])
            return answer[(number - 1) * size : number * size]

        return page

    client.hosts["api.github.com"] += [("/user/orgs", paged(orgs)), ("/user/teams", paged(teams))]
    return client


def login(authenticator: Any, orgs: Any, teams: Any) -> Any:
    async def go() -> Any:
        handler = provider(authenticator, orgs, teams).handler_for_user(ADA)
        return await authenticator.get_authenticated_user(handler, None)

    return run_async(go())


def refresh(authenticator: Any, orgs: Any, teams: Any) -> Any:
    async def go() -> Any:
        provider(authenticator, orgs, teams).access_tokens["t"] = ADA
        token = {"access_token": "t", "token_type": "bearer"}
        return await authenticator.refresh_user(User("ada", {"token_response": token}))

    return run_async(go())


LAB = [{"login": "Lab"}]
TEAM = [team("Lab:staff")]

TABLE: list[tuple[str, dict[str, Any], Any, Any, Any]] = [
    # config, organisations, teams, and groups; None: not in
    ("00", {"allowed_groups": ["Lab"]}, LAB, [], ["Lab"]),
    ("01", {"allowed_groups": ["Lab:staff"]}, LAB, TEAM, ["Lab", "Lab:staff"]),
    ("02", {"allowed_groups": ["Lab:staff"]}, LAB, [], None),
    ("03", {"allowed_groups": ["Lab:staff"]}, LAB, [team("Lab:students")], None),
    ("04", {"allowed_groups": ["staff"]}, LAB, TEAM, None),
    ("05", {"allow_all": True}, [], [], []),
    # a team elsewhere with the same name is another one
    ("06", {"allowed_groups": ["Lab:staff"]}, [{"login": "Evil"}], [team("Evil:staff")], None),
    ("07", {"allowed_groups": ["s"], "groups_mapping": {"Lab:staff": "s"}}, LAB, TEAM, ["s"]),
]


@pytest.mark.parametrize(
    ("row", "config", "orgs", "teams", "groups"), TABLE, ids=[row[0] for row in TABLE]
)
def test_organisations_and_teams_are_groups_at_login_and_at_refresh(
    row: str, config: dict[str, Any], orgs: Any, teams: Any, groups: Any
) -> None:
    authenticator = github(**config)
    try:
        model = login(authenticator, orgs, teams)
    except HTTPError as refused:
        assert refused.status_code == 403
        model = None
    assert (model["groups"] if model else None) == groups
    again = refresh(authenticator, orgs, teams)
    assert (again["groups"] if again else None) == groups


def test_somebody_taken_out_of_a_team_is_out_at_the_next_refresh() -> None:
    authenticator = github(allowed_groups=["Lab:staff"])
    assert refresh(authenticator, LAB, TEAM)["groups"] == ["Lab", "Lab:staff"]
    assert refresh(authenticator, LAB, []) is False


def test_members_of_a_team_that_administers_are_admins_while_they_are_in_it() -> None:
    authenticator = github(allowed_groups=["Lab"], admin_groups=["Lab:staff"])
    assert refresh(authenticator, LAB, TEAM)["admin"] is True
    assert refresh(authenticator, LAB, [])["admin"] is False


def test_all_pages_count() -> None:
    teams = [team(f"Lab:t{number}") for number in range(200)]
    assert len(login(github(allow_all=True), LAB, teams)["groups"]) == 201


@pytest.mark.parametrize("answer", [403, 404, {}, {"message": "?"}, [{}], ["Lab"], [{"login": 1}]])
def test_an_answer_in_doubt_lets_nobody_in(answer: Any) -> None:
    with pytest.raises(Refused) as refused:
        login(github(allow_all=True), answer, TEAM)
    assert refused.value.why is Reason.GROUPS
    assert refresh(github(allow_all=True), answer, TEAM) is False


def test_github_being_down_throws_nobody_out_at_once() -> None:
    authenticator = github(allow_all=True)
    with pytest.raises(HTTPClientError):
        login(authenticator, 503, [])
    kept = refresh(authenticator, 503, [])
    assert kept["groups"] is None


def test_github_is_asked_for_groups_only_where_they_are_wanted() -> None:
    assert login(github(manage_groups=False, allow_all=True), 500, 500)["name"] == "ada"
