"""What an application learns about somebody is what the operator allowed, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.oidc_hub import (
    ASKS,
    GRAFANA,
    INSIDER,
    OTHER,
    PLAIN,
    Application,
    Person,
    answer_of,
    write_values,
)
from tests.previews import RunningHub, running_hub

NAMES = "read:users:name!user"
GROUPS = "read:users:groups!user"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub where grafana may read names alone, and of the other nothing is said."""
    values = write_values(tmp_path_factory.mktemp("hub"))
    values.write_text(values.read_text().replace(GROUPS, NAMES))
    with running_hub(values) as running:
        yield running


def told(hub: RunningHub, application: Application, way: str) -> dict[str, Any]:
    """Return what the hub tells whoever brings the access token of a login."""
    with Person(hub, INSIDER) as person:
        if application is ASKS:
            code = answer_of(person.agree_to(hub, application))["code"]
        else:
            scope = None if way == PLAIN else "openid"
            address = application.address(hub, at=f"{way}authorize", scope=scope)
            code = answer_of(person.go(address))["code"]
    token = application.redeem(hub, code, at=f"{way}token").json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    reply = httpx.get(f"{hub.url}hub/api/user", headers=bearer, trust_env=False)
    found: dict[str, Any] = reply.raise_for_status().json()
    return found


@pytest.mark.parametrize(("way", "unlisted"), [(PLAIN, OTHER), ("oidc/", ASKS)])
def test_groups_are_told_to_whom_they_are_allowed(
    hub: RunningHub, way: str, unlisted: Application
) -> None:
    listed, silent = told(hub, GRAFANA, way), told(hub, unlisted, way)
    assert listed["name"] == silent["name"] == "gil-instructors"
    assert listed["groups"] == []
    assert silent["groups"] == ["instructors"]
    for one in (listed, silent):
        assert not {"auth_state", "servers", "roles"} & one.keys()
        assert not [scope for scope in one["scopes"] if scope.startswith(("admin", "list"))]
