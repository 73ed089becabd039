"""Codes on their way to an application, by OpenID Connect and by the hub's own OAuth."""

from __future__ import annotations

import pytest

from tests.oidc_hub import GRAFANA, INSIDER, PLAIN, Person, answer_of
from tests.previews import RunningHub


@pytest.mark.parametrize("at", ["oidc/authorize", f"{PLAIN}authorize"])
@pytest.mark.parametrize(
    "more",
    [
        "&response_mode=fragment",
        "&response_mode=fragment&response_mode=query",
        "&response_mode=form_post",
    ],
)
def test_a_code_comes_in_the_query_alone(
    hub: RunningHub, person: Person, at: str, more: str
) -> None:
    address = GRAFANA.address(hub, at=at, scope=None)
    xsrf = person.cookies.get("_xsrf", path="/hub/") or ""
    form = {"_xsrf": xsrf, "scopes": "read:users:name!user"}
    for reply in (person.get(address + more), person.post(address + more, data=form)):
        assert reply.status_code == 400
        assert "leave response_mode out" in reply.text
        assert "location" not in reply.headers
    assert "code" in answer_of(person.get(f"{address}&response_mode=query"))


@pytest.mark.parametrize(
    ("authorize", "token"),
    [("oidc/authorize", "oidc/token"), (f"{PLAIN}authorize", f"{PLAIN}token")],
)
def test_a_code_ends_with_the_session_at_the_hub(
    hub: RunningHub, authorize: str, token: str
) -> None:
    address = GRAFANA.address(hub, at=authorize, scope=None)
    with Person(hub, INSIDER) as leaves, Person(hub, INSIDER) as stays:
        codes = [answer_of(one.go(address))["code"] for one in (leaves, stays)]
        leaves.get(f"{hub.url}hub/logout")
        refused, taken = (GRAFANA.redeem(hub, code, at=token) for code in codes)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert taken.status_code == 200, "it is another browser's"
