"""Logging out, in a browser, at every kind of provider: really out, and back on the hub's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import log_out_there, press_persona
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
CUSTOS_V1 = """\
global:
  fedhub:
    domain: hub.example.org
    login:
      lab:
        authenticator: custos
        config:
          flavour: v1
          iam_url: https://iam.example.org/auth
          realm: lab
          allowed_groups: [staff]
"""
GOOGLE = """\
global:
  fedhub:
    domain: hub.example.org
    login:
      lab:
        authenticator: google
        label: Staff account
        config:
          hosted_domain: [example.org]
          allowed_users: [ada]
"""
GLOBUS = """\
global:
  fedhub:
    domain: hub.example.org
    login:
      lab:
        authenticator: globus
        config:
          allowed_users: [ada]
"""
VALUES = {
    "keycloak": KEYCLOAK,
    "oidc": OIDC,
    "custos-v1": CUSTOS_V1,
    "google": GOOGLE,
    "globus": GLOBUS,
}

LEADS_BACK = frozenset({"keycloak", "oidc", "z2jh-custos", "custos-v1"})
"""Hubs whose provider brings people back after its logout."""

LEFT_TO_PEOPLE = {
    **{name: {"CILogon"} for name in ("campus", "z2jh-custos", "custos-v1")},
    "two-providers": {"CILogon", "GitHub"},
    "github": {"GitHub"},
    "google": {"Google"},
    "globus": {"Globus"},
}
"""Whose session only a person can end, by hub: what the page after a logout links to."""

HUBS = ["campus", "github", "z2jh-custos", "two-providers", *VALUES]


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


def expect_to_be_asked(page: Page, hub: RunningHub) -> None:
    """The provider asks who is there."""
    expect(page).to_have_url(re.compile(re.escape(hub.data["identity_provider"])))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_logout_is_one_at_the_provider_too(page: Page, hub: RunningHub, name: str) -> None:
    for persona in everybody(hub, gets_in=True):
        begin(page, hub, persona)
        press_persona(page, persona["name"])
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
        links = page.get_by_role("link", name=re.compile("^Log out of ")).all_inner_texts()
        left = {link.removeprefix("Log out of ") for link in links}
        assert left <= LEFT_TO_PEOPLE.get(name, set())
        assert bool(left) is (name in LEFT_TO_PEOPLE)
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
        press_persona(page, refused[provider]["name"])
        expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
        page.get_by_role("link", name="Use another account").click()
        if page.url.startswith(hub.url):
            log_out_there(page)
            page.get_by_role("link", name="Sign in with another account").click()
        expect_to_be_asked(page, hub)
        press_persona(page, allowed[provider]["name"])
        expect(page).to_have_url(f"{hub.url}hub/home")
        page.goto(f"{hub.url}hub/logout")


@pytest.mark.parametrize("name", ["campus"], indirect=True)
def test_who_does_not_log_out_of_cilogon_first_is_the_same_person_again(
    page: Page, hub: RunningHub
) -> None:
    (refused,) = everybody(hub, gets_in=False)
    begin(page, hub, refused)
    press_persona(page, refused["name"])
    page.get_by_role("link", name="Use another account").click()
    page.get_by_role("link", name="Sign in with another account").click()
    expect_to_be_asked(page, hub)
    others = [
        one["name"]
        for one in hub.personas.values()
        if one["idp"] == refused["idp"] and one != refused
    ]
    assert others, "an institution of this test has several people"
    for other in others:
        expect(page.locator(f'button[value="{other}"]')).to_have_count(0)
    press_persona(page, refused["name"])
    expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
