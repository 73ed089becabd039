"""Faults strike where and as often as asked, and can be put in force from another process."""

from __future__ import annotations

import base64
import hmac
import re
import threading
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from fedhub.idp import faults
from fedhub.idp.faults import FAULTS
from fedhub.idp.server import IdentityProvider
from tests.providers import CLIENT_IDS, SECRET, authorize_url, callback_query, furnish
from tests.unit.idp.logins import claims_of, header_of, log_in, refresh, userinfo

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


# --- what is wrong with an ID token -------------------------------------------------------


def lie(web: FlaskClient, provider: IdentityProvider, fault: str, face: str = "oidc") -> str:
    """The ID token of a login with a fault in force, after which all is well again."""
    provider.inject(fault, times=1)
    told: str = log_in(web, face)["id_token"]
    jwt.decode(log_in(web, face)["id_token"], published(web), ["RS256"])
    return told


def published(web: FlaskClient) -> KeySet:
    return KeySet.import_key_set(web.get("/oauth2/certs").get_json())


@pytest.mark.parametrize("fault", ["bad-signature", "unknown-kid", "alg-none", "hs256"])
def test_nobody_should_believe_the_signature(
    web: FlaskClient, provider: IdentityProvider, fault: str
) -> None:
    token = lie(web, provider, fault)
    assert claims_of(token)["sub"] == "ada-sub"
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(token, published(web), ["RS256"])


def test_only_the_key_id_tells_an_unknown_key_from_a_false_one(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    (key,) = web.get("/oauth2/certs").get_json()["keys"]
    assert header_of(lie(web, provider, "bad-signature"))["kid"] == key["kid"]
    assert header_of(lie(web, provider, "unknown-kid"))["kid"] != key["kid"]


def test_a_verifier_that_takes_a_public_key_for_a_secret_is_fooled(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    token = lie(web, provider, "hs256")
    assert header_of(token)["alg"] == "HS256"
    (key,) = published(web).keys
    assert isinstance(key, RSAKey)
    signed, _, signature = token.rpartition(".")
    made = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
    assert base64.urlsafe_b64decode(signature + "==") == made


def test_a_token_without_a_signature_says_so(web: FlaskClient, provider: IdentityProvider) -> None:
    token = lie(web, provider, "alg-none")
    assert header_of(token)["alg"] == "none"
    assert token.endswith(".")


@pytest.mark.parametrize("face", ["cilogon", "keycloak", "oidc"])
def test_whom_a_token_is_for_can_be_wrong(
    web: FlaskClient, provider: IdentityProvider, face: str
) -> None:
    for_two = claims_of(lie(web, provider, "extra-audience", face))
    assert for_two["aud"] == [CLIENT_IDS[face], "another-client"]
    assert "azp" not in for_two
    by_another = claims_of(lie(web, provider, "wrong-azp", face))
    assert (by_another["aud"], by_another["azp"]) == (CLIENT_IDS[face], "another-client")


@pytest.mark.parametrize("face", ["cilogon", "keycloak", "oidc"])
def test_an_id_token_can_be_missing_at_login_and_at_refresh(
    web: FlaskClient, provider: IdentityProvider, face: str
) -> None:
    provider.inject("no-id-token")
    tokens = log_in(web, face)
    assert "access_token" in tokens
    renewed = refresh(web, face, tokens).get_json()
    assert "access_token" in renewed
    assert "id_token" not in tokens | renewed
    provider.clear_faults()
    assert "id_token" in refresh(web, face, renewed).get_json()


# --- groups -------------------------------------------------------------------------------


def lists_of_groups(web: FlaskClient) -> list[object]:
    """Wherever the faces tell groups."""
    tokens = {face: log_in(web, face, scope="openid read:org") for face in ("oidc", "github")}
    github = {"Authorization": f"Bearer {tokens['github']['access_token']}"}
    oidc = {"Authorization": f"Bearer {tokens['oidc']['access_token']}"}
    pair = base64.b64encode(f"{CLIENT_IDS['custos']}:{SECRET}".encode()).decode()
    members = "/apiserver/group-management/v1.0.0/user/group/memberships?profile.username=ada"
    memberships = web.get(members, headers={"Authorization": f"Bearer {pair}"}).get_json()
    return [
        claims_of(tokens["oidc"]["id_token"]).get("groups"),
        web.get("/oidc/oidc/userinfo", headers=oidc).get_json().get("groups"),
        memberships.get("groups"),
        web.get("/oidc/oidc/v2/groups/my_groups", headers=oidc).get_json(),
        web.get("/api/v3/user/orgs", headers=github).get_json(),
        web.get("/api/v3/user/teams", headers=github).get_json(),
    ]


def test_groups_can_be_missing_everywhere(web: FlaskClient, provider: IdentityProvider) -> None:
    assert all(lists_of_groups(web))
    provider.inject("no-groups")
    assert lists_of_groups(web) == [None, None, None, [], [], []]


@pytest.mark.parametrize("value", [7, "admins", {"admins": True}, None, [["admins"]]])
def test_groups_can_be_of_a_wrong_type_everywhere(
    web: FlaskClient, provider: IdentityProvider, value: object
) -> None:
    provider.inject("groups-of-wrong-type", value=value)
    assert lists_of_groups(web) == [value] * 6


def test_groups_in_signed_access_tokens_are_spoilt_too(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.update_claims("ada-keycloak", groups=["a"])
    provider.inject("no-groups", endpoint="token")
    assert "groups" not in claims_of(log_in(web, "keycloak")["access_token"])


# --- answers that break -------------------------------------------------------------------


def test_a_limit_says_when_to_come_back(web: FlaskClient, provider: IdentityProvider) -> None:
    provider.inject("rate-limited", endpoint="userinfo", seconds=30)
    reply = web.get("/oidc/oidc/userinfo")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "30")
    assert web.get(DISCOVERY).status_code == 200


def test_userinfo_can_come_as_a_signed_token(web: FlaskClient, provider: IdentityProvider) -> None:
    tokens = log_in(web, "oidc")
    provider.inject("userinfo-jwt")
    reply = userinfo(web, "oidc", tokens)
    assert reply.content_type == "application/jwt"
    told = jwt.decode(reply.text, published(web), ["RS256"]).claims
    assert (told["sub"], told["iss"]) == ("ada-sub", "http://127.0.0.1:9/oidc/oidc")
    assert userinfo(web, "oidc", {"access_token": "nonsense"}).is_json, "a refusal stays one"


@pytest.mark.parametrize(
    ("method", "path", "body", "seen"),
    [
        ("GET", "/oauth2/certs", b"", httpx.ReadError),
        # Whether it breaks while the body is sent, or after, is a matter of time.
        ("POST", "/oauth2/token", b"x=" + b"a" * 100_000, httpx.TransportError),
    ],
    ids=["get", "post"],
)
def test_a_connection_can_break_and_the_next_one_works(
    method: str, path: str, body: bytes, seen: type[Exception]
) -> None:
    with IdentityProvider() as provider:
        furnish(provider)
        provider.inject("connection-reset", endpoint=path.rpartition("/")[2], times=1)
        with httpx.Client(base_url=provider.url, trust_env=False) as client:
            assert client.get(DISCOVERY).status_code == 200, "the connection that will break"
            with pytest.raises(seen):
                client.request(method, path, content=body)
            assert client.request(method, path, content=body).status_code in (200, 400)


def test_an_unknown_fault_is_refused_with_the_known_ones(provider: IdentityProvider) -> None:
    with pytest.raises(ValueError, match="server-error"):
        provider.inject("flood")


def test_every_fault_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "preview.md").read_text()
    listed = re.findall(r"`([a-z0-9-]+)`", page.partition("| fault |")[2])
    assert {*FAULTS} <= {*listed}
    assert all(f"`{fault}`" in (faults.__doc__ or "") for fault in FAULTS)


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
