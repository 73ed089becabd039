"""Pages as somebody sees them who was refused or is leaving: what stands where, and how large."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.visits import check, log_out_there, press_persona
from tests.previews import RunningHub, running_hub

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 320, "height": 600}}


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub("campus") as running:
        yield running


@pytest.fixture(params=[pytest.param({}, id="wide"), pytest.param(PHONE, id="phone")])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    with browser.new_context(**request.param) as made:
        yield made


@pytest.fixture
def without_javascript(browser: Browser) -> Iterator[Page]:
    with browser.new_context(java_script_enabled=False) as made:
        yield made.new_page()


def be_refused(page: Page, hub: RunningHub) -> None:
    page.goto(f"{hub.url}hub/oauth_login")
    press_persona(page, "google-outsider")
    expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()


def box(found: Locator) -> dict[str, float]:
    place = found.bounding_box()
    assert place is not None
    return dict(place)


def test_both_steps_to_another_account_weigh_the_same(
    context: BrowserContext, hub: RunningHub
) -> None:
    page = context.new_page()
    page.goto(f"{hub.url}hub/another_account")
    steps = page.locator("main li .btn")
    expect(steps).to_have_text([re.compile("^Log out of CILogon"), "Sign in with another account"])
    first, second = (box(step) for step in steps.all())
    assert first["width"] == second["width"]
    looks = [
        step.evaluate("one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).font]")
        for step in steps.all()
    ]
    assert looks[0] == looks[1]
    rows = [box(row) for row in page.locator("main li").all()]
    assert rows[1]["y"] - (rows[0]["y"] + rows[0]["height"]) >= 16
    check(page)


def test_both_ways_on_after_a_logout_are_as_wide(context: BrowserContext, hub: RunningHub) -> None:
    page = context.new_page()
    page.goto(f"{hub.url}hub/logout")
    first, second = (box(one) for one in page.locator("main .btn").all())
    assert first["width"] == second["width"]
    assert second["y"] > first["y"] + first["height"]
    check(page)


def test_an_address_is_not_broken_on_a_phone(browser: Browser, hub: RunningHub) -> None:
    with browser.new_context(**PHONE) as context:
        page = context.new_page()
        be_refused(page, hub)
        account = page.get_by_role("definition").first
        expect(account).to_have_text("google:eve@elsewhere.example")
        line = account.evaluate("one => parseFloat(getComputedStyle(one).lineHeight)")
        assert box(account)["height"] < 2 * line
        check(page)


def test_whoever_was_refused_gets_on_without_javascript(
    without_javascript: Page, hub: RunningHub
) -> None:
    page = without_javascript
    be_refused(page, hub)
    expect(page.get_by_text("JupyterHub requires JavaScript")).to_be_hidden()
    expect(page.get_by_role("alert")).to_contain_text("google:eve@elsewhere.example")
    page.get_by_role("link", name="Use another account").click()
    expect(page.get_by_role("heading", name="Use another account")).to_be_visible()
    expect(page.get_by_text("JupyterHub requires JavaScript")).to_be_hidden()
    log_out_there(page)
    page.get_by_role("link", name="Sign in with another account").click()
    press_persona(page, "google-member")
    page.wait_for_url(re.compile(r"/(user|hub/spawn)"))
    page.goto(f"{hub.url}hub/logout")
    expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()
    expect(page.get_by_text("JupyterHub requires JavaScript")).to_be_hidden()
    page.get_by_role("link", name="Log out of CILogon").click()
    expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()
    assert page.url.startswith(hub.data["identity_provider"])
