"""What somebody reads who is not let in."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from tornado.httpclient import HTTPResponse
from tornado.web import HTTPError

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    ENTITY,
    authenticator_of,
    configured,
    decide,
    mock_provider,
    one,
    running,
)

CILOGON = {"idps": {ENTITY: {"username_derivation": {"username_claim": "eppn"}}}}
ADA = {"idp": ENTITY, "idp_name": "Uni <b>Example</b>", "eppn": "ada@uni.example.edu"}
OCTOCAT = {"login": "ada", "id": 1, "email": None}
GITHUB = one("github", {"allowed_users": ["bob"]})


def words(settings: dict[str, Any], user: dict[str, Any]) -> str:
    with pytest.raises(HTTPError) as refused:
        decide(authenticator_of(configured(settings)), user)
    assert refused.value.status_code == 403
    return str(refused.value.log_message)


def test_the_account_and_the_institution_are_named() -> None:
    said = words(one("cilogon", CILOGON), ADA)
    assert "ada@uni.example.edu at Uni <b>Example</b>" in said
    assert "operator" in said


def test_the_provider_is_named_where_there_is_no_institution() -> None:
    assert "ada with GitHub" in words(GITHUB, OCTOCAT)


def test_another_institution_is_named() -> None:
    other = ADA | {"idp": "https://other.example.org", "idp_name": "Other College"}
    assert "Other College" in words(one("cilogon", CILOGON), other)


def test_a_blocked_account_reads_no_more_than_any_other() -> None:
    blocked = one("github", {"allow_all": True, "blocked_users": ["ada"]})
    assert words(blocked, OCTOCAT) == words(GITHUB, OCTOCAT)


def test_the_operators_own_message_is_shown_instead() -> None:
    settings = one("github", {"custom_403_message": "Ask at the front desk."})

    async def visit() -> None:
        async with running(configured(settings)) as (hub, visitor):
            reply = await visitor.log_in(hub.authenticator, OCTOCAT)
            assert reply.status_code == 403
            assert "Ask at the front desk." in reply.text

    run_async(visit())


def test_the_page_shows_the_words_escaped() -> None:
    async def visit() -> None:
        async with running(configured(one("cilogon", CILOGON))) as (hub, visitor):
            reply = await visitor.log_in(hub.authenticator, ADA)
            assert reply.status_code == 403
            assert "ada@uni.example.edu at Uni &lt;b&gt;Example" in reply.text
            assert "<b>Example" not in reply.text

    run_async(visit())


@pytest.mark.parametrize(
    ("error", "status"), [("access_denied", 403), ("server_error", 400), ("login_required", 400)]
)
def test_a_providers_own_words_reach_the_person(error: str, status: int) -> None:
    async def visit() -> None:
        async with running(configured(GITHUB)) as (_, visitor):
            begun = await visitor.begin("/hub/oauth_login")
            query = {
                "error": error,
                "error_description": "User\nalready <exists> 100%",
                "state": begun["state"],
            }
            reply = await visitor.get("/hub/oauth_callback", params=query)
            assert reply.status_code == status
            assert "GitHub did not log you in" in reply.text
            assert "User already &lt;exists&gt; 100%" in reply.text

    run_async(visit())


@pytest.mark.parametrize("state", [None, "forged", "eyJzdGF0ZV9pZCI6ICJ4In0="])
def test_words_that_this_browser_did_not_ask_for_are_not_repeated(state: str | None) -> None:
    async def visit() -> None:
        async with running(configured(GITHUB)) as (_, visitor):
            await visitor.begin("/hub/oauth_login")
            query = {"error": "access_denied", "error_description": "Call 0900 now"}
            reply = await visitor.get(
                "/hub/oauth_callback", params=query | ({"state": state} if state else {})
            )
            assert reply.status_code == 400
            assert "0900" not in reply.text

    run_async(visit())


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, b"", "did not finish your login"),
        (400, b'{"error_description": "Code <expired>"}', "Code &lt;expired&gt;"),
        (599, b"", "does not answer"),
        (200, b"not json", "did not finish your login"),
    ],
)
def test_a_provider_that_fails_is_no_internal_error(
    status: int, body: bytes, expected: str
) -> None:
    async def visit() -> None:
        async with running(configured(GITHUB)) as (hub, visitor):
            begun = await visitor.begin("/hub/oauth_login")

            def answer(request: Any) -> HTTPResponse:
                return HTTPResponse(request, status, buffer=BytesIO(body))

            client = mock_provider(hub.authenticator)
            client.add_host("github.com", [("/login/oauth/access_token", answer)])
            reply = await visitor.get(
                "/hub/oauth_callback", params={"code": "c", "state": begun["state"]}
            )
            assert reply.status_code == 502
            assert expected in reply.text

    run_async(visit())


def test_coming_back_from_a_logout_shows_the_login_page() -> None:
    async def visit() -> None:
        async with running(configured(GITHUB)) as (_, visitor):
            reply = await visitor.get("/hub/oauth_callback")
            assert reply.headers["location"] == "/hub/login"

    run_async(visit())


def test_with_automatic_login_coming_back_from_a_logout_does_not_log_in_again() -> None:
    async def visit() -> None:
        settings = one("github", {"auto_login": True})
        async with running(configured(settings)) as (_, visitor):
            reply = await visitor.get("/hub/oauth_callback")
            assert (reply.status_code, "logged out" in reply.text) == (200, True)

    run_async(visit())
