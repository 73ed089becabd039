"""Whatever is sent, nothing breaks inside and no stranger learns anything."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder, TestResponse

from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK, CLIENT_IDS, SECRET, furnish

MADE = IdentityProvider(public_url="http://127.0.0.1:9", control_token="let-me-in")
furnish(MADE)
MADE.app.config["PROPAGATE_EXCEPTIONS"] = True  # a crash fails the test, not only a 500
PATHS = sorted(
    rule.rule.replace("<realm>", "hubtest")
    .replace("<provider>", "oidc")
    .replace("<tenant>", "10000007")
    .replace("<org>", "astro")
    .replace("<team>", "lab")
    .replace("<user>", "ada")
    for rule in MADE.app.url_map.iter_rules()
)
NAMES = st.sampled_from(
    [
        "response_type",
        "client_id",
        "client_secret",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "prompt",
        "grant_type",
        "code",
        "code_verifier",
        "code_challenge",
        "code_challenge_method",
        "refresh_token",
        "access_token",
        "token",
        "persona",
        "claims",
        "cancel",
        "idphint",
        "id_token_hint",
        "post_logout_redirect_uri",
        "per_page",
        "page",
        "profile.username",
    ]
)
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "code",
            CALLBACK,
            SECRET,
            *CLIENT_IDS.values(),
            "authorization_code",
            "refresh_token",
            "openid email",
            "ada-cilogon",
            "ada-oidc",
            "none",
            "S256",
            "eyJhbGciOiJSUzI1NiJ9.e30.AA",
            "a.b.c",
            "-1",
            "9" * 400,
        ]
    ),
)
PARAMETERS = st.lists(st.tuples(NAMES, VALUES), max_size=6)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80)
AUTHORIZATION = st.one_of(
    HEADER,
    st.builds("{} {}".format, st.sampled_from(["Basic", "Bearer", "bearer", "token"]), HEADER),
)
CONTENT_TYPES = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "application/json",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain",
        "application/x-www-form-urlencoded; charset=utf-16",
        "",
    ]
)


def send(path: str, method: str, **more: Any) -> TestResponse:
    return MADE.app.test_client().open(path, method=method, **more)


def is_meant(reply: TestResponse) -> bool:
    """OA4MP and Custos answer some mistakes with a 500 of a known shape; anything else is ours."""
    known = ('error="server_error"', '"code":13', "There is no client of this client_id")
    known += ("Unexpected error occurred", "Exception occurred while")  # Custos v1
    return reply.status_code < 500 or any(k in reply.text for k in known)


@settings(max_examples=1500)
@given(
    st.sampled_from(PATHS),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
    PARAMETERS,
    PARAMETERS,
    AUTHORIZATION,
)
def test_strange_parameters_and_credentials_break_nothing(
    path: str,
    method: str,
    query: list[tuple[str, str]],
    form: list[tuple[str, str]],
    authorization: str,
) -> None:
    reply = send(
        path,
        method,
        query_string=MultiDict(query),
        data=MultiDict(form) if method == "POST" else None,
        headers={"Authorization": authorization},
    )
    assert is_meant(reply), reply.text
    assert "Traceback" not in reply.text
    assert SECRET not in reply.text or SECRET in str(query + form)


@settings(max_examples=800)
@given(st.sampled_from(PATHS), st.binary(max_size=300), CONTENT_TYPES, st.binary(max_size=60))
def test_random_bytes_break_nothing(
    path: str, body: bytes, content_type: str, query: bytes
) -> None:
    builder = EnvironBuilder(path, method="POST", input_stream=None, data=body)
    environ = builder.get_environ()
    environ["CONTENT_TYPE"] = content_type
    environ["QUERY_STRING"] = query.decode("latin-1")
    reply = MADE.app.test_client().open(environ)
    assert is_meant(reply), reply.text


@settings(max_examples=400)
@given(
    st.sampled_from(["cilogon", "keycloak", "oidc", "github"]),
    st.sampled_from(["response_type", "scope", "state", "nonce", "prompt", "code_challenge"]),
    st.text(max_size=60),
)
def test_a_strange_value_in_a_good_request_breaks_nothing(face: str, name: str, value: str) -> None:
    path = {
        "cilogon": "/authorize",
        "keycloak": "/realms/hubtest/protocol/openid-connect/auth",
        "oidc": "/oidc/oidc/authorize",
        "github": "/login/oauth/authorize",
    }[face]
    query = {
        "response_type": "code",
        "client_id": CLIENT_IDS[face],
        "redirect_uri": CALLBACK,
        "scope": "openid",
        name: value,
    }
    form = {"persona": f"ada-{face}"}
    for reply in (
        send(path, "GET", query_string=query),
        send(path, "POST", query_string=query, data=form),
    ):
        assert is_meant(reply), reply.text
        location = reply.headers.get("Location", CALLBACK)
        assert location.startswith(CALLBACK)
        assert "\n" not in location


@pytest.mark.parametrize("path", PATHS)
def test_deeply_nested_json_breaks_nothing(path: str) -> None:
    body = b"[" * 200_000
    headers = {"Authorization": "Bearer let-me-in"}
    reply = send(path, "POST", data=body, content_type="application/json", headers=headers)
    assert is_meant(reply)


@pytest.mark.parametrize("path", PATHS)
def test_a_huge_header_breaks_nothing(path: str) -> None:
    for kind in ("Bearer", "Basic"):
        assert is_meant(send(path, "GET", headers={"Authorization": f"{kind} {'a' * 100_000}"}))
        assert is_meant(send(path, "POST", headers={"Cookie": "KEYCLOAK_IDENTITY=" + "a" * 99_999}))


def test_a_body_too_large_is_refused(web: FlaskClient) -> None:
    reply = web.post(
        "/oauth2/token",
        data=b"code=" + b"a" * 2_000_000,
        content_type="application/x-www-form-urlencoded",
    )
    assert reply.status_code == 413


def test_an_unknown_address_and_a_wrong_method_say_so(web: FlaskClient) -> None:
    assert web.get("/nothing/here").status_code == 404
    wrong = web.get("/oauth2/token")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "OPTIONS, POST")


def test_an_unknown_realm_or_provider_is_404(web: FlaskClient) -> None:
    reply = web.get("/realms/nowhere/.well-known/openid-configuration")
    assert (reply.status_code, reply.json) == (404, {"error": "Realm does not exist"})
    assert web.get("/oidc/nowhere/.well-known/openid-configuration").status_code == 404
