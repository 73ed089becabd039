"""POST at `/oauth2/oidc-cm`: each row of what was read from OA4MP's source, for both releases."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.oa4mp_endpoint import (
    ADMIN,
    BODY,
    UNAPPROVED,
    Endpoint,
    bearer,
    json_error,
    plain_error,
)
from tests.providers import Clock

WILD = "https://*.example.org/hub/oauth_callback"

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "a wildcard in a callback",
        {"redirect_uris": [WILD]},
        "invalid_request",
        f'wildcards not allows in redirect uri "{WILD}" ',
    ),
    (
        "a callback that is no text",
        {"redirect_uris": [5]},
        "invalid_request",
        ' illegal redirect uri "5" ',
    ),
    (
        "callbacks that are no list",
        {"redirect_uris": 5},
        "invalid_request",
        "cannot interpret redirect_uris, got 5",
    ),
    (
        "an application that is no web application",
        {"application_type": "native"},
        "invalid_request",
        "Unsupported application type",
    ),
    (
        "a grant it has not",
        {"grant_types": ["authorization_code", "password"]},
        "registration_not_supported",
        "unsupported grant type",
    ),
    (
        "no code",
        {"response_types": ["id_token"]},
        "unsupported_response_type",
        "unsupported response type",
    ),
    (
        "the implicit flow",
        {"response_types": ["code", "token"]},
        "unsupported_response_type",
        "unsupported response type",
    ),
    (
        "an unknown method",
        {"token_endpoint_auth_method": "magic"},
        "invalid_request_object",
        'unsupported token endpoint authorization method "magic"',
    ),
]
"""What is asked beside the usual, and the JSON error with status 400; for PUT as well."""


def test_a_client_is_registered(endpoint: Endpoint, clock: Clock) -> None:
    reply = endpoint.post()
    said = reply.json()
    assert reply.status_code == 201
    assert list(said) == [
        "client_id",
        "client_secret",
        "client_id_issued_at",
        "client_secret_expires_at",
        "registration_client_uri",
        "scope",
    ]
    assert said["registration_client_uri"] == f"{endpoint.address}?client_id={said['client_id']}"
    assert said["client_id"].startswith("cilogon:/client_id/")
    assert abs(said["client_id_issued_at"] - clock()) < 60
    assert said["client_secret_expires_at"] == 0
    assert reply.text.endswith("}\n")


def test_the_content_type_is_the_releases_own(endpoint: Endpoint) -> None:
    charset = {"5.5": "ISO-8859-1", "6.3.2": "UTF-8"}[endpoint.release]
    assert endpoint.post().headers["content-type"] == f"application/json;charset={charset}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["openid", "email"], ["openid", "email"]),
        ("openid email", "openid email"),
        (None, ""),
    ],
)
def test_scopes_come_back_in_the_form_they_came(
    endpoint: Endpoint, given: object, told: object
) -> None:
    body = {name: value for name, value in BODY.items() if name != "scope"}
    body |= {"scope": given} if given else {}
    assert endpoint.post(body).json()["scope"] == told


def test_a_public_client_has_no_secret(endpoint: Endpoint) -> None:
    said = endpoint.registered(token_endpoint_auth_method="none", scope="openid")
    assert list(said) == ["client_id", "registration_client_uri", "scope"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"scope": "email"}, "cannot decrease scope on a public client."),
        ({"scope": "openid email"}, "cannot increase scopes on a public client."),
        (
            {"scope": "openid", "cfg": {"a": 1}},
            "custom configurations not permitted in public clients.",
        ),
    ],
)
def test_a_public_client_may_have_little(
    endpoint: Endpoint, asked: dict[str, Any], words: str
) -> None:
    reply = endpoint.post(BODY | {"token_endpoint_auth_method": "none"} | asked)
    assert json_error(reply) == (400, "invalid_request_object", words)


def test_a_scripted_configuration_is_refused(endpoint: Endpoint) -> None:
    reply = endpoint.post(BODY | {"cfg": {"tokens": {"qdl": {}}}})
    words = "QDL scripting is not allowed for this client."
    assert json_error(reply) == (400, "invalid_request_object", words)


def test_the_same_again_is_another_client(endpoint: Endpoint) -> None:
    first, second = endpoint.registered(), endpoint.registered()
    assert first["client_id"] != second["client_id"]
    assert len(endpoint.get().json()["clients"]) == 2


def test_an_id_of_ones_own_is_ignored(endpoint: Endpoint) -> None:
    said = endpoint.registered(client_id="mine")
    assert said["client_id"] != "mine"
    assert endpoint.shown(said["client_id"])["client_id"] == said["client_id"]


def test_another_content_type_is_refused(endpoint: Endpoint) -> None:
    reply = endpoint.ask("POST", content="{}", headers={"Content-Type": "text/plain"})
    assert reply.status_code == 415
    assert reply.json() == {
        "error": "unsupported encoding",
        "description": "Unsupported encoding for body of POST. Request rejected.",
    }


def test_no_content_type_is_a_null_pointer(endpoint: Endpoint) -> None:
    reply = endpoint.ask("POST", content="{}")
    assert plain_error(reply) == (500, "server_error", "Null pointer")


@pytest.mark.parametrize(
    ("admin", "words"),
    [
        (
            replace(ADMIN, client_id="nobody"),
            'the given id of "nobody" is not recognized as an admin client.',
        ),
        (replace(ADMIN, client_secret="wrong"), "client and secret do not match"),
        (replace(ADMIN, client_secret=""), "missing secret."),
        (UNAPPROVED, "this admin client has not been approved."),
    ],
    ids=["unknown", "wrong secret", "no secret", "unapproved"],
)
def test_a_bad_admin_client_is_refused(endpoint: Endpoint, admin: Any, words: str) -> None:
    said = plain_error(endpoint.as_(admin).post())
    assert said == (500, "server_error", f"Bad admin client 127.0.0.1:{words}")
    assert endpoint.get().json() == {"clients": []}


@pytest.mark.parametrize("header", [None, "Basic YTpi", "bearer YTpi", "Bearer"])
def test_another_scheme_is_refused(endpoint: Endpoint, header: str | None) -> None:
    said = plain_error(endpoint.post(headers={"Authorization": header}))
    words = "Missing/unknown authorization method."
    if header == "Bearer":
        words = "the authorization header is not in the right format"
    assert said == (500, "server_error", words)


def encoded(text: str, *, safe_for_urls: bool = False) -> str:
    encode = base64.urlsafe_b64encode if safe_for_urls else base64.b64encode
    return f"Bearer {encode(text.encode()).decode()}"


@pytest.mark.parametrize("safe_for_urls", [False, True])
def test_a_raw_id_is_understood_too(endpoint: Endpoint, safe_for_urls: bool) -> None:
    admin = replace(ADMIN, client_secret="plain?secret~>")
    endpoint.provider.add_admin_client(admin)
    pair = f"{admin.client_id}:{admin.client_secret}"
    header = encoded(pair, safe_for_urls=safe_for_urls)
    assert endpoint.post(headers={"Authorization": header}).status_code == 201


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (f"{ADMIN.client_id}:100%", "URLDecoder: Incomplete trailing escape (%) pattern"),
        ("no colon", "the authorization header is not in the right format"),
    ],
)
def test_a_bearer_that_cannot_be_read_is_refused(endpoint: Endpoint, pair: str, words: str) -> None:
    reply = endpoint.post(headers={"Authorization": encoded(pair)})
    assert plain_error(reply) == (500, "server_error", words)


def test_a_plus_in_a_raw_secret_is_a_blank(endpoint: Endpoint) -> None:
    endpoint.provider.add_admin_client(replace(ADMIN, client_secret="a b"))
    header = encoded(f"{ADMIN.client_id}:a+b")
    assert endpoint.post(headers={"Authorization": header}).status_code == 201


def test_one_more_than_the_quota_is_allowed(endpoint: Endpoint) -> None:
    endpoint.provider.add_admin_client(replace(ADMIN, max_clients=2))
    for _ in range(3):
        endpoint.registered()
    words = "Max client count of 2 exceeded."
    assert plain_error(endpoint.post()) == (500, "server_error", words)
    # The body is read before the quota is looked at, and understood after.
    assert plain_error(endpoint.post({})) == (500, "server_error", words)
    assert plain_error(endpoint.ask("POST", headers={"Content-Type": "application/json"})) == (
        *(500, "server_error"),
        "There is no content for this request",
    )


def test_a_deleted_client_makes_room(endpoint: Endpoint) -> None:
    endpoint.provider.add_admin_client(replace(ADMIN, max_clients=0))
    said = endpoint.registered()
    assert endpoint.post().status_code == 500
    assert endpoint.delete(said["client_id"]).status_code == 204
    endpoint.registered()


@pytest.mark.parametrize(
    ("changes", "error", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_it_cannot_do_is_refused(
    endpoint: Endpoint, changes: dict[str, Any], error: str, words: str
) -> None:
    assert json_error(endpoint.post(BODY | changes)) == (400, error, words)
    assert endpoint.get().json() == {"clients": []}


def test_a_name_is_needed(endpoint: Endpoint) -> None:
    assert json_error(endpoint.post({})) == (400, "invalid_request", "no client name")


def test_neither_callbacks_nor_https_are_needed(endpoint: Endpoint) -> None:
    assert endpoint.post({"client_name": "bare"}).status_code == 201
    assert endpoint.post({"client_name": "plain", "redirect_uris": "http://a"}).status_code == 201


def test_an_empty_body_is_refused(endpoint: Endpoint) -> None:
    reply = endpoint.ask("POST", headers={"Content-Type": "application/json"})
    assert plain_error(reply) == (500, "server_error", "There is no content for this request")


def test_extra_attributes_are_kept_and_win(endpoint: Endpoint) -> None:
    said = endpoint.registered(comment="a tag", client_id_issued_at=1)
    shown = endpoint.shown(said["client_id"])
    assert (shown["comment"], shown["client_id_issued_at"]) == ("a tag", 1)


def test_the_new_release_notes_the_api_version_of_the_path(endpoint: Endpoint) -> None:
    said = endpoint.post(path="/v5.5").json()
    assert endpoint.shown(said["client_id"])["api_version"] == "v5.5"
    assert "api_version" not in endpoint.shown(endpoint.registered()["client_id"])


def test_the_bearer_of_the_tests_is_what_upstream_documents() -> None:
    text = base64.b64decode(bearer("a:/b", "c d").removeprefix("Bearer ")).decode()
    assert text == "a%3A%2Fb:c+d"
