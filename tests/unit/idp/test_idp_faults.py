"""Faults strike where and as often as asked, and can be put in force from another process."""

from __future__ import annotations

import threading

import httpx
import pytest
from flask.testing import FlaskClient

from fedhub.idp.faults import FAULTS
from fedhub.idp.server import IdentityProvider
from tests.providers import SECRET, authorize_url, callback_query

DISCOVERY = "/.well-known/openid-configuration"
CONTROL = {"Authorization": "Bearer let-me-in"}


def test_a_server_error_strikes_its_endpoint_so_many_times(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.inject("server-error", endpoint="discovery", times=2)
    assert web.get("/oauth2/certs").status_code == 200
    assert [web.get(DISCOVERY).status_code for _ in range(3)] == [500, 500, 200]


def test_malformed_json_is_not_json_and_html_is_a_page(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.inject("malformed-json", times=1)
    assert web.get(DISCOVERY).get_json(silent=True) is None
    provider.inject("html", times=1)
    assert web.get(DISCOVERY).mimetype == "text/html"
    assert web.get(DISCOVERY).is_json


def test_pages_are_not_spoilt_by_faults_of_json(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.inject("malformed-json")
    assert "Sign in" in web.get(authorize_url("/authorize", "cilogon")).text


def test_userinfo_can_be_about_somebody_else_or_lack_a_claim(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    form = {"persona": "ada-oidc"}
    code = callback_query(web.post(authorize_url("/oidc/oidc/authorize", "oidc"), data=form))
    asked = {"grant_type": "authorization_code", "code": code["code"], "client_secret": SECRET}
    own = {
        "client_id": "hub.example.org",
        "redirect_uri": "http://127.0.0.1:8000/hub/oauth_callback",
    }
    token = web.post("/oidc/oidc/token", data=asked | own).json
    assert token is not None
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    def claims() -> dict[str, object]:
        told = web.get("/oidc/oidc/userinfo", headers=headers).json
        assert isinstance(told, dict)
        return told

    provider.inject("different-sub", times=1)
    assert claims()["sub"] != "ada-sub"
    provider.inject("missing-claim", claim="email", times=1)
    assert "email" not in claims()
    assert (claims()["sub"], claims()["email"]) == ("ada-sub", "ada@example.edu")


def test_an_unknown_fault_is_refused_with_the_known_ones(provider: IdentityProvider) -> None:
    with pytest.raises(ValueError, match="server-error"):
        provider.inject("flood")


def test_clearing_ends_every_fault(web: FlaskClient, provider: IdentityProvider) -> None:
    for fault in FAULTS:
        provider.inject(fault, seconds=0.0)
    provider.clear_faults()
    assert web.get(DISCOVERY).is_json


def test_faults_from_outside_need_the_token(web: FlaskClient) -> None:
    fault = {"name": "server-error", "endpoint": "discovery"}
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic let-me-in"}):
        assert web.post("/_fedhub/faults", json=fault, headers=headers).status_code == 401
    assert web.get(DISCOVERY).status_code == 200
    assert web.post("/_fedhub/faults", json=fault, headers=CONTROL).json == {"fault": fault["name"]}
    assert web.get(DISCOVERY).status_code == 500
    assert web.delete("/_fedhub/faults", headers=CONTROL).status_code == 200
    assert web.get(DISCOVERY).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "flood"},
        {"name": "slow", "x": 1},
        [],
        {"name": 3},
        {"name": "slow", "seconds": "a"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(web: FlaskClient, body: object) -> None:
    assert web.post("/_fedhub/faults", json=body, headers=CONTROL).status_code == 400
    assert web.get(DISCOVERY).status_code == 200


def test_without_a_token_the_address_does_not_exist() -> None:
    web = IdentityProvider(public_url="http://127.0.0.1:9").app.test_client()
    headers = {"Authorization": "Bearer "}
    reply = web.post("/_fedhub/faults", json={"name": "slow"}, headers=headers)
    assert reply.status_code == 404


def test_stopping_lets_a_slow_answer_go() -> None:
    provider = IdentityProvider()
    provider.start()
    provider.inject("slow", seconds=600)
    answered = threading.Event()

    def ask() -> None:
        httpx.get(f"{provider.url}/oauth2/certs", timeout=60)
        answered.set()

    asking = threading.Thread(target=ask)
    asking.start()
    while asking.is_alive() and not provider._state.faults._faults[0].struck:
        threading.Event().wait(0.01)
    provider.stop()
    asking.join(60)
    assert answered.is_set()
