"""A provider in trouble is no provider that says no, and costs nobody their refresh token."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest
from fedhub_authenticators.refusals import Reason, Refused
from oauthenticator.tests.mocks import MockAsyncHTTPClient
from tornado.httpclient import HTTPClientError, HTTPResponse
from tornado.httputil import HTTPHeaders

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    GENERIC,
    ISSUER,
    PUBLIC_KEY,
    User,
    authenticator_of,
    configured,
    id_token,
    one,
)
from tests.unit.authenticators.mocked import PROVIDERS, attach
from tests.unit.authenticators.test_grace import ADA, Hub, failing

RATE_LIMITS: list[Mapping[str, str]] = [{"X-RateLimit-Remaining": "0"}, {"Retry-After": "60"}]


def answer(
    request: Any, status: int, body: Any = None, headers: Mapping[str, str] | None = None
) -> HTTPResponse:
    content = io.BytesIO(json.dumps(body).encode())
    return HTTPResponse(request, status, headers=HTTPHeaders(headers or {}), buffer=content)


# --- rules that ask the provider ----------------------------------------------------------

RULES = {
    "github organisation": ("github", {"allowed_organizations": ["staff"]}),
    "github team": ("github", {"allowed_organizations": ["staff:team"]}),
    "gitlab group": ("gitlab", {"allowed_gitlab_groups": ["staff"]}),
    "gitlab project": ("gitlab", {"allowed_project_ids": [7]}),
}
TROUBLE = {
    "500": (500, {}),
    "503": (503, {}),
    "429": (429, {}),
    "599": (599, {}),
    "403, no calls left": (403, RATE_LIMITS[0]),
    "403, wait": (403, RATE_LIMITS[1]),
}


class Member:
    """Somebody whom a rule lets in that asks the provider, as long as it answers."""

    def __init__(self, rule: str) -> None:
        name, config = RULES[rule]
        self._provider = PROVIDERS[name]
        self.authenticator = authenticator_of(configured(one(name, config)))
        self.status = 0
        self.headers: Mapping[str, str] = {}

    def client(self) -> MockAsyncHTTPClient:
        client = attach(self._provider, self.authenticator, self._provider.ada)

        def membership(request: Any) -> Any:
            if self.status:
                return answer(request, self.status, {}, self.headers)
            if "projects" in request.url:
                return answer(request, 200, {"access_level": 30})
            return answer(request, 204 if "github" in request.url else 200, {})

        for host in ("api.github.com", "gitlab.com"):
            pages = client.hosts.get(host)
            if pages is not None:
                kept = [(path, page) for path, page in pages if not hasattr(path, "pattern")]
                client.hosts[host] = [*kept, (re.compile(".*members.*"), membership)]
        return client

    async def log_in(self) -> Any:
        handler = self.client().handler_for_user(dict(self._provider.ada.claims))
        return await self.authenticator.get_authenticated_user(handler, None)

    async def refresh(self, model: Mapping[str, Any]) -> Any:
        client = self.client()
        token = model["auth_state"]["token_response"]["access_token"]
        client.access_tokens[token] = dict(self._provider.ada.claims)
        user = User(model["name"], model["auth_state"])
        return await self.authenticator.refresh_user(user, None)


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("rule", RULES)
def test_a_membership_that_cannot_be_told_is_no_refusal(rule: str, trouble: str) -> None:
    async def go() -> None:
        member = Member(rule)
        model = await member.log_in()
        assert isinstance(await member.refresh(model), dict)
        member.status, member.headers = TROUBLE[trouble]
        kept = await member.refresh(model)
        assert isinstance(kept, dict)
        assert "provider_failing_since" in kept["auth_state"]
        with pytest.raises(HTTPClientError):
            await member.log_in()

    run_async(go())


@pytest.mark.parametrize("status", [302, 403, 404])
@pytest.mark.parametrize("rule", RULES)
def test_a_membership_that_is_denied_is_one(rule: str, status: int) -> None:
    async def go() -> None:
        member = Member(rule)
        model = await member.log_in()
        member.status = status
        assert await member.refresh(model) is False
        with pytest.raises(Refused) as error:
            await member.log_in()
        assert error.value.why is Reason.NOT_ALLOWED

    run_async(go())


# --- refresh tokens that are good for one use ----------------------------------------------


class OneUse:
    """A provider that takes each refresh token once, and old access tokens never."""

    def __init__(self) -> None:
        self.status = 0
        self.good = {"r"}
        self._count = 0

    def token(self, request: Any) -> Any:
        given = parse_qs(request.body.decode())["refresh_token"][0]
        if given not in self.good:
            return answer(request, 400, {"error": "invalid_grant"})
        self._count += 1
        self.good = {f"r{self._count}"}
        return {
            "access_token": f"a{self._count}",
            "refresh_token": f"r{self._count}",
            "token_type": "Bearer",
        }

    def userinfo(self, request: Any) -> Any:
        if request.headers["Authorization"].endswith(" t"):
            return answer(request, 401)
        return answer(request, self.status) if self.status else ADA


@pytest.mark.parametrize("status", [503, 429, 599])
def test_a_failure_after_a_renewal_loses_no_token(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    hub, provider = Hub(monkeypatch), OneUse()
    provider.status = status
    assert hub.refresh(provider.userinfo, provider.token)
    assert hub.user.auth_state["refresh_token"] == "r1"
    assert hub.user.auth_state["token_response"]["access_token"] == "a1"
    provider.status = 0
    assert hub.refresh(provider.userinfo, provider.token)


def test_groups_that_cannot_be_had_after_a_renewal_put_nobody_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def down(auth_state: Any) -> Any:
        raise HTTPClientError(503)

    traits = {"manage_groups": True, "auth_state_groups_key": down}
    hub, provider = Hub(monkeypatch, **traits), OneUse()
    assert hub.refresh(provider.userinfo, provider.token)
    assert hub.user.auth_state["refresh_token"] == "r1"


# --- what only the ID token says ------------------------------------------------------------

IN_ID_TOKEN = GENERIC | {
    "username_claim": "name",
    "scope": ["openid"],
    "userdata_url": "",
    "client_id": "the-hub",
    "issuer": ISSUER,
    "jwks_url": f"{ISSUER}/jwks",
    "userdata_from_id_token": True,
    "manage_groups": True,
    "auth_state_groups_key": "oauth_user.groups",
    "allowed_groups": ["staff"],
}


def refreshed_by_id_token(renewal: Any, **kept: Any) -> Any:
    """Refresh somebody of the group "staff", whom the login's ID token has for hours to come."""
    authenticator = authenticator_of(configured(one("generic-oauth", IN_ID_TOKEN)))

    async def go() -> Any:
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host("oidc.example.org", [("/token", renewal)])
        client.add_host("issuer.example.org", [("/jwks", lambda _: {"keys": [PUBLIC_KEY]})])
        authenticator.http_client = client
        claims = {"sub": "1", "name": "ada", "groups": ["staff"], "aud": "the-hub"}
        token = id_token(claims | {"exp": 4_000_000_000})
        response = {"access_token": "t", "token_type": "Bearer", "id_token": token, **kept}
        state = {"access_token": "t", "id_token": token, "token_response": response, **kept}
        return await authenticator.refresh_user(User("ada", state), None)

    return run_async(go())


def renewal(groups: list[str]) -> Any:
    claims = {"sub": "1", "name": "ada", "groups": groups, "aud": "the-hub"}
    return lambda _: {"access_token": "x", "token_type": "Bearer", "id_token": id_token(claims)}


def test_whoever_left_a_group_is_out_though_the_logins_id_token_still_holds() -> None:
    kept = refreshed_by_id_token(renewal(["staff"]), refresh_token="r")
    assert kept["groups"] == ["staff"]
    assert refreshed_by_id_token(renewal([]), refresh_token="r") is False


def test_without_a_renewal_the_logins_id_token_counts_until_it_ends() -> None:
    assert refreshed_by_id_token(failing(500))["groups"] == ["staff"]

    def without_id_token(_: Any) -> Any:
        return {"access_token": "x", "token_type": "Bearer"}

    assert refreshed_by_id_token(without_id_token, refresh_token="r")["groups"] == ["staff"]
