"""Which Custos it is: said, or found out, never guessed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from fedhub_authenticators.custos import CustosOAuthenticator
from fedhub_authenticators.custos_discovery import UnknownAddressError
from fedhub_authenticators.staying_in import FAILING_SINCE
from oauthenticator.tests.mocks import MockAsyncHTTPClient
from tornado.httpclient import HTTPResponse
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import User

HOST = "custos.example.org"
IAM = "https://iam.example.org/auth"
PROTOCOL = f"{IAM}/realms/10000007/protocol/openid-connect"
V1_PATH = "/api/v1/identity-management/tenant/10000007/.well-known/openid-configuration"
LEGACY_PATH = "/apiserver/identity-management/v1.0.0/.well-known/openid-configuration"
V1 = {
    "issuer": "https://10000007.usecustos.org",
    "authorization_endpoint": f"https://{HOST}/api/v1/identity-management/authorize",
    "end_session_endpoint": f"{PROTOCOL}/logout",
}
LEGACY = {"issuer": f"{IAM}/realms/10000007", "authorization_endpoint": f"{PROTOCOL}/auth"}


def custos(**traits: Any) -> Any:
    given = {"client_id": "custos-abc-10000007", "client_secret": "s", "custos_host": HOST}
    return CustosOAuthenticator(config=Config({"CustosOAuthenticator": given | traits}))


def find(authenticator: Any, answers: Mapping[str, Any]) -> list[str]:
    """Let it find out; a path without an answer is a 404. Returns what was asked, in order."""
    asked: list[str] = []

    async def go() -> None:
        client = MockAsyncHTTPClient(force_instance=True)

        def answer(request: Any) -> Any:
            path = urlsplit(request.url).path
            asked.append(path)
            found = answers.get(path)
            if isinstance(found, int):
                return HTTPResponse(request, found, buffer=io.BytesIO(b"no"))
            return found

        client.add_host(HOST, [(path, answer) for path in (V1_PATH, LEGACY_PATH, REALM_PATH)])
        authenticator.http_client = client
        try:
            await authenticator.find_addresses()
        finally:
            authenticator.http_client = None

    run_async(go())
    return asked


def test_v1_is_found() -> None:
    found = custos(flavour="auto")
    assert find(found, {V1_PATH: V1, LEGACY_PATH: LEGACY}) == [V1_PATH]
    assert (found.flavour, found.enable_pkce) == ("v1", False)
    assert found.token_url == f"https://{HOST}/api/v1/identity-management/token"
    assert found.userdata_url == f"https://{HOST}/api/v1/user-management/userinfo"
    assert found.authorize_url == f"{PROTOCOL}/auth"
    assert found.username_claim == "preferred_username"
    assert "profile" in found.scope
    assert found.default_issuer() == f"{IAM}/realms/10000007"


@pytest.mark.parametrize("no", [404, 401, 400, b"<!doctype html>", {}, [], {"issuer": 1}])
def test_legacy_is_found_where_v1_is_not_there(no: Any) -> None:
    found = custos(flavour="auto")
    assert find(found, {V1_PATH: no, LEGACY_PATH: LEGACY}) == [V1_PATH, LEGACY_PATH]
    assert (found.flavour, found.enable_pkce, found.username_claim) == ("legacy", False, "username")
    assert found.token_url == f"https://{HOST}/apiserver/identity-management/v1.0.0/token"
    assert found.authorize_url == f"{PROTOCOL}/auth"


@pytest.mark.parametrize(
    "answers",
    [
        {V1_PATH: 500, LEGACY_PATH: LEGACY},
        {V1_PATH: 599, LEGACY_PATH: LEGACY},
        {LEGACY_PATH: 503},
        {},
        {V1_PATH: V1 | {"end_session_endpoint": "https://evil.example/logout"}},
        {V1_PATH: V1 | {"end_session_endpoint": f"{IAM}/realms/666/protocol/x"}},
    ],
)
def test_nothing_is_guessed(answers: Mapping[str, Any]) -> None:
    found = custos(flavour="auto")
    with pytest.raises(UnknownAddressError, match="does not say where to sign in"):
        find(found, answers)
    assert (found.flavour, found.token_url, found.authorize_url) == ("auto", "", "")


def test_what_was_found_is_kept() -> None:
    found = custos(flavour="auto")
    find(found, {V1_PATH: V1})
    assert find(found, {}) == []


def test_what_the_operator_set_stays() -> None:
    own = {"scope": ["openid"], "username_claim": "email", "iam_url": "https://kc.example.org"}
    found = custos(flavour="auto", **own)
    find(found, {V1_PATH: V1})
    assert (found.scope, found.username_claim) == (["openid"], "email")
    assert found.authorize_url.startswith("https://kc.example.org/realms/10000007/")


@pytest.mark.parametrize("flavour", ["legacy", "v1", "keycloak"])
def test_a_flavour_that_is_said_is_not_asked_for(flavour: str) -> None:
    found = custos(flavour=flavour, iam_url=IAM)
    assert find(found, {}) == []
    assert found.flavour == flavour


REALM_PATH = "/auth/realms/10000007/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("answer", "flavour"), [({"issuer": "x"}, "keycloak"), (404, "auto"), (503, "auto")]
)
def test_a_keycloak_alone_is_found_where_the_operator_says_that_there_is_one(
    answer: Any, flavour: str
) -> None:
    found = custos(flavour="auto", iam_url=f"https://{HOST}/auth")
    try:
        find(found, {REALM_PATH: answer})
    except UnknownAddressError:
        assert flavour == "auto"
    assert found.flavour == flavour
    assert found.enable_pkce is (flavour == "keycloak")


def test_the_realm_of_a_keycloak_behind_custos_is_asked_for() -> None:
    found = custos(flavour="keycloak")
    find(found, {V1_PATH: V1})
    assert (found.flavour, found.token_url) == ("keycloak", f"{PROTOCOL}/token")
    assert found.enable_pkce is True


def test_an_authorize_address_tells_the_realms_keys() -> None:
    found = custos(authorize_url=f"{PROTOCOL}/auth")
    assert found.default_jwks_url() == f"{PROTOCOL}/certs"


def test_a_refresh_while_nobody_can_say_which_custos_it_is_throws_nobody_out() -> None:
    """A hub that starts while Custos is down must not end everybody's session."""
    found = custos(flavour="auto", allow_all=True)

    async def go() -> Any:
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host(HOST, [(V1_PATH, lambda request: 503)])
        found.http_client = client
        token = {"access_token": "t", "token_type": "Bearer"}
        return await found.refresh_user(User("ada", {"token_response": token}))

    kept = run_async(go())
    assert isinstance(kept, dict)
    assert FAILING_SINCE in kept["auth_state"]
