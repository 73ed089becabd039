"""Logging out, in a browser, at every kind of provider: really out, and back on the hub's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.previews import RunningHub, running_hub

pytestmark = pytest.mark.browser

KEYCLOAK = """\
global:
  fedhub:
    domain: hub.example.org
    login:
      lab:
        authenticator: keycloak
        config:
          iam_url: https://iam.example.org
          realm: lab
          allowed_groups: [staff]
"""
OIDC = """\
global:
  fedhub:
    domain: hub.example.org
    login:
      lab:
        authenticator: generic-oauth
        config:
          authorize_url: https://login.example.org/authorize
          token_url: https://login.example.org/token
          userdata_url: https://login.example.org/userinfo
          username_claim: email
          scope: [openid, email, profile]
          allowed_users: [ada@example.org]
"""
VALUES = {"keycloak": KEYCLOAK, "oidc": OIDC}

LEADS_BACK = frozenset({"keycloak", "oidc", "custos"})
"""Hubs whose provider brings people back after its logout."""

HUBS = ["campus", "github", "custos", "two-providers", *VALUES]


@pytest.fixture(scope="module", params=HUBS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def hub(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    where: str | Path = name
    if name in VALUES:
        where = tmp_path_factory.mktemp("values") / f"{name}.values.yaml"
        where.write_text(VALUES[name])
    with running_hub(where) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


def everybody(hub: RunningHub, *, gets_in: bool) -> list[dict[str, Any]]:
    """One persona of each provider who gets in, or does not."""
    found = [one for one in hub.personas.values() if one["expected"]["allowed"] == gets_in]
    return list({one["provider"]: one for one in reversed(found)}.values())


def pages_of(hub: RunningHub, persona: dict[str, Any]) -> str:
    """Where the pages of a persona's provider are."""
    several = len({one["provider"] for one in hub.personas.values()}) > 1
    return f"{hub.url}hub/{persona['provider']}/" if several else f"{hub.url}hub/"


def begin(page: Page, hub: RunningHub, persona: dict[str, Any]) -> None:
    page.goto(f"{pages_of(hub, persona)}oauth_login?next=%2Fhub%2Fhome")


def choose(page: Page, persona: dict[str, Any]) -> None:
    # By its value: a button inside a folded institution has no role yet.
    button = page.locator(f'button[name="persona"][value="{persona["name"]}"]')
    closed = page.locator("details:not([open])", has=button).locator("> summary")
    while not button.is_visible():
        closed.first.click()
    button.click()


def expect_to_be_asked(page: Page, hub: RunningHub) -> None:
    """The provider asks who is there."""
    expect(page).to_have_url(re.compile(re.escape(hub.data["identity_provider"])))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_logout_is_one_at_the_provider_too(page: Page, hub: RunningHub, name: str) -> None:
    for persona in everybody(hub, gets_in=True):
        begin(page, hub, persona)
        choose(page, persona)
        expect(page).to_have_url(f"{hub.url}hub/home")
        passed: list[str] = []
        page.on("request", lambda request, passed=passed: passed.append(request.url))
        page.locator("#logout").click()
        page.wait_for_load_state()
        # Back on the hub's page, where a person can read or begin anew.
        assert page.url.startswith(hub.url), page.url
        assert not page.url.endswith("/hub/home")
        went = any(url.startswith(hub.data["identity_provider"]) for url in passed)
        assert went is (name in LEADS_BACK)
        page.goto(f"{hub.url}hub/home")
        expect(page).to_have_url(re.compile(r"/hub/login"))
        if went:
            begin(page, hub, persona)
            expect_to_be_asked(page, hub)


def test_somebody_who_was_refused_can_use_another_account(page: Page, hub: RunningHub) -> None:
    refused = {one["provider"]: one for one in everybody(hub, gets_in=False)}
    allowed = {one["provider"]: one for one in everybody(hub, gets_in=True)}
    both = set(refused) & set(allowed)
    assert both, "a hub of this test lets one in and refuses one at a provider"
    for provider in sorted(both):
        begin(page, hub, refused[provider])
        choose(page, refused[provider])
        expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
        page.get_by_role("link", name="Use another account").click()
        if page.url.startswith(hub.url):
            page.get_by_role("button", name="Sign in with another account").click()
        expect_to_be_asked(page, hub)
        choose(page, allowed[provider])
        expect(page).to_have_url(f"{hub.url}hub/home")
        page.goto(f"{hub.url}hub/logout")
