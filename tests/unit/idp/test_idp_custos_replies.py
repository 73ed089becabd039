"""Custos' replies to each mistake: v1.0.0 in gRPC's codes, v1 in plain text."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK, CLIENT_IDS, SECRET, Clock, callback_query, hub_at

ID = CLIENT_IDS["custos"]
LEGACY = "/apiserver/identity-management/v1.0.0"
GROUPS = "/apiserver/group-management/v1.0.0"
V1 = "/api/v1/identity-management"
IAM = "/auth/realms/10000007/protocol/openid-connect"


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


# --- v1 -----------------------------------------------------------------------------------


def v1_tokens(web: FlaskClient, code: str) -> dict[str, Any]:
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    return tokens_of(web.post(f"{V1}/token", data=form, headers=tenant(kind="Basic")))


def keys_at(web: FlaskClient, path: str) -> KeySet:
    return KeySet.import_key_set(web.get(path).get_json())


def test_v1s_access_token_is_custos_own_and_tells_the_groups(web: FlaskClient, code: str) -> None:
    access_token = v1_tokens(web, code)["access_token"]
    told = jwt.decode(access_token, keys_at(web, f"{V1}/.well-known/jwks.json"), ["RS256"]).claims
    assert (told["iss"], told["groups"]) == ("https://10000007.usecustos.org", ["group-1"])
    assert (told["scopes"], told["typ"], told["azp"]) == ([], "Bearer", ID)
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(access_token, keys_at(web, f"{IAM}/certs"), ["RS256"])


def test_v1s_id_token_is_keycloaks_and_of_another_access_token(web: FlaskClient, code: str) -> None:
    issued = v1_tokens(web, code)
    told = jwt.decode(issued["id_token"], keys_at(web, f"{IAM}/certs"), ["RS256"]).claims
    assert (told["iss"], told["aud"]) == ("http://127.0.0.1:9/auth/realms/10000007", ID)
    assert "groups" not in told
    digest = hashlib.sha256(issued["access_token"].encode()).digest()[:16]
    assert told["at_hash"] != base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(issued["id_token"], keys_at(web, f"{V1}/.well-known/jwks.json"), ["RS256"])


def test_v1s_userinfo_is_keycloaks_without_groups(web: FlaskClient, code: str) -> None:
    headers = {"Authorization": f"Bearer {v1_tokens(web, code)['access_token']}"}
    told = web.get("/api/v1/user-management/userinfo", headers=headers).get_json()
    assert told["email"] == "ada@example.edu"
    assert "groups" not in told


def test_v1_introspects_its_own_tokens(web: FlaskClient, code: str, clock: Clock) -> None:
    token = v1_tokens(web, code)["access_token"]

    def ask(**form: str) -> TestResponse:
        return web.post(f"{V1}/token/introspect", data=form)

    own = {"client_id": ID, "client_secret": SECRET}
    told = ask(**own, token=token).get_json()
    assert (told["active"], told["iss"]) == (True, "https://10000007.usecustos.org")
    assert (told["username"], told["client_id"]) == ("ada", ID)
    assert ask(**own, token="nonsense").get_json() == {"active": False}
    assert (ask(token=token).status_code, ask(**own).status_code) == (500, 500)
    clock.offset = 2000
    assert ask(**own, token=token).get_json() == {"active": False}


def test_v1_rotates_its_key_too(web: FlaskClient, provider: IdentityProvider, code: str) -> None:
    token = v1_tokens(web, code)["access_token"]
    provider.inject("rotated-keys")
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(token, keys_at(web, f"{V1}/.well-known/jwks.json"), ["RS256"])


def test_v1_forgets_the_secret_when_there_is_a_verifier(web: FlaskClient, code: str) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    form |= {"client_id": ID, "client_secret": SECRET, "code_verifier": "v" * 43}
    reply = web.post(f"{V1}/token", data=form)
    assert (reply.status_code, reply.mimetype) == (500, "text/plain")
    assert "Invalid client or Invalid client credentials" in reply.text


def test_v1_passes_no_refresh_token_on(web: FlaskClient, code: str) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": v1_tokens(web, code)["refresh_token"]}
    reply = web.post(f"{V1}/token", data=form, headers=tenant(kind="Basic"))
    assert (reply.status_code, "No refresh token" in reply.text) == (500, True)


ASKED = {
    "client_id": ID,
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "email",
    "state": "s",
}


def test_v1_authorize_sends_to_keycloak_with_its_broker_and_without_what_it_does_not_know(
    web: FlaskClient,
) -> None:
    strange = {"idphint": "x", "nonce": "n", "prompt": "login"}
    pkce = {"code_challenge": "c" * 43, "code_challenge_method": "S256"}
    for more in ({}, pkce):
        target = urlsplit(
            web.get(f"{V1}/authorize", query_string=ASKED | strange | more).headers["Location"]
        )
        assert target.path == "/auth/realms/10000007/protocol/openid-connect/auth"
        expected = ASKED | {"scope": "email openid", "kc_idp_hint": "oidc"} | more
        assert dict(parse_qsl(target.query)) == expected


@pytest.mark.parametrize("name", sorted(ASKED))
def test_v1_authorize_wants_every_parameter(web: FlaskClient, name: str) -> None:
    left = {key: value for key, value in ASKED.items() if key != name}
    assert web.get(f"{V1}/authorize", query_string=left).status_code == 500


def test_v1_authorize_refuses_a_strange_callback_itself(web: FlaskClient) -> None:
    asked = ASKED | {"redirect_uri": "https://evil.example"}
    reply = web.get(f"{V1}/authorize", query_string=asked)
    assert (reply.status_code, "No matching redirect_uri" in reply.text) == (500, True)


def test_v1_discovery_names_a_tenant_and_ends_sessions_at_keycloak(web: FlaskClient) -> None:
    found = web.get(f"{V1}/tenant/10000007/.well-known/openid-configuration").json
    assert found is not None
    assert found["issuer"] == "https://10000007.usecustos.org"
    assert "/auth/realms/10000007/" in found["end_session_endpoint"]
    for name in ("authorization", "token", "userinfo", "introspection"):
        assert "/api/v1/" in found[f"{name}_endpoint"]
    assert found["jwks_uri"].endswith("/api/v1/identity-management/.well-known/jwks.json")
    assert web.get(f"{V1}/tenant/1/.well-known/openid-configuration").status_code == 404
