"""Clients registered at `/oauth2/oidc-cm` log people in at the same face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.contract.oa4mp_endpoint import BODY, Endpoint
from tests.providers import CALLBACK, Clock

SignIn = Callable[..., dict[str, str]]
NEW_CALLBACK = "https://new.example.org/hub/oauth_callback"


class Hub:
    """A hub with the credentials that the registration brought."""

    def __init__(self, endpoint: Endpoint, said: dict[str, Any], sign_in: SignIn) -> None:
        self.url = endpoint.provider.url
        self.client_id: str = said["client_id"]
        self.secret: str = said.get("client_secret", "")
        self.sign_in = sign_in

    def authorize_url(self, **more: str) -> str:
        asked = {"response_type": "code", "client_id": self.client_id, "redirect_uri": CALLBACK}
        return f"{self.url}/authorize?{urlencode(asked | {'scope': 'openid email'} | more)}"

    def ask_for_token(self, **form: str) -> httpx.Response:
        known = {"client_id": self.client_id, "client_secret": self.secret}
        return httpx.post(f"{self.url}/oauth2/token", data=known | form)

    def redeem(self, code: str) -> httpx.Response:
        return self.ask_for_token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)

    def refresh(self, token: str) -> httpx.Response:
        return self.ask_for_token(grant_type="refresh_token", refresh_token=token)

    def log_in(self) -> dict[str, Any]:
        query = self.sign_in(self.authorize_url(), "ada-cilogon")
        reply = self.redeem(query["code"])
        assert reply.status_code == 200, reply.text
        said: dict[str, Any] = reply.json()
        return said

    def userinfo(self, token: dict[str, Any]) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        return httpx.get(f"{self.url}/oauth2/userinfo", headers=bearer)


def test_a_login_works_at_once(endpoint: Endpoint, sign_in: SignIn) -> None:
    hub = Hub(endpoint, endpoint.registered(), sign_in)
    assert hub.userinfo(hub.log_in()).json()["email"] == "ada@example.edu"


def test_another_secret_is_refused(endpoint: Endpoint, sign_in: SignIn) -> None:
    hub = Hub(endpoint, endpoint.registered(), sign_in)
    code = sign_in(hub.authorize_url(), "ada-cilogon")["code"]
    right = hub.secret
    for wrong in ("", "wrong", f"{right} "):
        hub.secret = wrong
        assert hub.redeem(code).status_code == 400
    hub.secret = right
    assert hub.redeem(code).status_code == 200


def test_callbacks_are_exact(endpoint: Endpoint, sign_in: SignIn) -> None:
    hub = Hub(endpoint, endpoint.registered(), sign_in)
    for wrong in (f"{CALLBACK}/", CALLBACK.upper(), NEW_CALLBACK):
        reply = httpx.get(hub.authorize_url(redirect_uri=wrong))
        assert (reply.status_code, reply.text.splitlines()[0]) == (400, 'error="invalid_request"')


@pytest.mark.parametrize(
    ("asked", "scope", "allowed"),
    [
        ({}, "openid own:scope", False),
        ({"scope": "openid own:scope"}, "openid own:scope", True),
        ({"strict_scopes": False}, "openid own:scope", True),
        ({"scope": "openid"}, "openid email", True),  # the server knows it
        ({"scope": "openid", "use_server_scopes": True}, "openid email", False),
    ],
)
def test_scopes(
    endpoint: Endpoint, sign_in: SignIn, asked: dict[str, Any], scope: str, allowed: bool
) -> None:
    hub = Hub(endpoint, endpoint.registered(**asked), sign_in)
    query = sign_in(hub.authorize_url(scope=scope), "ada-cilogon")
    assert ("code" in query, query.get("error")) == (allowed, None if allowed else "invalid_scope")


@pytest.mark.parametrize(
    ("asked", "refreshes"),
    [
        ({}, False),
        ({"grant_types": ["authorization_code"]}, False),
        ({"grant_types": ["authorization_code", "refresh_token"]}, True),
        ({"rt_lifetime": 864000}, True),
        ({"rt_lifetime": 0}, False),
    ],
)
def test_refresh_tokens_are_for_those_who_asked(
    endpoint: Endpoint, sign_in: SignIn, asked: dict[str, Any], refreshes: bool
) -> None:
    hub = Hub(endpoint, endpoint.registered(**asked), sign_in)
    token = hub.log_in()
    assert ("refresh_token" in token) == refreshes
    if refreshes:
        assert hub.refresh(token["refresh_token"]).status_code == 200


def test_an_update_ends_no_login(endpoint: Endpoint, sign_in: SignIn, clock: Clock) -> None:
    asked = {"grant_types": ["authorization_code", "refresh_token"]}
    hub = Hub(endpoint, endpoint.registered(**asked), sign_in)
    token = hub.log_in()
    code = sign_in(hub.authorize_url(), "ada-cilogon")["code"]
    changed = BODY | asked | {"redirect_uris": [CALLBACK, NEW_CALLBACK]}
    assert endpoint.put(hub.client_id, changed).status_code == 200
    assert hub.userinfo(token).status_code == 200
    assert hub.refresh(token["refresh_token"]).status_code == 200
    assert hub.redeem(code).status_code == 200
    # And the new callback is good at once.
    page = httpx.get(hub.authorize_url(redirect_uri=NEW_CALLBACK))
    assert page.status_code == 200


def test_a_callback_that_was_taken_away_is_refused(endpoint: Endpoint, sign_in: SignIn) -> None:
    hub = Hub(endpoint, endpoint.registered(), sign_in)
    assert endpoint.put(hub.client_id, BODY | {"redirect_uris": [NEW_CALLBACK]}).status_code == 200
    assert httpx.get(hub.authorize_url()).status_code == 400


def test_a_deleted_client_is_refused(endpoint: Endpoint, sign_in: SignIn) -> None:
    asked = {"grant_types": ["authorization_code", "refresh_token"]}
    hub = Hub(endpoint, endpoint.registered(**asked), sign_in)
    token = hub.log_in()
    code = sign_in(hub.authorize_url(), "ada-cilogon")["code"]
    endpoint.delete(hub.client_id)
    assert httpx.get(hub.authorize_url()).status_code == 500
    assert hub.redeem(code).json()["error"] == "unauthorized_client"
    assert hub.refresh(token["refresh_token"]).json()["error"] == "unauthorized_client"
    assert hub.userinfo(token).status_code == 400


def test_a_public_client_has_no_login_here(endpoint: Endpoint, sign_in: SignIn) -> None:
    said = endpoint.registered(token_endpoint_auth_method="none", scope="openid")
    hub = Hub(endpoint, said, sign_in)
    code = sign_in(hub.authorize_url(scope="openid"), "ada-cilogon")["code"]
    assert hub.redeem(code).status_code == 400


def test_the_people_of_the_administrative_clients_provider_sign_in(endpoint: Endpoint) -> None:
    endpoint.registered()
    listed = httpx.get(f"{endpoint.provider.url}/idplist/").json()
    assert [idp["DisplayName"] for idp in listed] == ["Example University"]
