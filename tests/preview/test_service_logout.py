"""Logging out of the hub ends what an application got of that login, and no more."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.oidc_hub import (
    GRAFANA,
    INSIDER,
    OPERATOR,
    PLAIN,
    Person,
    answer_of,
    log_until,
)
from tests.previews import RunningHub

WAYS = {"oauth": (f"{PLAIN}authorize", f"{PLAIN}token", "api/user", 403)}
WAYS["openid"] = ("oidc/authorize", "oidc/token", "oidc/userinfo", 401)
"""Where codes and tokens come from, who takes tokens, and how a bad one is refused."""


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def person(hub: RunningHub) -> Iterator[Person]:
    with Person(hub, INSIDER) as found:
        yield found


def code_of(hub: RunningHub, person: Person, way: str) -> str:
    scope = "openid" if way == "openid" else None
    return answer_of(person.go(GRAFANA.address(hub, at=WAYS[way][0], scope=scope)))["code"]


def redeemed(hub: RunningHub, code: str, way: str) -> httpx.Response:
    return GRAFANA.redeem(hub, code, at=WAYS[way][1])


def token_of(hub: RunningHub, person: Person, way: str) -> str:
    return str(redeemed(hub, code_of(hub, person, way), way).json()["access_token"])


def who_is(hub: RunningHub, token: str, way: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{hub.url}hub/{WAYS[way][2]}", headers=headers, trust_env=False)


def log_out(hub: RunningHub, person: Person) -> None:
    person.get(f"{hub.url}hub/logout")
    assert person.user(hub) is None


def test_a_token_ends_with_the_session_it_came_from(
    hub: RunningHub, person: Person, way: str
) -> None:
    token = token_of(hub, person, way)
    assert who_is(hub, token, way).status_code == 200
    log_out(hub, person)
    assert who_is(hub, token, way).status_code == WAYS[way][3]


def test_a_code_ends_with_the_session_it_came_from(
    hub: RunningHub, person: Person, way: str
) -> None:
    code = code_of(hub, person, way)
    log_out(hub, person)
    reply = redeemed(hub, code, way)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")
    if way == "openid":
        log_until(hub, "the person has logged out since")
    assert who_is(hub, token_of(hub, person, way), way).status_code == 200, "they may come again"


def test_a_session_in_another_browser_goes_on(hub: RunningHub, person: Person, way: str) -> None:
    with Person(hub, INSIDER) as elsewhere:
        token, code = token_of(hub, elsewhere, way), code_of(hub, elsewhere, way)
        token_of(hub, person, way)
        log_out(hub, person)
        assert who_is(hub, token, way).status_code == 200
        assert redeemed(hub, code, way).status_code == 200


def test_whom_nobody_is_logged_in_as_cannot_end_anybodys_session(
    hub: RunningHub, person: Person, way: str
) -> None:
    token, code = token_of(hub, person, way), code_of(hub, person, way)
    with httpx.Client(trust_env=False) as somebody:
        session = person.cookies.get("jupyterhub-session-id", path="/") or ""
        assert session
        somebody.cookies.set("jupyterhub-session-id", session)
        somebody.get(f"{hub.url}hub/logout")
    assert who_is(hub, token, way).status_code == 200
    assert redeemed(hub, code, way).status_code == 200


def test_who_is_out_in_every_browser_is_out_of_applications(
    hub: RunningHub, person: Person, way: str
) -> None:
    token, code = token_of(hub, person, way), code_of(hub, person, way)
    name = who_is(hub, token, "oauth").json()["name"]
    freed = httpx.delete(
        f"{hub.url}hub/api/fedhub/bindings/{name}",
        headers={"Authorization": f"token {OPERATOR}"},
        trust_env=False,
    )
    assert freed.status_code == 204
    assert who_is(hub, token, way).status_code == WAYS[way][3]
    assert redeemed(hub, code, way).status_code == 400
