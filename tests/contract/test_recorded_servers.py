"""The same mistakes get the answers that a real Keycloak and a real OA4MP were recorded to give.

Each row: a mistake, and the status, content type and error that the real server answered with.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import httpx
import pytest

from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK, CLIENT_IDS, LOGGED_OUT, SECRET, authorize_url, callback_query

SignIn = Callable[..., dict[str, str]]
VERIFIER = "VEzxU44XMWG25dNuWPbBUmoPHVMSTdB8NB7UCBKlmHA"
CHALLENGE = "ft1BVfNwBOS4C3turqyvyoG2Ru2D8FrtfQ5W4fTQc4c"


def exchange(face: str, code: str, /, **more: str) -> dict[str, str]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "client_id": CLIENT_IDS[face],
        "client_secret": SECRET,
        **more,
    }
    return {name: value for name, value in form.items() if value}


class Realm:
    """A Keycloak realm and a browser signed in to it once."""

    def __init__(self, provider: IdentityProvider, visitor: httpx.Client) -> None:
        self.issuer = f"{provider.url}/realms/hubtest"
        self.visitor = visitor

    def at(self, endpoint: str) -> str:
        return f"{self.issuer}/protocol/openid-connect/{endpoint}"

    def authorize(self, **more: str) -> str:
        pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "nonce": "n1"}
        return authorize_url(self.at("auth"), "keycloak", **{**pkce, **more})

    def code(self) -> str:
        form = {"persona": "ada-keycloak"}
        return callback_query(self.visitor.post(self.authorize(), data=form))["code"]

    def token(self, code: str, /, **more: str) -> httpx.Response:
        form = exchange("keycloak", code, **{"code_verifier": VERIFIER, **more})
        return self.visitor.post(self.at("token"), data=form)

    def userinfo(self, access_token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
        return self.visitor.get(self.at("userinfo"), headers=headers)


@pytest.fixture
def realm(provider: IdentityProvider, visitor: httpx.Client) -> Realm:
    return Realm(provider, visitor)


# Keycloak: status, error, description
KEYCLOAK_BAD_SECRET = (401, "unauthorized_client", "Invalid client or Invalid client credentials")
KEYCLOAK_CODE_REUSED = (400, "invalid_grant", "Code not valid")


def test_keycloak_refuses_a_bad_secret_and_the_code_still_works(realm: Realm) -> None:
    code = realm.code()
    reply = realm.token(code, client_secret="wrong")
    assert_json_error(reply, *KEYCLOAK_BAD_SECRET)
    assert realm.token(code).status_code == 200


def test_keycloak_refuses_a_code_used_twice_and_withdraws_its_tokens(realm: Realm) -> None:
    code = realm.code()
    issued = realm.token(code).json()
    assert_json_error(realm.token(code), *KEYCLOAK_CODE_REUSED)
    assert realm.userinfo(issued["access_token"]).status_code == 401


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"code": "nonsense"}, "Code not valid"),
        ({"redirect_uri": f"{CALLBACK}/"}, "Incorrect redirect_uri"),
        ({"code_verifier": ""}, "PKCE code verifier not specified"),
        ({"code_verifier": VERIFIER[::-1]}, "PKCE verification failed: Code mismatch"),
    ],
)
def test_keycloak_names_what_is_wrong_with_a_code(
    realm: Realm, given: dict[str, str], words: str
) -> None:
    """Texts of Keycloak's source, which the recordings did not cover."""
    assert_json_error(realm.token(realm.code(), **given), 400, "invalid_grant", words)


def test_keycloak_token_reply_has_the_recorded_keys(realm: Realm) -> None:
    recorded = {
        "access_token",
        "expires_in",
        "refresh_expires_in",
        "refresh_token",
        "token_type",
        "id_token",
        "not-before-policy",
        "session_state",
        "scope",
    }
    reply = realm.token(realm.code())
    assert set(reply.json()) == recorded
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"] == "application/json"
    form = {"grant_type": "refresh_token", "refresh_token": reply.json()["refresh_token"]}
    own = {"client_id": CLIENT_IDS["keycloak"], "client_secret": SECRET}
    assert set(realm.visitor.post(realm.at("token"), data=form | own).json()) == recorded


def test_keycloak_callback_query_has_the_recorded_keys_in_order(
    realm: Realm, sign_in: SignIn
) -> None:
    query = sign_in(realm.authorize(), "ada-keycloak")
    assert list(query) == ["state", "session_state", "iss", "code"]
    assert query["iss"] == realm.issuer


@pytest.mark.parametrize(
    ("access_token", "challenge"),
    [
        ("", 'Bearer realm="hubtest"'),
        (
            "nonsense",
            'Bearer realm="hubtest", error="invalid_token", '
            'error_description="Token verification failed"',
        ),
    ],
)
def test_keycloak_userinfo_refuses_in_a_header(
    realm: Realm, access_token: str, challenge: str
) -> None:
    reply = realm.userinfo(access_token)
    assert (reply.status_code, reply.text) == (401, "")
    assert reply.headers["content-type"] == "text/plain;charset=utf-8"
    assert reply.headers["www-authenticate"] == challenge


@pytest.mark.parametrize(
    "wrong", [{"redirect_uri": "http://127.0.0.1:8000/hub/other"}, {"client_id": "zzz"}]
)
def test_keycloak_shows_a_page_and_redirects_nowhere(realm: Realm, wrong: dict[str, str]) -> None:
    reply = realm.visitor.get(realm.authorize(**wrong))
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "location" not in reply.headers


def test_keycloak_session_outlives_the_hubs_logout_until_end_session(realm: Realm) -> None:
    issued = realm.token(realm.code()).json()
    again = realm.visitor.get(realm.authorize())
    assert callback_query(again)["session_state"] == issued["session_state"]
    assert realm.visitor.get(realm.authorize(prompt="login")).status_code == 200

    out = {"id_token_hint": issued["id_token"], "post_logout_redirect_uri": LOGGED_OUT}
    bad = realm.visitor.get(
        realm.at("logout"), params=out | {"post_logout_redirect_uri": "http://127.0.0.1:8000/x"}
    )
    assert (bad.status_code, bad.headers["content-type"][:9]) == (400, "text/html")

    only_id = {"client_id": CLIENT_IDS["keycloak"], "post_logout_redirect_uri": LOGGED_OUT}
    asks = realm.visitor.get(realm.at("logout"), params=only_id)
    assert (asks.status_code, asks.headers["content-type"][:9]) == (200, "text/html")

    done = realm.visitor.get(realm.at("logout"), params=out | {"state": "bye"})
    assert (done.status_code, done.headers["location"]) == (302, f"{LOGGED_OUT}?state=bye")
    after = realm.userinfo(issued["access_token"])
    assert 'error_description="user_session_not_found"' in after.headers["www-authenticate"]
    assert realm.visitor.get(realm.authorize()).status_code == 200


# OA4MP


class Cilogon:
    """The CILogon face and a browser."""

    def __init__(self, provider: IdentityProvider, visitor: httpx.Client) -> None:
        self.url = provider.url
        self.visitor = visitor

    def authorize(self, **more: str) -> str:
        return authorize_url(f"{self.url}/authorize", "cilogon", **more)

    def code(self, **more: str) -> str:
        form = {"persona": "ada-cilogon"}
        return callback_query(self.visitor.post(self.authorize(**more), data=form))["code"]

    def token(self, code: str, /, **more: str) -> httpx.Response:
        return self.visitor.post(f"{self.url}/oauth2/token", data=exchange("cilogon", code, **more))


@pytest.fixture
def cilogon(provider: IdentityProvider, visitor: httpx.Client) -> Cilogon:
    return Cilogon(provider, visitor)


def test_oa4mp_refuses_a_bad_secret_and_the_code_still_works(cilogon: Cilogon) -> None:
    code = cilogon.code()
    reply = cilogon.token(code, client_secret="wrong")
    json_type = "application/json;charset=UTF-8"
    assert_json_error(reply, 400, "unauthorized_client", "Incorrect secret", json_type)
    assert cilogon.token(code).status_code == 200


def test_oa4mp_names_a_code_it_does_not_know(cilogon: Cilogon) -> None:
    code = "https://127.0.0.1/nonsense"
    words = f"No pending transaction found for id={code}"
    reply = cilogon.token(code)
    assert_json_error(reply, 400, "invalid_request", words, "application/json;charset=UTF-8")


def test_oa4mp_refuses_a_code_used_twice_in_plain_text(cilogon: Cilogon) -> None:
    code = cilogon.code()
    issued = cilogon.token(code).json()
    words = "Error: Attempt to use invalid authorization code.  Request rejected."
    assert_plain_error(cilogon.token(code), 500, "server_error", words)
    headers = {"Authorization": f"Bearer {issued['access_token']}"}
    assert cilogon.visitor.get(f"{cilogon.url}/oauth2/userinfo", headers=headers).is_error


@pytest.mark.parametrize(
    ("query", "status", "error", "words"),
    [
        ("", 500, "server_error", "Could not create a token"),
        (
            "?access_token=nonsense",
            400,
            "invalid_request",
            "no transaction for the access token was found.",
        ),
    ],
)
def test_oa4mp_userinfo_refuses_in_plain_text(
    cilogon: Cilogon, query: str, status: int, error: str, words: str
) -> None:
    reply = cilogon.visitor.get(f"{cilogon.url}/oauth2/userinfo{query}")
    assert_plain_error(reply, status, error, words)


def test_oa4mp_refuses_an_unregistered_callback_in_plain_text(cilogon: Cilogon) -> None:
    wrong = "https://evil.example.org/"
    reply = cilogon.visitor.get(cilogon.authorize(redirect_uri=wrong))
    said = plain_error(reply)
    assert (reply.status_code, said["error"]) == (400, "invalid_request")
    inner = dict(line.split("=", 1) for line in said["error_description"].splitlines())
    words = unquote_plus(inner["error_description"].strip('"'))
    assert words == f'The given redirect "{wrong}" is not valid for this client'
    assert "location" not in reply.headers


def test_oa4mp_shows_a_page_for_an_unknown_client(cilogon: Cilogon) -> None:
    reply = cilogon.visitor.get(cilogon.authorize(client_id="cilogon:/client_id/none"))
    assert (reply.status_code, reply.headers["content-type"][:9]) == (500, "text/html")


def test_oa4mp_sends_an_unknown_scope_back_to_the_client(cilogon: Cilogon) -> None:
    reply = cilogon.visitor.get(cilogon.authorize(scope="openid nosuch"))
    assert callback_query(reply) == {
        "error": "invalid_scope",
        "error_description": 'Unrecognized scope "nosuch"',
        "state": "st1",
    }


def test_oa4mp_callback_query_has_the_recorded_keys(cilogon: Cilogon) -> None:
    form = {"persona": "ada-cilogon"}
    reply = cilogon.visitor.post(cilogon.authorize(), data=form)
    assert [name for name, _ in parse_qsl(urlsplit(reply.headers["location"]).query)] == [
        "code",
        "state",
    ]


@pytest.mark.parametrize(
    ("verifier", "words"),
    [
        ("", "missing verifier, access denied"),
        (VERIFIER[::-1], "code challenge failed, access denied"),
    ],
)
def test_oa4mp_refuses_a_wrong_verifier(cilogon: Cilogon, verifier: str, words: str) -> None:
    """Texts of OA4MP's source: the version recorded knew no PKCE."""
    code = cilogon.code(code_challenge=CHALLENGE, code_challenge_method="S256")
    reply = cilogon.token(code, code_verifier=verifier)
    json_type = "application/json;charset=UTF-8"
    assert_json_error(reply, 400, "unauthorized_client", words, json_type)


def assert_json_error(
    reply: httpx.Response, status: int, error: str, words: str, kind: str = "application/json"
) -> None:
    assert reply.status_code == status
    assert reply.headers["content-type"] == kind
    assert reply.json() == {"error": error, "error_description": words}


def assert_plain_error(reply: httpx.Response, status: int, error: str, words: str) -> None:
    assert reply.status_code == status
    assert plain_error(reply) == {"error": error, "error_description": words}


def plain_error(reply: httpx.Response) -> dict[str, str]:
    """Two lines, values in quotes and URL-encoded, and no Content-Type."""
    assert "content-type" not in reply.headers
    lines = [line.split("=", 1) for line in reply.text.splitlines()]
    return {name: unquote_plus(value.strip('"')) for name, value in lines}
