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
from tests.browser.contrast import contrast
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
    for query in ("nowhere", "zurich"):
        page.goto(f"{hub.url}hub/login?q={query}")
        check(page)


def test_what_can_be_pressed_or_filled_in_is_seen(context: BrowserContext, hub: RunningHub) -> None:
    page = context.new_page()
    page.goto(f"{hub.url}hub/login?q=zurich")
    paper = page.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
    for what in (".fedhub-institution", ".fedhub-search input", ".fedhub-search button"):
        line = page.locator(what).first.evaluate("one => getComputedStyle(one).borderTopColor")
        assert contrast(line, paper) >= 3, what


@pytest.mark.parametrize("java_script_enabled", [True, False])
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_hubs_name_in_jupyterhubs_logo_can_be_read(
    browser: Browser, hub: RunningHub, color_scheme: Any, java_script_enabled: bool
) -> None:
    with browser.new_context(
        color_scheme=color_scheme, java_script_enabled=java_script_enabled
    ) as context:
        page = context.new_page()
        page.goto(hub.url)
        logo = page.locator("#jupyterhub-logo img")
        grey, paper = logo.evaluate(GREY_OF_THE_LOGO)
        assert contrast(grey, paper) >= 4.5


GREY_OF_THE_LOGO = """logo => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [logo.naturalWidth, logo.naturalHeight];
  const drawn = canvas.getContext("2d");
  drawn.filter = getComputedStyle(logo).filter;
  drawn.drawImage(logo, 0, 0);
  const points = drawn.getImageData(0, 0, canvas.width, canvas.height).data;
  const times = {};
  for (let at = 0; at < points.length; at += 4) {
    const [red, green, blue, opaque] = points.slice(at, at + 4);
    if (opaque === 255 && Math.max(red, green, blue) - Math.min(red, green, blue) < 16) {
      const colour = `rgb(${red}, ${green}, ${blue})`;
      times[colour] = (times[colour] || 0) + 1;
    }
  }
  const most = Object.keys(times).sort((one, other) => times[other] - times[one])[0];
  return [most, getComputedStyle(logo.closest("nav")).backgroundColor];
}"""
"""Finds the grey that most of JupyterHub's name is drawn in, and what is behind it."""


def test_whoever_has_no_institution_need_not_scroll(browser: Browser, hub: RunningHub) -> None:
    with browser.new_context(viewport={"width": 320, "height": 600}) as context:
        page = context.new_page()
        page.goto(hub.url)
        expect(page.locator('[data-choice="staff"]').get_by_role("link")).to_be_in_viewport()
        expect(page.get_by_label("Search institutions")).to_be_in_viewport()


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
    expect(links).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("300 institutions. Search to find yours.")
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
    page.goto(f"{hub.url}hub/login?q=nagoya")
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
