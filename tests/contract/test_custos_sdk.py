"""The Custos v1.0.0 face against the routes and messages in `custos-sdk`'s own descriptors."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fedhub.idp.faces.custos_legacy import KNOWN_PARAMETERS
from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK, CLIENT_IDS

CLIENT_ID = CLIENT_IDS["custos"]
TENANT = {"Authorization": f"Bearer {base64.b64encode(f'{CLIENT_ID}:s3cret'.encode()).decode()}"}
METHODS = {
    "getOIDCConfiguration": "discovery",
    "authorize": "authorize",
    "token": "token",
    "getUser": "user",
    "endUserSession": "logout",
    "getCredentials": "credentials",
}
LATER_FIELDS = {"getUser": {"client_id"}}  # in the service's own .proto, after the SDK's release


@pytest.fixture
def call(
    provider: IdentityProvider, custos_methods: dict[str, Any]
) -> Callable[..., httpx.Response]:
    """Call a method by its name, with the verb and path its descriptor gives."""

    def go(name: str, params: dict[str, str], **more: Any) -> httpx.Response:
        method = custos_methods[name]
        address = f"{provider.url}/apiserver{method['path']}"
        return httpx.request(method["verb"], address, params=params, headers=TENANT, **more)

    return go


@pytest.fixture
def tokens(
    call: Callable[..., httpx.Response], sign_in: Callable[..., dict[str, str]]
) -> dict[str, Any]:
    """Log in through the addresses Custos itself hands out."""
    asked = {
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid email profile",
        "state": "st1",
    }
    login = call("authorize", asked).json()["loginURI"]
    code = sign_in(login, "ada-custos")["code"]
    given = {"code": code, "redirect_uri": CALLBACK, "grant_type": "authorization_code"}
    reply = call("token", given)
    assert reply.status_code == 200, reply.text
    issued: dict[str, Any] = reply.json()
    return issued


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_route_takes_the_fields_of_its_request_message(
    custos_methods: dict[str, Any], name: str
) -> None:
    method = custos_methods[name]
    in_query = {
        field
        for field, shape in method["request"].items()
        if field != method["body"] and shape["kind"] in ("string", "number")
    }
    assert KNOWN_PARAMETERS[METHODS[name]] == in_query


def test_token_has_no_body_and_logout_has_its_field_body(custos_methods: dict[str, Any]) -> None:
    assert custos_methods["token"]["body"] == ""
    assert custos_methods["endUserSession"]["body"] == "body"
    assert "refresh_token" in custos_methods["endUserSession"]["request"]["body"]["fields"]


def test_every_reply_is_the_message_of_its_descriptor(
    call: Callable[..., httpx.Response],
    tokens: dict[str, Any],
    custos_methods: dict[str, Any],
) -> None:
    asked = {
        "getUser": {"access_token": tokens["access_token"]},
        "getCredentials": {"client_id": CLIENT_ID},
        "getAllGroupsOfUser": {"profile.username": "ada"},
        "getAllGroups": {},
        "authorize": {"client_id": CLIENT_ID, "redirect_uri": CALLBACK},
    }
    for name, params in asked.items():
        reply = call(name, params)
        assert reply.status_code == 200, (name, reply.text)
        expect_message(reply.json(), custos_methods[name]["reply"], LATER_FIELDS.get(name, set()))
    ended = call("endUserSession", {}, json={"refresh_token": tokens["refresh_token"]})
    expect_message(ended.json(), custos_methods["endUserSession"]["reply"], set())


def test_memberships_hold_the_personas_groups_and_nothing_for_a_stranger(
    call: Callable[..., httpx.Response], tokens: dict[str, Any]
) -> None:
    mine = call("getAllGroupsOfUser", {"profile.username": "ada"}).json()
    assert [group["id"] for group in mine["groups"]] == ["group-1"]
    assert call("getAllGroupsOfUser", {"profile.username": "eve"}).json() == {"groups": []}


def test_a_session_ends_with_its_refresh_token(
    call: Callable[..., httpx.Response], tokens: dict[str, Any]
) -> None:
    ended = call("endUserSession", {}, json={"refresh_token": tokens["refresh_token"]})
    assert ended.json() == {"status": True}
    assert call("getUser", {"access_token": tokens["access_token"]}).status_code == 401


def test_custos_refreshes_with_its_own_secret(
    call: Callable[..., httpx.Response], tokens: dict[str, Any]
) -> None:
    given = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    fresh = call("token", given).json()
    assert fresh["access_token"] != tokens["access_token"]


def expect_message(value: dict[str, Any], message: dict[str, Any], later: set[str]) -> None:
    """Every field of the message is there, of its JSON kind, and no other field."""
    kinds = {"string": str, "number": (int, float), "bool": bool, "list": list, "object": dict}
    assert set(value) - later == set(message)
    for name, shape in message.items():
        assert isinstance(value[name], kinds[shape["kind"]]), name
        if shape["kind"] == "list" and shape["fields"]:
            for item in value[name]:
                expect_message(item, shape["fields"], set())
