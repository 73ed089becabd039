"""Whatever Custos answers, it is understood as a whole or refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from fedhub.registration.custos import replies
from fedhub.registration.custos.refusals import error_of, read_refusal
from fedhub.registration.errors import RegistrationError

SECRET = "s3cr3t-of-custos"
INSTITUTION = {"entity_id": "urn:uni", "display_name": "University"}
TENANT = {"client_id": "x", "tenant_status": "ACTIVE", "admin_password": SECRET}
GOOD = {
    **TENANT,
    "client_secret": SECRET,
    "is_activated": True,
    "tenant": [TENANT, {"client_id": "y", "tenant_status": "DENIED"}],
    "total_num_of_tenants": 2,
    "custos_client_id": "x",
    "custos_client_secret": SECRET,
    "iam_client_id": "x",
    "iam_client_secret": SECRET[::-1],
    "institutions": [INSTITUTION],
}
"""All messages in one."""
NAMES = st.sampled_from(sorted(GOOD.keys() | INSTITUTION.keys()))
VALUES = st.sampled_from(["ACTIVE", "REQUESTED", "x", "", SECRET, 0, 7, True, None])
ANYTHING = st.recursive(
    VALUES | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)
CHANGES = st.dictionaries(NAMES, ANYTHING, max_size=3)
MISSING = st.sets(NAMES, max_size=2)
SAID = st.builds(
    lambda changes, missing: {n: v for n, v in {**GOOD, **changes}.items() if n not in missing},
    CHANGES,
    MISSING,
)


def read(reader: Callable[[], Any]) -> Any:
    """What was understood; None where it was refused."""
    try:
        return reader()
    except RegistrationError as error:
        assert "\n" not in str(error)
        assert SECRET not in str(error)
        return None


def test_what_is_right_is_understood() -> None:
    assert replies.new_tenant(GOOD).active
    assert replies.tenant(GOOD, "show it").status == "ACTIVE"
    assert [one.client_id for one in replies.tenants(GOOD, "list them")[0]] == ["x", "y"]
    both = replies.credentials(GOOD, "x", "tell them")
    assert both.keycloak.client_secret.get_secret_value() == SECRET[::-1]
    assert replies.institutions(GOOD, "list them") == (
        replies.Institution("urn:uni", "University"),
    )


@given(SAID)
def test_a_new_tenant_has_an_id_and_a_secret(said: dict[str, Any]) -> None:
    found = read(lambda: replies.new_tenant(said))
    if found is not None:
        assert found.credentials.client_id == said["client_id"] != ""
        assert found.credentials.client_secret.get_secret_value() == said["client_secret"]
        assert found.active == (said.get("is_activated") is True)
        assert SECRET not in repr(found)


@given(SAID)
def test_a_tenant_has_an_id_and_a_status_and_no_password(said: dict[str, Any]) -> None:
    found = read(lambda: replies.tenant(said, "show it"))
    if found is not None:
        assert (found.client_id, found.status) == (said["client_id"], said["tenant_status"])
        assert "admin_password" not in found.attributes


@given(SAID)
def test_a_list_has_tenants_only(said: dict[str, Any]) -> None:
    found = read(lambda: replies.tenants(said, "list them"))
    if found is not None:
        assert [one.client_id for one in found[0]] == [
            one["client_id"] for one in said.get("tenant", [])
        ]
        assert isinstance(found[1], int)


@given(SAID, st.sampled_from(["x", "7", ""]))
def test_credentials_are_those_of_the_tenant_asked_for(said: dict[str, Any], asked: str) -> None:
    found = read(lambda: replies.credentials(said, asked, "tell them"))
    if found is not None:
        assert found.custos.client_id == found.keycloak.client_id == said["iam_client_id"] == asked
        assert found.keycloak.client_secret.get_secret_value() == said["iam_client_secret"]
        assert SECRET not in repr(found)


@given(SAID)
def test_institutions_have_an_entity_id(said: dict[str, Any]) -> None:
    found = read(lambda: replies.institutions(said, "list them"))
    if found is not None:
        assert all(isinstance(one.entity_id, str) and one.entity_id for one in found)


@given(
    st.integers(200, 599),
    st.one_of(
        st.text(),
        ANYTHING.map(json.dumps),
        st.fixed_dictionaries({"code": st.integers(0, 16) | st.text(), "message": st.text()}).map(
            json.dumps
        ),
    ),
)
def test_every_refusal_becomes_one_printable_line(status: int, text: str) -> None:
    refusal = read_refusal(httpx.Response(status, text=text))
    if refusal is not None:
        assert status >= 300
        said = str(error_of(refusal, "do it"))
        assert said.isprintable()
        assert said.startswith("Custos does not do it: ")
        assert len(said) < 600
