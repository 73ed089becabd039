"""Custos' replies to each mistake: v1.0.0 in gRPC's codes, v1 in plain text."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK, CLIENT_IDS, SECRET, Clock, callback_query, hub_at

ID = CLIENT_IDS["custos"]
LEGACY = "/apiserver/identity-management/v1.0.0"
GROUPS = "/apiserver/group-management/v1.0.0"
V1 = "/api/v1/identity-management"


def tenant(secret: str = SECRET, kind: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{kind} {base64.b64encode(f'{ID}:{secret}'.encode()).decode()}"}


@pytest.fixture
def code(web: FlaskClient) -> str:
    asked = {"client_id": ID, "redirect_uri": CALLBACK, "response_type": "code", "state": "s"}
    reply = web.get(f"{LEGACY}/authorize", query_string=asked | {"scope": "openid email"}).json
    assert reply is not None
    login = urlsplit(reply["loginURI"])
    signed_in = web.post(f"{login.path}?{login.query}", data={"persona": "ada-custos"})
    return callback_query(signed_in)["code"]


def exchange(web: FlaskClient, **given: str) -> TestResponse:
    query = {"grant_type": "authorization_code", "redirect_uri": CALLBACK} | given
    return web.post(f"{LEGACY}/token", query_string=query, headers=tenant())


def tokens_of(reply: TestResponse) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    issued = reply.json
    assert isinstance(issued, dict)
    return issued


def expect(reply: TestResponse, status: int, code: int, words: str = "") -> None:
    said = reply.json
    assert isinstance(said, dict)
    assert (reply.status_code, said["code"], said["details"]) == (status, code, [])
    assert words in said["message"]


@pytest.mark.parametrize("kind", ["Bearer", "Basic"])
def test_a_tenant_authenticates_by_bearer_and_by_basic(
    web: FlaskClient, code: str, kind: str
) -> None:
    query = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    tokens_of(web.post(f"{LEGACY}/token", query_string=query, headers=tenant(kind=kind)))


def test_inputs_may_come_as_json(web: FlaskClient, code: str) -> None:
    body = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    tokens_of(web.post(f"{LEGACY}/token", json=body, headers=tenant()))


def test_a_wrong_secret_is_401(web: FlaskClient, code: str) -> None:
    for path, method in (("/token", "POST"), ("/user", "GET"), ("/user/logout", "POST")):
        for headers in ({}, tenant("wrong"), {"Authorization": "Bearer %%%"}):
            expect(web.open(LEGACY + path, method=method, headers=headers), 401, 16)
    expect(web.get(f"{GROUPS}/user/group/memberships?profile.username=ada"), 401, 16)


@pytest.mark.parametrize("missing", ["code", "redirect_uri"])
def test_a_missing_input_is_a_failed_precondition(web: FlaskClient, missing: str) -> None:
    given = {"code": "c", "redirect_uri": CALLBACK} | {missing: ""}
    expect(exchange(web, **given), 400, 9)


def test_a_missing_refresh_token_is_a_failed_precondition(web: FlaskClient) -> None:
    expect(exchange(web, grant_type="refresh_token"), 400, 9)


def test_keycloaks_refusal_comes_as_an_internal_error(web: FlaskClient, code: str) -> None:
    expect(exchange(web, code="nonsense"), 500, 13, "invalid_grant Code not valid")
    tokens_of(exchange(web, code=code))
    expect(exchange(web, code=code), 500, 13, "invalid_grant Code not valid")


def test_an_unregistered_callback_is_an_invalid_argument(web: FlaskClient) -> None:
    asked = {"client_id": ID, "redirect_uri": "https://evil.example"}
    expect(web.get(f"{LEGACY}/authorize", query_string=asked), 400, 3)


def test_an_unknown_parameter_such_as_code_verifier_is_404(web: FlaskClient, code: str) -> None:
    expect(exchange(web, code=code, code_verifier="v" * 43), 404, 5)


def test_a_form_is_not_understood(web: FlaskClient, code: str) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    expect(web.post(f"{LEGACY}/token", data=form, headers=tenant()), 400, 3)


def test_an_expired_token_tells_nothing_of_its_user(
    web: FlaskClient, code: str, clock: Clock
) -> None:
    asked = {"access_token": tokens_of(exchange(web, code=code))["access_token"]}
    first = web.get(f"{LEGACY}/user", query_string=asked, headers=tenant()).json
    assert first is not None
    assert (first["username"], first["email_address"]) == ("ada", "ada@example.edu")
    clock.offset = 2000
    expect(web.get(f"{LEGACY}/user", query_string=asked, headers=tenant()), 401, 16)


def test_keycloak_knows_the_tenant_under_another_secret(
    web: FlaskClient, provider: IdentityProvider, code: str
) -> None:
    other = provider.iam_secret(hub_at("custos"))
    assert other != SECRET
    credentials = web.get(f"{LEGACY}/credentials?client_id={ID}", headers=tenant()).json
    assert credentials is not None
    assert credentials["iam_client_secret"] == other
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    form |= {"client_id": ID}
    realm = "/auth/realms/10000007/protocol/openid-connect/token"
    assert web.post(realm, data=form | {"client_secret": SECRET}).status_code == 401
    tokens_of(web.post(realm, data=form | {"client_secret": other}))


def test_v1_takes_a_form_and_tells_the_groups(web: FlaskClient, code: str) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    issued = tokens_of(web.post(f"{V1}/token", data=form, headers=tenant(kind="Basic")))
    headers = {"Authorization": f"Bearer {issued['access_token']}"}
    told = web.get("/api/v1/user-management/userinfo", headers=headers).json
    assert told is not None
    assert told["email"] == "ada@example.edu"
    body = issued["access_token"].split(".")[1]
    assert b'"groups":["group-1"]' in base64.urlsafe_b64decode(body + "==")


def test_v1_forgets_the_secret_when_there_is_a_verifier(web: FlaskClient, code: str) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    form |= {"client_id": ID, "client_secret": SECRET, "code_verifier": "v" * 43}
    reply = web.post(f"{V1}/token", data=form)
    assert (reply.status_code, reply.mimetype) == (401, "text/plain")


def test_v1_authorize_sends_to_keycloak_with_its_broker_and_without_the_hint(
    web: FlaskClient,
) -> None:
    asked = {"client_id": ID, "redirect_uri": CALLBACK, "response_type": "code", "idphint": "x"}
    target = web.get(f"{V1}/authorize", query_string=asked).headers["Location"]
    assert "/auth/realms/10000007/protocol/openid-connect/auth?" in target
    assert "kc_idp_hint=oidc" in target
    assert "idphint=x" not in target


def test_v1_discovery_names_a_tenant_and_ends_sessions_at_keycloak(web: FlaskClient) -> None:
    found = web.get(f"{V1}/tenant/10000007/.well-known/openid-configuration").json
    assert found is not None
    assert found["issuer"] == "https://10000007.usecustos.org"
    assert "/auth/realms/10000007/" in found["end_session_endpoint"]
    assert "/api/v1/" in found["token_endpoint"]
    assert web.get(f"{V1}/tenant/1/.well-known/openid-configuration").status_code == 404
