"""Starting, stopping and remembering: ports, single use under threads, and nothing leaking."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest
from flask.testing import FlaskClient

from fedhub.errors import FedhubError
from fedhub.idp.server import IdentityProvider
from tests.providers import (
    CALLBACK,
    CLIENT_IDS,
    SECRET,
    Clock,
    authorize_url,
    callback_query,
    furnish,
    hub_at,
    persona,
)

REALM = "/realms/hubtest/protocol/openid-connect"


def code_at(web: FlaskClient, face: str, path: str) -> str:
    form = {"persona": f"ada-{face}"}
    return callback_query(web.post(authorize_url(path, face), data=form))["code"]


def form_for(face: str, code: str) -> dict[str, str]:
    own = {"client_id": CLIENT_IDS[face], "client_secret": SECRET, "redirect_uri": CALLBACK}
    return own | {"grant_type": "authorization_code", "code": code}


def test_one_code_presented_by_many_threads_brings_one_token() -> None:
    with IdentityProvider() as provider, ThreadPoolExecutor(8) as pool:
        furnish(provider)
        address = authorize_url(f"{provider.url}/oidc/oidc/authorize", "oidc")
        code = callback_query(httpx.post(address, data={"persona": "ada-oidc"}))["code"]
        form = form_for("oidc", code)
        asked = [
            pool.submit(httpx.post, f"{provider.url}/oidc/oidc/token", data=form) for _ in range(8)
        ]
        assert sorted(a.result().status_code for a in asked) == [200] + [400] * 7


def test_a_code_expires(web: FlaskClient, clock: Clock) -> None:
    code = code_at(web, "oidc", "/oidc/oidc/authorize")
    clock.offset = 601
    reply = web.post("/oidc/oidc/token", data=form_for("oidc", code))
    assert (reply.status_code, reply.json and reply.json["error"]) == (400, "invalid_grant")


def test_a_code_of_one_client_is_worth_nothing_to_another_and_stays_good(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.add_client(replace(hub_at("oidc"), client_id="thief"))
    code = code_at(web, "oidc", "/oidc/oidc/authorize")
    stolen = form_for("oidc", code) | {"client_id": "thief"}
    assert web.post("/oidc/oidc/token", data=stolen).status_code == 400
    assert web.post("/oidc/oidc/token", data=form_for("oidc", code)).status_code == 200


def test_a_token_of_one_face_is_worth_nothing_at_another(web: FlaskClient) -> None:
    code = code_at(web, "oidc", "/oidc/oidc/authorize")
    token = web.post("/oidc/oidc/token", data=form_for("oidc", code)).json
    assert token is not None
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert web.get("/oidc/oidc/userinfo", headers=headers).status_code == 200
    for path in ("/oauth2/userinfo", f"{REALM}/userinfo", "/api/v3/user"):
        assert web.get(path, headers=headers).status_code in (400, 401)
    assert web.get("/api/v1/user-management/userinfo", headers=headers).status_code == 401


def test_a_registration_without_refresh_tokens_gets_none(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.add_client(replace(hub_at("cilogon"), refresh_tokens=False))
    code = code_at(web, "cilogon", "/authorize")
    token = web.post("/oauth2/token", data=form_for("cilogon", code)).json
    assert token is not None
    assert "refresh_token" not in token


def test_a_refresh_token_of_cilogon_works_once(web: FlaskClient) -> None:
    code = code_at(web, "cilogon", "/authorize")
    token = web.post("/oauth2/token", data=form_for("cilogon", code)).json
    assert token is not None
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    form |= {"client_id": CLIENT_IDS["cilogon"], "client_secret": SECRET}
    assert [web.post("/oauth2/token", data=form).status_code for _ in range(2)] == [200, 400]


def test_two_providers_may_use_the_same_client_id(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.add_client(replace(hub_at("oidc"), provider="google", client_secret="other"))
    provider.set_personas(
        [persona("oidc"), replace(persona("oidc"), name="bob", provider="google")]
    )
    for name, path in (("ada-oidc", "oidc"), ("bob", "google")):
        address = authorize_url(f"/oidc/{path}/authorize", "oidc")
        assert web.post(address, data={"persona": name}).status_code == 302


def test_a_keycloak_session_is_of_one_realm_and_one_login_provider(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.add_client(replace(hub_at("keycloak"), provider="other", client_id="hub2"))
    code_at(web, "keycloak", f"{REALM}/auth")
    assert web.get(authorize_url(f"{REALM}/auth", "keycloak")).status_code == 302
    assert web.get(authorize_url(f"{REALM}/auth", "keycloak", client_id="hub2")).status_code == 200
    elsewhere = "/auth/realms/10000007/protocol/openid-connect/auth"
    assert web.get(authorize_url(elsewhere, "custos")).status_code == 200


def test_the_session_cookie_stays_in_its_realm_and_out_of_scripts(web: FlaskClient) -> None:
    reply = web.post(authorize_url(f"{REALM}/auth", "keycloak"), data={"persona": "ada-keycloak"})
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith("KEYCLOAK_IDENTITY=")
    assert {"HttpOnly", "Path=/realms/hubtest/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FedhubError, match=f"127.0.0.1:{port}"):
            IdentityProvider(port=port).start()


def test_it_stops_and_starts_again_on_its_port() -> None:
    provider = IdentityProvider()
    provider.start()
    port = httpx.URL(provider.url).port
    provider.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/")
    again = IdentityProvider(port=port or 0)
    with again:
        assert httpx.get(f"{again.url}/oauth2/certs").status_code == 200


def test_a_public_url_is_what_every_address_starts_with(web: FlaskClient) -> None:
    found = web.get("/.well-known/openid-configuration", base_url="http://elsewhere:1").json
    assert found is not None
    assert found["issuer"] == "http://127.0.0.1:9"


def test_nothing_secret_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with IdentityProvider() as provider:
        furnish(provider)
        httpx.post(
            f"{provider.url}/apiserver/identity-management/v1.0.0/token?client_secret={SECRET}"
        )
    ours = [record.getMessage() for record in caplog.records if record.name == "fedhub.idp"]
    assert any("/token" in line for line in ours)
    assert not any(SECRET in line for line in ours)
    assert SECRET not in repr(hub_at("oidc"))


def test_importing_the_package_brings_neither_flask_nor_authlib() -> None:
    ask = "import sys, fedhub.idp.client; print(*(m in sys.modules for m in ('flask', 'authlib')))"
    said = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True)
    assert said.stdout.split() == ["False", "False"]
