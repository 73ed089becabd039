"""The pages before somebody is in: readable by everybody, usable with little."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import visits
from tests.previews import RunningHub, running_hub

pytestmark = pytest.mark.browser

CITIES = ("Zürich", "Århus", "Łódź", "São Paulo", "Königsberg", "Nagoya", "Uppsala")
HOSTILE = "<img src=x onerror=document.title='hacked'>"


def values() -> dict[str, Any]:
    """A hub of 300 institutions, and staff with GitHub accounts."""
    rule = {"allow_all": True, "username_derivation": {"username_claim": "email"}}
    ids = [f"https://idp.uni{number}.example/shibboleth" for number in range(300)]
    names = {
        entity_id: f"University of {CITIES[number % len(CITIES)]} {number}"
        for number, entity_id in enumerate(ids)
    }
    names[ids[-1]] = HOSTILE
    campus = {"idps": dict.fromkeys(ids, rule), "institution_names": names}
    return {
        "global": {
            "fedhub": {
                "domain": "hub.example.org",
                "login": {
                    "campus": {"authenticator": "cilogon", "config": campus},
                    "staff": {
                        "authenticator": "github",
                        "label": HOSTILE,
                        "config": {"allowed_users": ["olga"]},
                    },
                },
            }
        },
        "jupyterhub": {
            "hub": {
                "templateVars": {
                    "login_title": "Example Hub",
                    "login_text": HOSTILE,
                    "login_contact": "help@example.org",
                    "announcement": "Maintenance on <b>Friday</b>",
                }
            }
        },
    }


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    file = tmp_path_factory.mktemp("values") / "many.values.yaml"
    file.write_text(json.dumps(values()))
    with running_hub(file) as running:
        yield running


@pytest.fixture(
    params=[
        pytest.param({"viewport": {"width": 1000, "height": 800}}, id="wide"),
        pytest.param({"viewport": {"width": 320, "height": 600}}, id="narrow"),
        pytest.param({"color_scheme": "dark"}, id="dark"),
        pytest.param(
            {"viewport": {"width": 320, "height": 600}, "color_scheme": "dark"}, id="both"
        ),
    ]
)
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    with browser.new_context(**request.param) as made:
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as made:
        yield made.new_page()


def check(page: Page) -> None:
    """It is as every page is to be, and nothing that anybody wrote into it ran."""
    visits.check(page)
    assert page.title() != "hacked"


def be_refused(page: Page, hub: RunningHub) -> None:
    page.goto(f"{hub.url}hub/staff/oauth_login")
    visits.press_persona(page, "github-outsider")
    expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()


def test_the_login_page_is_for_everybody(context: BrowserContext, hub: RunningHub) -> None:
    page = context.new_page()
    page.goto(hub.url)
    expect(page.get_by_role("heading", name="Example Hub")).to_be_visible()
    check(page)
    page.goto(f"{hub.url}hub/login?q=nowhere")
    check(page)


def test_a_refusal_is_for_everybody(context: BrowserContext, hub: RunningHub) -> None:
    page = context.new_page()
    be_refused(page, hub)
    check(page)


def test_the_page_after_a_logout_is_for_everybody(context: BrowserContext, hub: RunningHub) -> None:
    page = context.new_page()
    page.goto(f"{hub.url}hub/staff/oauth_login")
    visits.press_persona(page, "github-allowed")
    page.wait_for_url(re.compile(r"/(user|hub/spawn)"))
    page.goto(f"{hub.url}hub/logout")
    expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()
    check(page)


def test_the_way_to_another_account_is_for_everybody(
    context: BrowserContext, hub: RunningHub
) -> None:
    page = context.new_page()
    page.goto(f"{hub.url}hub/campus/another_account")
    expect(page.get_by_role("heading", name="Use another account")).to_be_visible()
    check(page)


def test_any_other_error_page_is_for_everybody(context: BrowserContext, hub: RunningHub) -> None:
    page = context.new_page()
    page.goto(f"{hub.url}hub/nowhere")
    expect(page.get_by_role("heading", name="404")).to_be_visible()
    check(page)


def test_a_search_finds_institutions_while_somebody_types(page: Page, hub: RunningHub) -> None:
    page.goto(hub.url)
    links = page.locator(".fedhub-institution")
    expect(links).to_have_count(12)
    page.get_by_label("Search institutions").press_sequentially("zurich 14")
    expect(page.get_by_role("status")).to_have_text("3 institutions")
    expect(links).to_have_text([f"University of Zürich {number}" for number in (14, 140, 147)])
    page.get_by_label("Search institutions").fill("nowhere at all")
    expect(page.get_by_text("No institution of that name")).to_be_visible()


def test_the_institution_chosen_last_needs_one_press(page: Page, hub: RunningHub) -> None:
    page.goto(f"{hub.url}hub/login?q=nagoya+12&next=%2Fhub%2Ftoken")
    link = page.locator(".fedhub-institution").first
    name = link.inner_text()
    link.click()
    page.wait_for_url(re.compile(re.escape(hub.data["identity_provider"])))
    assert re.search(r"[?&]selected_idp=https[^,&]*(&|$)", page.url)

    page.goto(f"{hub.url}hub/login?next=%2Fhub%2Ftoken")
    again = page.get_by_role("link", name=f"Sign in with {name}", exact=True)
    expect(again).to_be_visible()
    check(page)
    again.click()
    page.locator('button[name="persona"]:visible').first.click()
    page.wait_for_url(re.compile(r"/hub/token"))


def test_everything_works_without_javascript(browser: Browser, hub: RunningHub) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(hub.url)
        expect(page.get_by_text("JupyterHub requires JavaScript")).to_be_hidden()
        page.get_by_label("Search institutions").fill("lodz 2")
        page.get_by_role("button", name="Search").click()
        page.locator(".fedhub-institution").first.click()
        page.locator('button[name="persona"]:visible').first.click()
        page.wait_for_url(re.compile(r"/(user|hub/spawn)"))


def test_a_dark_theme_needs_no_javascript(browser: Browser, hub: RunningHub) -> None:
    with browser.new_context(java_script_enabled=False, color_scheme="dark") as context:
        page = context.new_page()
        page.goto(hub.url)
        expect(page.locator("body")).to_have_css("background-color", "rgb(33, 37, 41)")
        expect(page.get_by_role("heading", name="Example Hub")).to_have_css(
            "color", "rgb(222, 226, 230)"
        )
        expect(page.get_by_role("button", name="Toggle dark mode")).to_be_hidden()


def test_the_keyboard_alone_is_enough(page: Page, hub: RunningHub) -> None:
    page.goto(hub.url)
    page.get_by_label("Search institutions").focus()
    page.keyboard.type("lodz 2")
    expect(page.locator(".fedhub-institution").first).to_contain_text("Łódź 2")
    page.keyboard.press("Tab")  # Search
    page.keyboard.press("Tab")
    expect(page.locator(".fedhub-institution").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(re.escape(hub.data["identity_provider"])))


def test_an_institution_that_the_hub_does_not_list_is_not_asked_for(
    page: Page, hub: RunningHub
) -> None:
    page.goto(f"{hub.url}hub/campus/oauth_login?idp=https%3A%2F%2Fevil.example%2Fidp")
    assert "evil.example" not in page.url
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert "fedhub-institution" not in names


def test_the_cookie_that_remembers_is_no_scripts_business(page: Page, hub: RunningHub) -> None:
    page.goto(hub.url)
    page.locator(".fedhub-institution").first.click()
    page.goto(hub.url)
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "fedhub-institution"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert cookie["path"] == "/hub/"


def test_a_refusal_names_the_account_and_whom_to_ask(page: Page, hub: RunningHub) -> None:
    be_refused(page, hub)
    page_text = page.locator("main").inner_text()
    assert "eve" in page_text
    assert "help@example.org" in page_text
    page.get_by_role("link", name="Use another account").click()
    # The provider asks again who it is.
    visits.press_persona(page, "github-allowed")
    page.wait_for_url(re.compile(r"/(user|hub/spawn)"))


def test_operators_can_build_on_our_page(tmp_path: Path, browser: Browser) -> None:
    own = values()
    template = '{% extends "fedhub/login.html" %}{% block title %}Mine{% endblock %}'
    own["jupyterhub"]["hub"] |= {
        "extraFiles": {"login": {"mountPath": "/etc/mine/login.html", "stringData": template}},
        "templatePaths": ["/etc/mine"],
    }
    file = tmp_path / "own.values.yaml"
    file.write_text(json.dumps(own))
    with running_hub(file) as hub, browser.new_context() as context:
        page = context.new_page()
        page.goto(hub.url)
        expect(page).to_have_title("Mine")
        expect(page.get_by_role("heading", name="Example Hub")).to_be_visible()
