"""Several providers on one hub: buttons, logins, logouts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fedhub_authenticators import configure
from traitlets.config import Config

from tests.unit.authenticators.logins import (
    DOMAIN,
    Visitor,
    configured,
    mock_provider,
)
from tests.unit.authenticators.several_providers import (
    GITHUB,
    settings,
    visit,
)


def test_each_provider_has_a_button_that_keeps_where_to_go() -> None:
    async def journey(hub: Any, visitor: Visitor) -> None:
        page = (await visitor.get("/hub/login", params={"next": "/hub/spawn?a=1&b=2"})).text
        assert re.findall(r'href="(/hub/\w+/oauth_login[^"]*)"', page) == [
            "/hub/students/oauth_login?next=%2Fhub%2Fspawn%3Fa%3D1%26b%3D2",
            "/hub/staff/oauth_login?next=%2Fhub%2Fspawn%3Fa%3D1%26b%3D2",
        ]
        assert "Sign in with GitHub" in page

    visit(configured(settings()), journey)


def test_a_label_is_text_whatever_it_holds() -> None:
    label = "<script>alert(1)</script> {{ authenticator.authenticators }} {% raw %}"

    async def journey(hub: Any, visitor: Visitor) -> None:
        page = (await visitor.get("/hub/login")).text
        assert "&lt;script&gt;alert(1)" in page
        assert "{{ authenticator.authenticators }} {% raw %}" in page

    visit(configured(settings(staff={"label": label, "config": {}})), journey)


def test_people_log_in_and_out_at_their_provider() -> None:
    async def journey(hub: Any, visitor: Visitor) -> None:
        members = hub.authenticator.authenticators
        begun = await visitor.begin("/hub/staff/oauth_login?next=%2Fhub%2Fhome")
        assert begun["redirect_uri"] == f"https://{DOMAIN}/hub/staff/oauth_callback"
        reply = await visitor.log_in(members["staff"], GITHUB, "/staff")
        assert reply.status_code == 302
        assert "staff:olga" in (await visitor.get("/hub/home")).text
        user = hub.users["staff:olga"]
        assert (await user.get_auth_state())["provider"] == "staff"
        assert (await visitor.get("/hub/logout")).headers["location"] == "/hub/staff/logout"
        # GitHub leads nobody back, so the hub's own page is where a logout ends.
        assert (await visitor.get("/hub/staff/logout")).status_code == 200
        assert "login" in (await visitor.get("/hub/home")).headers["location"]
        assert (await visitor.get("/hub/logout")).headers["location"] == "/hub/login"

    c = configured(settings(staff={"config": {"allow_all": True, "client_id": "Iv1"}}))
    visit(c, journey)


def test_a_login_begun_at_one_provider_does_not_end_at_another() -> None:
    async def journey(hub: Any, visitor: Visitor) -> None:
        members = hub.authenticator.authenticators
        begun = await visitor.begin("/hub/students/oauth_login")
        code = mock_provider(members["staff"]).handler_for_user(GITHUB).get_argument("code")
        reply = await visitor.get(
            "/hub/staff/oauth_callback", params={"code": code, "state": begun["state"]}
        )
        assert reply.status_code == 400
        assert "another provider" in reply.text

    visit(configured(settings()), journey)


@pytest.mark.parametrize("path", ["/hub/oauth_login", "/hub/oauth_callback?code=a&state=b"])
def test_there_is_no_login_beside_the_providers(path: str) -> None:
    async def journey(hub: Any, visitor: Visitor) -> None:
        assert (await visitor.get(path)).status_code == 404
        await visitor.get("/hub/login")
        form = {"username": "olga", "password": "x", "_xsrf": visitor.cookies.get("_xsrf") or ""}
        assert (await visitor.post("/hub/login", data=form)).status_code == 403

    visit(configured(settings()), journey)


def test_automatic_login_gives_way_to_the_choice() -> None:
    c = Config()
    c.Authenticator.auto_login = True

    async def journey(hub: Any, visitor: Visitor) -> None:
        assert (await visitor.get("/hub/login")).status_code == 200

    visit(configured(settings(), c), journey)


def test_one_provider_with_a_prefix_keeps_the_usual_addresses() -> None:
    only = {"authenticator": "github", "prefix": "gh:", "config": {"allow_all": True}}
    c = Config()
    configure(c, {"domain": DOMAIN, "login": {"main": only}})

    async def journey(hub: Any, visitor: Visitor) -> None:
        begun = await visitor.begin("/hub/oauth_login")
        assert begun["redirect_uri"] == f"https://{DOMAIN}/hub/oauth_callback"
        await visitor.log_in(hub.authenticator.authenticators["main"], GITHUB)
        assert "gh:olga" in (await visitor.get("/hub/home")).text

    visit(c, journey)
