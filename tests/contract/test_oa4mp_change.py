"""PUT and DELETE at `/oauth2/oidc-cm`: each row of what was read from OA4MP's source."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.oa4mp_endpoint import (
    ADMIN,
    BODY,
    OTHER_ADMIN,
    UNAPPROVED,
    Endpoint,
    json_error,
    plain_error,
)
from tests.contract.test_oa4mp_create import REFUSED
from tests.providers import Clock

UNKNOWN = "cilogon:/client_id/0"
DENIED = (403, "access_denied", "access denied")
OTHER_CALLBACK = "https://new.example.org/hub/oauth_callback"


@pytest.fixture
def client_id(endpoint: Endpoint) -> str:
    found: str = endpoint.registered(
        comment="ours", contacts=["ada@example.edu"], cfg={"tokens": {}}
    )["client_id"]
    return found


def test_an_update_answers_as_get_does(endpoint: Endpoint, client_id: str) -> None:
    reply = endpoint.put(client_id, BODY | {"redirect_uris": [OTHER_CALLBACK]})
    assert reply.status_code == 200
    assert reply.json() == endpoint.shown(client_id)
    assert reply.json()["redirect_uris"] == [OTHER_CALLBACK]
    charset = {"5.5": "ISO-8859-1", "6.3.2": "UTF-8"}[endpoint.release]
    assert reply.headers["content-type"] == f"application/json;charset={charset}"


def test_what_is_left_out_is_lost(endpoint: Endpoint, client_id: str, clock: Clock) -> None:
    before = endpoint.shown(client_id)
    clock.offset = 100
    after = endpoint.put(client_id, {"client_name": "bare"}).json()
    assert (after["redirect_uris"], after["contacts"]) == ([], [""])
    assert not {"cfg", "comment"} & after.keys()
    assert after.get("scope", []) == []
    # A new object is built, and its time is now.
    assert 100 <= after["client_id_issued_at"] - before["client_id_issued_at"] < 160


def test_the_id_in_the_body_comes_first(endpoint: Endpoint, client_id: str) -> None:
    reply = endpoint.put(UNKNOWN, BODY | {"client_id": client_id})
    assert reply.json()["client_id"] == client_id
    reply = endpoint.put(client_id, BODY | {"client_id": UNKNOWN})
    assert json_error(reply) == (400, "unauthorized_client", "unknown client")


def test_an_unknown_client_is_not_updated(endpoint: Endpoint) -> None:
    said = json_error(endpoint.put(UNKNOWN, BODY))
    assert said == (400, "unauthorized_client", "unknown client")


def test_a_client_of_another_is_not_changed(endpoint: Endpoint, client_id: str) -> None:
    other = endpoint.as_(OTHER_ADMIN)
    assert json_error(other.put(client_id, BODY)) == DENIED
    assert json_error(other.delete(client_id)) == DENIED
    assert endpoint.shown(client_id)["comment"] == "ours"


def test_nothing_is_no_update(endpoint: Endpoint, client_id: str) -> None:
    said = json_error(endpoint.put(client_id, {}))
    assert said == (400, "invalid_request", "invalid request")


@pytest.mark.parametrize(
    "key", ["registration_access_token", "client_secret_expires_at", "client_id_issued_at"]
)
def test_what_only_the_server_says_is_refused(endpoint: Endpoint, client_id: str, key: str) -> None:
    body = BODY | {key: 0}
    said = json_error(endpoint.put(client_id, body))
    assert said == (400, "invalid_request", "invalid parameter")
    # It looks who asks about what before it looks at the parameters.
    assert json_error(endpoint.as_(OTHER_ADMIN).put(client_id, body)) == DENIED
    assert json_error(endpoint.put(UNKNOWN, body))[1] == "unauthorized_client"


def test_the_address_is_kept_as_an_extra_attribute(endpoint: Endpoint, client_id: str) -> None:
    body = BODY | {"registration_client_uri": "https://elsewhere.example.org"}
    shown = endpoint.put(client_id, body).json()
    assert shown["registration_client_uri"] == "https://elsewhere.example.org"


def test_a_secret_is_compared_and_never_changed(endpoint: Endpoint) -> None:
    said = endpoint.registered()
    right = BODY | {"client_secret": said["client_secret"]}
    reply = endpoint.put(said["client_id"], right)
    assert reply.status_code == 200
    assert said["client_secret"] not in reply.text
    wrong = endpoint.put(said["client_id"], BODY | {"client_secret": "wrong"})
    assert json_error(wrong) == (403, "invalid_request", "client id does not match")


@pytest.mark.parametrize("looks", [False, True])
def test_a_scope_the_server_does_not_know(endpoint: Endpoint, client_id: str, looks: bool) -> None:
    body = BODY | {"scope": ["openid", "own:scope"], "use_server_scopes": looks}
    reply = endpoint.put(client_id, body)
    if endpoint.release == "5.5" or looks:
        assert json_error(reply) == (403, "invalid_scope", "invalid scope")
    else:
        assert reply.json()["scope"] == ["openid", "own:scope"]


@pytest.mark.parametrize(
    ("was", "will", "words"),
    [
        ({}, "none", "cannot change from a confidential to a public client"),
        (
            {"token_endpoint_auth_method": "none", "scope": "openid"},
            "client_secret_basic",
            "cannot change from a public to a confidential client",
        ),
    ],
)
def test_a_client_stays_public_or_confidential(
    endpoint: Endpoint, was: dict[str, Any], will: str, words: str
) -> None:
    said = endpoint.registered(**was)
    body = BODY | {"scope": "openid", "token_endpoint_auth_method": will}
    reply = endpoint.put(said["client_id"], body)
    assert json_error(reply) == (400, "invalid_request_object", words)


@pytest.mark.parametrize(
    ("changes", "error", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_a_registration_may_not_ask_an_update_may_not(
    endpoint: Endpoint, client_id: str, changes: dict[str, Any], error: str, words: str
) -> None:
    before = endpoint.shown(client_id)
    assert json_error(endpoint.put(client_id, BODY | changes)) == (400, error, words)
    assert endpoint.shown(client_id) == before


def test_the_content_type_of_an_update_is_not_looked_at(endpoint: Endpoint, client_id: str) -> None:
    query = {"client_id": client_id}
    reply = endpoint.ask("PUT", query=query, content='{"client_name": "plain"}')
    assert reply.json()["client_name"] == "plain"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        (replace(ADMIN, client_id="nobody"), (400, "unauthorized_client", "unknown client")),
        (UNAPPROVED, (400, "unauthorized_client", "unknown client")),
        (
            replace(ADMIN, client_secret="wrong"),
            (500, "server_error", "client and secret do not match"),
        ),
    ],
    ids=["unknown", "unapproved", "wrong secret"],
)
def test_a_bad_admin_client_changes_nothing(
    endpoint: Endpoint, client_id: str, method: str, admin: Any, expected: tuple[int, str, str]
) -> None:
    query = {"client_id": client_id}
    assert plain_error(endpoint.as_(admin).ask(method, query=query, json=BODY)) == expected
    assert endpoint.shown(client_id)["comment"] == "ours"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_nobody_changes_nothing(endpoint: Endpoint, client_id: str, method: str) -> None:
    query = {"client_id": client_id}
    reply = endpoint.ask(method, query=query, json=BODY, headers={"Authorization": None})
    words = "Missing/unknown authorization method."
    assert plain_error(reply) == (500, "server_error", words)
    assert endpoint.shown(client_id)["comment"] == "ours"


def test_a_deleted_client_is_gone(endpoint: Endpoint, client_id: str) -> None:
    reply = endpoint.delete(client_id)
    assert (reply.status_code, reply.content) == (204, b"")
    assert endpoint.get().json() == {"clients": []}
    assert endpoint.get(client_id).status_code == {"5.5": 400, "6.3.2": 500}[endpoint.release]


def test_deleting_an_unknown_client_is_fine(endpoint: Endpoint) -> None:
    reply = endpoint.delete(UNKNOWN)
    assert (reply.status_code, reply.content) == (204, b"")


def test_a_deletion_names_a_client(endpoint: Endpoint) -> None:
    said = json_error(endpoint.ask("DELETE"))
    assert said == (400, "invalid_request", "Missing client id")
