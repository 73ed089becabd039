"""Custos where no server is needed: addresses, settings, strange answers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fedhub_authenticators.custos import CustosOAuthenticator
from fedhub_authenticators.custos_discovery import UnknownAddressError
from fedhub_authenticators.custos_rest import _session_is_over
from fedhub_authenticators.keycloak import KeycloakOAuthenticator
from oauthenticator.tests.mocks import MockAsyncHTTPClient, setup_oauth_mock
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse
from tornado.web import HTTPError
from traitlets import TraitError
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import User, speak_openid

HOST = "prod.custos.usecustos.org"
API = "/apiserver/identity-management/v1.0.0"
MEMBERSHIPS = "/apiserver/group-management/v1.0.0/user/group/memberships"
ADA = {"username": "Ada", "sub": "s", "email_address": "ada@example.org"}


def custos(**traits: Any) -> Any:
    given = {"client_id": "custos-abc-10000007", "client_secret": "s3cret"} | traits
    return CustosOAuthenticator(config=Config({"CustosOAuthenticator": given}))


# --- addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_the_public_hosts_have_a_known_keycloak(stage: str) -> None:
    found = custos(custos_host=f"{stage}.custos.usecustos.org")
    assert found.authorize_url == (
        f"https://{stage}.keycloak.usecustos.org/auth/realms/10000007/protocol/openid-connect/auth"
    )
    assert found.token_url == f"https://{stage}.custos.usecustos.org{API}/token"


@pytest.mark.parametrize("host", ["custos.scigap.org", "custos.example.org", ""])
def test_no_address_without_a_host_is_made_up_for_others(host: str) -> None:
    assert custos(custos_host=host).authorize_url == ""


def test_the_host_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOS_HOST", "custos.example.org")
    assert custos().custos_url == "https://custos.example.org"


def test_settings_stand_over_what_follows_from_others() -> None:
    found = custos(iam_url="http://127.0.0.1:1/auth/", realm="r", custos_url="http://127.0.0.1:2/")
    assert found.authorize_url == ("http://127.0.0.1:1/auth/realms/r/protocol/openid-connect/auth")
    assert found.userdata_url == f"http://127.0.0.1:2{API}/user"


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("custos_host", "https://custos.example.org"),
        ("iam_url", "iam.example.org"),
        ("flavour", "v9"),
    ],
)
def test_a_wrong_setting_stops_the_hub(trait: str, value: str) -> None:
    with pytest.raises(TraitError, match=trait):
        custos(**{trait: value})


def test_pkce_is_off_where_the_verifier_could_not_be_sent() -> None:
    assert custos().enable_pkce is False
    assert custos(flavour="keycloak").enable_pkce is True


def test_a_rule_about_groups_turns_groups_on() -> None:
    assert custos().manage_groups is False
    assert custos(allowed_groups=["g"]).manage_groups is True
    assert custos(admin_groups=["g"]).manage_groups is True


def test_a_rule_about_groups_with_groups_off_stops_the_hub() -> None:
    with pytest.raises(ValueError, match="manage_groups"):
        custos(allowed_groups=["g"], manage_groups=False)


def test_a_keycloak_without_an_address_says_so() -> None:
    found = KeycloakOAuthenticator(config=Config())
    with pytest.raises(UnknownAddressError, match="iam_url"):
        run_async(found.find_addresses())


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"authorization_endpoint": "https:///auth/realms/1/x"},
        {"authorization_endpoint": "http://iam.example.org/auth/realms/1/x"},
        {"authorization_endpoint": "https://iam.example.org/auth"},
        {"authorization_endpoint": 1},
        [],
        b"not json",
        500,
    ],
)
def test_custos_word_on_its_keycloak_is_not_taken_blindly(answer: Any) -> None:
    async def go() -> None:
        found = custos(custos_host="custos.example.org")
        client = MockAsyncHTTPClient(force_instance=True)
        path = f"{API}/.well-known/openid-configuration"
        client.add_host("custos.example.org", [(path, lambda request: answer)])
        found.http_client = client
        with pytest.raises(UnknownAddressError):
            await found.find_addresses()
        assert found.authorize_url == ""

    run_async(go())


# --- a login ------------------------------------------------------------------------------


def login(authenticator: Any, groups: Any = None, user: Any = None) -> tuple[Any, list[Any]]:
    """Log in; Custos answers the question about groups as told. Returns what it was asked."""
    asked: list[Any] = []

    def keep(answer: Any) -> Any:
        def handle(request: Any) -> Any:
            asked.append(request)
            return answer(request) if callable(answer) else answer

        return handle

    async def go() -> Any:
        client = MockAsyncHTTPClient(force_instance=True)
        setup_oauth_mock(client, HOST, f"{API}/token", f"{API}/user")
        token, _ = (handler for _, handler in client.hosts[HOST])
        client.add_host(
            HOST,
            [
                (f"{API}/token", keep(token)),
                (f"{API}/user", keep(user or ADA)),
                (MEMBERSHIPS, keep(groups)),
            ],
        )
        speak_openid(authenticator, client)
        handler = client.handler_for_user(ADA)
        return await authenticator.get_authenticated_user(handler, None)

    return run_async(go()), asked


GROUPS = {"groups": [{"id": "g-1", "name": "admins"}, {"id": "g-2", "name": "users"}]}

TABLE: list[tuple[str, dict[str, Any], bool, bool]] = [
    ("00", {}, False, False),
    ("01", {"allow_all": True}, True, False),
    ("02", {"allowed_users": ["ada"]}, True, False),
    ("03", {"allowed_users": ["bob"]}, False, False),
    ("04", {"admin_users": ["ada"]}, True, True),
    ("05", {"blocked_users": ["ada"], "allow_all": True}, False, False),
    # groups: ids count, names only when told so
    ("10", {"allowed_groups": ["g-1"]}, True, False),
    ("11", {"allowed_groups": ["g-9"]}, False, False),
    ("12", {"allowed_groups": ["admins"]}, False, False),
    ("13", {"allowed_groups": ["admins"], "groups_by_name": True}, True, False),
    ("14", {"allowed_groups": ["g-1"], "groups_by_name": True}, False, False),
    ("15", {"admin_groups": ["g-2"]}, True, True),
    ("16", {"admin_groups": ["g-9"], "allow_all": True}, True, False),
]


@pytest.mark.parametrize(
    ("row", "traits", "allowed", "admin"), TABLE, ids=[row[0] for row in TABLE]
)
def test_who_gets_in(row: str, traits: dict[str, Any], allowed: bool, admin: bool) -> None:
    try:
        model, _ = login(custos(**traits), GROUPS)
    except HTTPError as refused:
        assert refused.status_code == 403
        model = None
    assert (model is not None, bool(model and model["admin"])) == (allowed, admin)


def test_custos_is_asked_in_its_own_way() -> None:
    model, asked = login(custos(allowed_groups=["g-1"]), GROUPS)
    token, user, groups = asked
    assert model["name"] == "ada"
    assert (token.method, token.body) == ("POST", b"")
    assert set(parse_qs(urlsplit(token.url).query)) == {"grant_type", "code", "redirect_uri"}
    assert "access_token" in parse_qs(urlsplit(user.url).query)
    # The name as Custos has it, not as the hub writes it.
    assert parse_qs(urlsplit(groups.url).query) == {"profile.username": ["Ada"]}
    expected = "Bearer Y3VzdG9zLWFiYy0xMDAwMDAwNzpzM2NyZXQ="
    assert {request.headers["Authorization"] for request in asked} == {expected}


@pytest.mark.parametrize(
    "groups",
    [
        None,
        500,
        b"not json",
        {},
        [],
        {"groups": None},
        {"groups": {"g-1": 1}},
        {"groups": "g-1"},
        {"groups": ["g-1"]},
        {"groups": [{"name": "g-1"}]},
        {"groups": [{"id": ["g-1"], "name": "x"}]},
        {"groups": [{"id": "g-1", "name": "x"}, {"id": None, "name": "y"}]},
    ],
)
def test_groups_in_doubt_let_nobody_in(groups: Any) -> None:
    with pytest.raises((HTTPError, HTTPClientError, ValueError)):
        login(custos(allowed_groups=["g-1"], allow_all=True), groups)


def test_nobody_in_a_group_is_refused() -> None:
    with pytest.raises(HTTPError) as refused:
        login(custos(allowed_groups=["g-1"]), {"groups": []})
    assert refused.value.status_code == 403


@pytest.mark.parametrize("user", [b"[]", b"null", b'"ada"', {"sub": "s"}, {"username": ""}])
def test_nobody_without_a_name_gets_in(user: Any) -> None:
    with pytest.raises((HTTPError, ValueError)):
        login(custos(allow_all=True), user=user)


# --- refresh ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"code": 13, "message": "Token is expired", "details": []}'),
        (500, b'{"code": 13, "message": "invalid_grant Session not active", "details": []}'),
        (401, b'{"code": 16, "message": "Request is not authorized", "details": []}'),
    ],
)
def test_a_session_that_cannot_be_refreshed_ends_in_a_login(status: int, body: bytes) -> None:
    async def go() -> None:
        found = custos(allow_all=True, enable_auth_state=True)
        client = MockAsyncHTTPClient(force_instance=True)

        def fail(request: Any) -> HTTPResponse:
            return HTTPResponse(request, status, buffer=io.BytesIO(body))

        client.add_host(HOST, [(f"{API}/user", fail), (f"{API}/token", fail)])
        found.http_client = client
        state = {
            "refresh_token": "r",
            "token_response": {"access_token": "t", "token_type": "Bearer"},
        }
        assert await found.refresh_user(User("ada", state)) is False

    run_async(go())


def test_a_session_custos_calls_expired_with_a_500_is_renewed() -> None:
    async def go() -> None:
        found = custos(allow_all=True, enable_auth_state=True)
        client = MockAsyncHTTPClient(force_instance=True)

        def user(request: Any) -> Any:
            if "access_token=new" in request.url:
                return ADA
            body = io.BytesIO(b'{"code": 13, "message": "Token is expired"}')
            return HTTPResponse(request, 500, buffer=body)

        new = {"access_token": "new"}
        client.add_host(HOST, [(f"{API}/user", user), (f"{API}/token", lambda request: new)])
        found.http_client = client
        state = {
            "refresh_token": "r",
            "token_response": {"access_token": "t", "token_type": "Bearer"},
        }
        model = await found.refresh_user(User("ada", state))
        assert model["auth_state"]["access_token"] == "new"
        assert model["auth_state"]["refresh_token"] == "r"

    run_async(go())


@pytest.mark.parametrize(
    ("message", "over"),
    [
        ("invalid_grant Code not valid", True),
        ("Token is expired", True),
        ("invalid_grant Session not active", True),
        ("Request is not authorized, token is not valid", True),
        ("Token verification failed", True),
        ("user_session_not_found", True),
        ("INTERNAL: Could not open Hibernate Session for transaction", False),
        ("PKIX path validation failed: certificate expired", False),
        ("Connection pool expired", False),
        ("session factory could not be built", False),
        ("", False),
    ],
)
def test_a_custos_that_has_failed_is_told_from_a_session_that_is_over(
    message: str, over: bool
) -> None:
    body = io.BytesIO(json.dumps({"code": 13, "message": message}).encode())
    response = HTTPResponse(HTTPRequest("https://custos.example.org"), 500, buffer=body)
    assert _session_is_over(HTTPClientError(500, response=response)) is over


def test_the_secret_that_custos_knows_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "custos"
    file.write_text("first\n")
    traits = {"flavour": "keycloak", "custos_client_secret_file": str(file), "iam_url": "https://i"}
    found = CustosOAuthenticator(config=Config({"CustosOAuthenticator": traits}))
    assert found.custos_secret() == "first"
    file.write_text("second")
    assert found.custos_secret() == "second"
    file.unlink()
    assert found.custos_secret() == "second"
