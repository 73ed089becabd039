"""Whatever is sent to the tenant management, it answers as Custos' gateway does."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedhub.idp.custos_tenants.messages import INSTITUTIONS, STATUS, TENANT, TENANTS
from tests.providers import CLIENT_IDS, ENTITY, SECRET

PATH = "/apiserver/tenant-management/v1.0.0"
ONE = f"{PATH}/oauth2/tenant"
PAIR = f"{CLIENT_IDS['custos']}:{SECRET}".encode()
TENANT_HEADER = {"Authorization": f"Basic {base64.b64encode(PAIR).decode()}"}
NEEDED = {
    **dict.fromkeys(("client_name", "requester_email", "domain", "admin_username"), "x"),
    **dict.fromkeys(("admin_first_name", "admin_last_name", "admin_email"), "x"),
    "admin_password": "x",
    "redirect_uris": ["https://hub.example.org/"],
}
KNOWN = sorted(TENANT.keys() | STATUS.keys() | TENANTS.keys() | INSTITUTIONS.keys())
NAMES = st.sampled_from(KNOWN) | st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
CALLS = (
    *[(method, ONE) for method in ("POST", "GET", "PUT", "DELETE")],
    ("POST", f"{PATH}/status"),
    ("GET", f"{PATH}/tenants"),
    *[(method, f"{PATH}/cache/institutions/CILogon") for method in ("POST", "GET", "DELETE")],
    ("GET", f"{PATH}/institutions/CILogon"),
)


def expect(reply: Any, status: int, code: int, words: str) -> None:
    assert (reply.status_code, reply.json["code"], reply.json["details"]) == (status, code, [])
    assert words in reply.json["message"]


@pytest.mark.parametrize(
    ("query", "body", "words"),
    [
        ({}, {**NEEDED, "clientname": "x"}, "(clientname): Cannot find field."),
        ({}, {**NEEDED, "scope": ["openid"]}, "(scope): invalid value"),
        ({}, {**NEEDED, "contacts": "ops@example.edu"}, "(contacts): invalid value"),
        ({}, {**NEEDED, "tenant_status": "active"}, "(tenant_status): invalid value"),
        ({}, {**NEEDED, "admin_password": "\ud800"}, "(admin_password): invalid value"),
        ({}, {**NEEDED, "contacts": ["\ud800"]}, "(contacts): invalid value"),
        ({}, ["x"], "Expect message object"),
        ({"tenant_id": "x"}, NEEDED, "(tenant_id): invalid value"),
        ({}, {**NEEDED, "domain": ""}, "addTenant,  Domain should not be null"),
    ],
)
def test_a_request_that_is_not_the_message_is_refused(
    web: FlaskClient, query: dict[str, str], body: Any, words: str
) -> None:
    expect(web.post(ONE, query_string=query, json=body), 400, 3, words)


def test_fields_may_stand_in_the_address_or_in_camel_case(web: FlaskClient) -> None:
    body = {name: value for name, value in NEEDED.items() if name not in ("domain", "admin_email")}
    query = {"domain": "x", "redirect_uris": ["https://a.example.org", "https://b.example.org"]}
    reply = web.post(ONE, query_string=query, json={**body, "adminEmail": "x"})
    assert reply.status_code == 200, reply.text
    expect(web.post(ONE, query_string={"x": "y"}, json=NEEDED), 404, 5, "Could not find field 'x'")


@pytest.mark.parametrize(("method", "path"), [call for call in CALLS if call != ("POST", ONE)])
def test_without_credentials_there_is_nothing(web: FlaskClient, method: str, path: str) -> None:
    reply = web.open(path, method=method)
    assert reply.status_code in (400, 401)
    assert set(reply.json or {}) == {"code", "message", "details"}


def test_what_nobody_chose_filters_nothing(web: FlaskClient) -> None:
    def offered() -> list[str]:
        reply = web.get(f"{PATH}/institutions/CILogon", headers=TENANT_HEADER)
        assert reply.json is not None
        return [one["entity_id"] for one in reply.json["institutions"]]

    cache = f"{PATH}/cache/institutions/CILogon"
    assert offered() == [ENTITY]
    for kind, left in (("BACKLIST", []), ("WHITELIST", [ENTITY])):
        body = {"institution_ids": [ENTITY], "type": kind}
        assert web.post(cache, json=body, headers=TENANT_HEADER).json == {"status": True}
        assert offered() == left
        query = {"institution_ids": ENTITY}
        assert web.delete(cache, query_string=query, headers=TENANT_HEADER).status_code == 200
    body = {"institution_ids": ["urn:other"], "type": "WHITELIST"}
    web.post(cache, json=body, headers=TENANT_HEADER)
    assert offered() == []


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    call=st.sampled_from(CALLS),
    body=st.dictionaries(NAMES, VALUES, max_size=6).map(lambda more: {**NEEDED, **more}) | VALUES,
    query=st.dictionaries(NAMES.filter(bool), st.text(max_size=6), max_size=2),
    header=st.sampled_from([TENANT_HEADER, {}, {"Authorization": "Bearer x"}]),
)
def test_nonsense_is_answered_in_custos_words(
    web: FlaskClient,
    call: tuple[str, str],
    body: Any,
    query: dict[str, str],
    header: dict[str, str],
) -> None:
    reply = web.open(
        call[1],
        method=call[0],
        data=json.dumps(body),
        query_string={name: value.encode("utf-8", "replace") for name, value in query.items()},
        headers=header,
    )
    assert reply.status_code in (200, 400, 401, 404, 500)
    said = reply.json
    assert isinstance(said, dict)
    if reply.status_code != 200:
        assert set(said) == {"code", "message", "details"}
