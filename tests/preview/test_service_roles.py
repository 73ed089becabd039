"""A service's own roles reach the application, and Grafana's file makes them roles of Grafana."""

from __future__ import annotations

import configparser
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jmespath  # type: ignore[import-untyped]  # it has no types
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from fedhub.services.forms import as_configuration
from fedhub.services.handover import Handover
from tests.handed_over import fedhub_service
from tests.oidc_hub import (
    ASKS,
    GRAFANA,
    GUEST,
    INSIDER,
    OPERATOR,
    OUTSIDER,
    PLAIN,
    Person,
    answer_of,
    log_until,
    write_values,
)
from tests.previews import RunningHub, running_hub

ROLES = """\
        groups: [guests]
        roles:
          admin: {groups: [instructors]}
          editor: {groups: [researchers], users: [gil-instructors]}
          gone: null
"""
HAS = {INSIDER: ["admin", "editor"], OUTSIDER: ["editor"], GUEST: []}
IN_GRAFANA = {INSIDER: "Admin", OUTSIDER: "Editor", GUEST: "Viewer"}


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_values(tmp_path_factory.mktemp("roles"))
    text = path.read_text().replace("        groups: [instructors]\n", ROLES, 1)
    path.write_text(text.replace('["admin:users"]', '["admin:users", "admin:groups"]'))
    return path


@pytest.fixture(scope="module")
def hub(values: Path) -> Iterator[RunningHub]:
    with running_hub(values) as running:
        yield running


def grafana_section(text: str) -> configparser.SectionProxy:
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(text)
    return found["auth.generic_oauth"]


def logged_in(hub: RunningHub, persona: str, **how: str | None) -> tuple[str, dict[str, Any]]:
    """Log somebody in by plain OAuth; return their token, and what the hub says to it."""
    asked = {"code_challenge": None, "code_challenge_method": None, "nonce": None, **how}
    with Person(hub, persona) as person:
        code = answer_of(person.go(GRAFANA.address(hub, at=f"{PLAIN}authorize", **asked)))["code"]
    token = GRAFANA.redeem(hub, code, at=f"{PLAIN}token", code_verifier=None).json()["access_token"]
    return token, user(hub, token)


def user(hub: RunningHub, token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    found: dict[str, Any] = httpx.get(
        f"{hub.url}hub/api/user", headers=headers, trust_env=False
    ).json()
    return found


@pytest.mark.parametrize("persona", IN_GRAFANA)
def test_grafana_as_it_is_handed_over_gives_the_role(
    hub: RunningHub, values: Path, persona: str
) -> None:
    options = ("--format", "grafana", "--hub-url", hub.url)
    section = grafana_section(fedhub_service("credentials", str(values), "grafana", *options))
    scope = section["scopes"]
    assert (scope, section["empty_scopes"]) != ("", "false")
    _, answer = logged_in(hub, persona, scope=scope)
    assert jmespath.search(section["role_attribute_path"], answer) == IN_GRAFANA[persona]
    assert jmespath.search(section["login_attribute_path"], answer) == answer["name"]
    held = [one for one in answer["scopes"] if one.startswith("custom:")]
    assert held == [f"custom:grafana:{role}" for role in HAS[persona]]


def test_without_a_scope_in_the_request_it_is_the_same(hub: RunningHub) -> None:
    _, answer = logged_in(hub, OUTSIDER, scope=None)
    assert "custom:grafana:editor" in answer["scopes"]
    assert "custom:grafana:admin" not in answer["scopes"]


def test_nobody_gets_a_role_by_asking_for_it(hub: RunningHub) -> None:
    _, answer = logged_in(hub, GUEST, scope="custom:grafana:admin custom:grafana:editor")
    assert not [one for one in answer["scopes"] if one.startswith("custom:")]


@pytest.mark.parametrize("persona", HAS)
def test_by_openid_connect_they_are_the_claim_roles(hub: RunningHub, persona: str) -> None:
    with Person(hub, persona) as person:
        code = answer_of(person.go(GRAFANA.address(hub)))["code"]
        told = GRAFANA.redeem(hub, code).json()
        token, access = told["id_token"], told["access_token"]
        headers = {"Authorization": f"Bearer {access}"}
        info = httpx.get(f"{hub.url}hub/oidc/userinfo", headers=headers, trust_env=False).json()
    assert jwt.decode(token, options={"verify_signature": False})["roles"] == HAS[persona]
    assert info["roles"] == HAS[persona]


def left_the_group(hub: RunningHub, persona: str, at: str, *, group: str, name: str) -> str:
    """Send somebody to the application, and take them out of a group; return their code."""
    with Person(hub, persona) as person:
        scope = None if at == PLAIN else "openid"
        code = answer_of(person.go(GRAFANA.address(hub, at=f"{at}authorize", scope=scope)))["code"]
    left = httpx.request(
        "DELETE",
        f"{hub.url}hub/api/groups/{group}/users",
        json={"users": [name]},
        headers={"Authorization": f"token {OPERATOR}"},
        trust_env=False,
    )
    assert left.status_code == 200
    return code


@pytest.mark.parametrize("at", ["oidc/", PLAIN])
def test_who_loses_a_role_on_the_way_gets_in_without_it(hub: RunningHub, at: str) -> None:
    code = left_the_group(hub, INSIDER, at, group="instructors", name="gil-instructors")
    told = GRAFANA.redeem(hub, code, at=f"{at}token")
    assert told.status_code == 200
    scopes = user(hub, told.json()["access_token"])["scopes"]
    assert [one for one in scopes if one.startswith("custom:")] == ["custom:grafana:editor"]


@pytest.mark.parametrize("at", ["oidc/", PLAIN])
def test_who_may_not_use_it_any_more_does_not_get_in(hub: RunningHub, at: str) -> None:
    code = left_the_group(hub, OUTSIDER, at, group="researchers", name="gil-researchers")
    refused = GRAFANA.redeem(hub, code, at=f"{at}token")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    log_until(hub, "The person may not use" if at == PLAIN else "the person may not use")


def test_the_test_of_a_service_says_who_has_which(values: Path) -> None:
    found = json.loads(fedhub_service("test", str(values), "grafana", "--format", "json"))
    assert {one["persona"]: one["roles"] for one in found if one["user"]} == HAS
    assert all(one["claims"]["roles"] == one["roles"] for one in found if one["user"])


def test_its_owner_is_told_where_they_are(values: Path) -> None:
    told = fedhub_service("credentials", str(values), "grafana")
    assert "custom:grafana:<role> in the field scopes, a list; of the issuer, the claim" in told
    data = json.loads(fedhub_service("credentials", str(values), "grafana", "--format", "json"))
    assert data["roles"] == ["admin", "editor"]
    assert "roles" not in fedhub_service("credentials", str(values), "asks")


def test_a_service_without_roles_hears_of_none(hub: RunningHub) -> None:
    with Person(hub, INSIDER) as person:
        told = ASKS.redeem(hub, answer_of(person.agree_to(hub, ASKS))["code"]).json()
    assert "roles" not in jwt.decode(told["id_token"], options={"verify_signature": False})


# --- the expression, for all that a hub may answer --------------------------------------------

HANDOVER = Handover(
    hub="x",
    service="grafana",
    client_id="service-grafana",
    secret=SecretStr("secret"),
    redirect_uri="https://grafana.example.org/login/generic_oauth",
    home="https://hub.example.org/hub",
    scopes=("custom:grafana:admin", "custom:grafana:editor"),
    lifetime=1,
    issuer=None,
)
WORDS = st.sampled_from(["custom", "grafana", "admin", "editor", "x", "", ":", "!user", "s"])
SCOPES = st.lists(
    st.one_of(
        st.sampled_from(HANDOVER.scopes), st.lists(WORDS, max_size=4).map(":".join), st.text()
    )
)


@given(SCOPES)
def test_only_exactly_that_scope_makes_somebody_more_than_a_viewer(scopes: list[str]) -> None:
    path = grafana_section(as_configuration(HANDOVER, "grafana"))["role_attribute_path"]
    wanted = "Viewer"
    if "custom:grafana:admin" in scopes:
        wanted = "Admin"
    elif "custom:grafana:editor" in scopes:
        wanted = "Editor"
    assert jmespath.search(path, {"name": "ada", "scopes": scopes}) == wanted


def test_without_such_roles_grafanas_own_default_counts() -> None:
    for scopes in ((), ("custom:grafana:cook", "custom:other:admin")):
        text = as_configuration(replace(HANDOVER, scopes=scopes), "grafana")
        assert grafana_section(text)["role_attribute_path"] == ""
