"""Whatever is sent to `/oauth2/oidc-cm`, it answers in its own words and accepts no nonsense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fedhub.idp.oa4mp.registry import Release
from fedhub.idp.server import IdentityProvider
from tests.contract.oa4mp_endpoint import ADMIN, RELEASES, bearer

PATH = "/oauth2/oidc-cm"
KEYS = (
    *("client_name", "redirect_uris", "scope", "grant_types", "response_types", "contacts", "cfg"),
    *("application_type", "token_endpoint_auth_method", "jwks", "jwks_uri", "client_uri"),
    *("rt_lifetime", "strict_scopes", "use_server_scopes", "ea_support", "prototypes"),
    *("proxy_claims_list", "client_id", "client_secret", "comment", "rt_grace_period"),
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["none", "web", "code", "openid", "private_key_jwt", "-1", "true"])
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)
BODIES = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=10), JSON, max_size=6)
SETTINGS = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=RELEASES)
def visitor(request: pytest.FixtureRequest) -> FlaskClient:
    release: Release = request.param
    provider = IdentityProvider(public_url="https://idp.example.org", oa4mp=release)
    provider.add_admin_client(ADMIN)
    provider.app.testing = True  # an exception is raised, not answered
    return provider.app.test_client()


def ask(visitor: FlaskClient, method: str, data: bytes, client_id: str = "") -> Any:
    return visitor.open(
        PATH,
        method=method,
        data=data,
        query_string={"client_id": client_id} if client_id else {},
        content_type="application/json",
        headers={"Authorization": bearer(ADMIN.client_id, ADMIN.client_secret)},
    )


def check(reply: Any) -> None:
    """It said yes in JSON, or no in one of its two ways."""
    assert reply.status_code in (200, 201, 400, 403, 500)
    if reply.status_code >= 400 and "Content-Type" not in reply.headers:
        assert [line.partition("=")[0] for line in reply.text.splitlines()] == [
            "error",
            "error_description",
        ]
    else:
        charset = reply.headers["Content-Type"].partition("charset=")[2]
        assert isinstance(json.loads(reply.data.decode(charset)), dict)


@SETTINGS
@example(body={"client_name": "\ud800", "redirect_uris": ["\ud800"], "comment": "\udfff"})
@example(body={"client_name": "x", "redirect_uris": ["\ud800*"]})
@given(body=BODIES)
def test_any_object(visitor: FlaskClient, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    reply = ask(visitor, "POST", data)
    check(reply)
    if reply.status_code == 201:
        assert isinstance(body["client_name"], str)
        client_id = json.loads(reply.data.decode("latin-1"))["client_id"]
        shown = ask(visitor, "GET", b"", client_id)
        check(shown)
        assert shown.status_code == 200
        check(ask(visitor, "PUT", data, client_id))
        assert ask(visitor, "DELETE", b"", client_id).status_code == 204


@SETTINGS
@example(data=b"[" * 100_000)
@example(data=b'{"client_name":' * 50_000)
@example(data=b'{"client_name": NaN}')
@example(data=b'{"client_name": "x", "at_lifetime": ' + b"9" * 5000 + b"}")
@example(data=b"[]")
@example(data=b"null")
@example(data=b"\xff\xfe")
@given(
    data=st.binary(max_size=50)
    | JSON.filter(lambda one: not isinstance(one, dict)).map(lambda one: json.dumps(one).encode())
)
def test_what_is_no_object_is_refused(visitor: FlaskClient, data: bytes) -> None:
    for method in ("POST", "PUT"):
        reply = ask(visitor, method, data)
        check(reply)
        assert reply.status_code == 500


@SETTINGS
@given(header=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
@example(header="Bearer ====")
@example(header="Bearer gICA")
def test_any_bearer(visitor: FlaskClient, header: str) -> None:
    for value in (header, f"Bearer {header}"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            reply = visitor.open(
                PATH, method=method, headers={"Authorization": value}, json={"client_name": "x"}
            )
            check(reply)
            assert reply.status_code in (400, 500)
