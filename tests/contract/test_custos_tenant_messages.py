"""Our tenant client and the embedded one against `custos-sdk`'s descriptors.

Every call is overheard: its verb, path, query, body and answer are those of a method.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from fedhub.idp.custos_tenants import messages
from fedhub.idp.custos_tenants.endpoint import ITS_OWN
from fedhub.idp.server import IdentityProvider
from fedhub.registration.custos.administration import Person
from tests.contract.custos_tenants import PASSWORD, WANTED, Installation, overheard
from tests.contract.test_custos_sdk import expect_message
from tests.providers import ENTITY

KINDS = {"string": str, "number": (int, float), "bool": bool, "list": list, "object": dict}
OURS = {
    "createTenant",
    "getTenant",
    "updateTenant",
    "deleteTenant",
    "updateTenantStatus",
    "getAllTenants",
    "getCredentials",
    "token",
    "addToCache",
    "getFromCache",
    "removeFromCache",
}
"""The methods that our client calls."""
REQUESTS = {
    "createTenant": messages.TENANT,
    "getTenant": messages.ONE_TENANT,
    "updateTenant": messages.ONE_TENANT,
    "deleteTenant": messages.ONE_TENANT,
    "updateTenantStatus": messages.STATUS,
    "getAllTenants": messages.TENANTS,
    "addToCache": messages.INSTITUTIONS,
    "removeFromCache": messages.INSTITUTIONS,
    "getFromCache": messages.INSTITUTIONS,
    "getInstitutions": messages.INSTITUTIONS,
}


@pytest.fixture
def conversation(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[httpx.Request, httpx.Response]]:
    """All that our client ever asks, and what it is answered."""
    custos = Installation.begun(provider)
    with overheard(monkeypatch) as said:
        with custos.as_(None) as nobody:
            made = nobody.request(WANTED, PASSWORD).credentials
        with custos.by(custos.root) as root:
            root.activate(made.client_id)
            root.tenants("ops@example.edu")
        with custos.as_(made) as tenant:
            tenant.credentials(made.client_id)
            tenant.add_institutions([ENTITY, "urn:other"])
            tenant.institutions()
            tenant.remove_institutions([ENTITY, "urn:other"])
            tenant.request({**WANTED, "client_name": "Below"}, PASSWORD)
        with custos.by(Person(made, "olga", PASSWORD)) as owner:
            owner.update(made.client_id, {"client_name": "New", "contacts": []})
            owner.delete(made.client_id)
    return said


def method_of(methods: dict[str, Any], request: httpx.Request) -> str:
    path = request.url.path.removeprefix("/apiserver")
    found = [n for n, m in methods.items() if (m["verb"], m["path"]) == (request.method, path)]
    assert len(found) == 1, (request.method, path)
    return found[0]


def test_every_call_is_a_method_with_its_fields(
    conversation: list[tuple[httpx.Request, httpx.Response]], custos_methods: dict[str, Any]
) -> None:
    called = set()
    for request, _ in conversation:
        name = method_of(custos_methods, request)
        called.add(name)
        method = custos_methods[name]
        for field, value in request.url.params.multi_items():
            shape = method["request"][field]
            assert field != method["body"]
            assert shape["kind"] in ("string", "number", "list"), (name, field)
            assert shape["kind"] != "number" or value.isdigit()
            assert value in shape.get("values", [value])
        assert request.method in ("POST", "PUT") or not request.content
        if request.content:
            body = method["body"]
            fields = method["request"][body]["fields"] if body else method["request"]
            expect_fields(json.loads(request.content), fields)
    assert called == OURS


def expect_fields(body: dict[str, Any], fields: dict[str, Any]) -> None:
    for field, value in body.items():
        assert isinstance(value, KINDS[fields[field]["kind"]]), field
        assert value in fields[field].get("values", [value])


def test_a_change_says_nothing_that_custos_says_itself(
    conversation: list[tuple[httpx.Request, httpx.Response]],
) -> None:
    changes = [
        json.loads(request.content) for request, _ in conversation if request.method == "PUT"
    ]
    assert len(changes) == 1
    assert not changes[0].keys() & {*ITS_OWN, "admin_password"}


def test_no_password_or_secret_stands_in_an_address(
    conversation: list[tuple[httpx.Request, httpx.Response]],
) -> None:
    for request, _ in conversation:
        assert not {"admin_password", "password", "client_secret"} & set(request.url.params)


def test_every_answer_is_the_methods_message(
    conversation: list[tuple[httpx.Request, httpx.Response]], custos_methods: dict[str, Any]
) -> None:
    for request, reply in conversation:
        name = method_of(custos_methods, request)
        assert reply.status_code == 200, (name, reply.text)
        if name != "token":  # a Struct, which has any fields
            expect_message(reply.json(), custos_methods[name]["reply"], set())


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_the_embedded_custos_knows_the_fields_of_each_request(
    custos_methods: dict[str, Any], name: str
) -> None:
    plain = {
        field: shape
        for field, shape in custos_methods[name]["request"].items()
        if not shape["fields"] and field != custos_methods[name]["body"]
    }
    known = REQUESTS[name]
    assert set(known) == set(plain)
    for field, shape in plain.items():
        kind = known[field]
        assert isinstance(messages.empty(kind), KINDS[shape["kind"]]), field
        if kind in messages.ENUMS:
            assert list(messages.ENUMS[kind]) == shape["values"]


def test_the_body_of_a_change_is_a_tenant(custos_methods: dict[str, Any]) -> None:
    method = custos_methods["updateTenant"]
    assert method["body"] == "body"
    assert set(method["request"]["body"]["fields"]) == set(messages.TENANT)
    assert {custos_methods[name]["body"] for name in OURS - {"updateTenant"}} == {""}
