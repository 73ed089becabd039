"""Somebody whom an application sends to the hub and who may not use it learns that, and goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import check, press_persona
from tests.oidc_hub import GRAFANA, INSIDER, OTHER, OUTSIDER, PLAIN, log_until, write_values
from tests.previews import RunningHub, running_hub

pytestmark = pytest.mark.browser

LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 600}},
}
WAYS: dict[str, dict[str, Any]] = {
    "oauth": {"at": f"{PLAIN}authorize", "scope": None},
    "openid": {},
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub that says whom to ask."""
    values = write_values(tmp_path_factory.mktemp("hub"))
    contact = "  hub:\n    templateVars: {login_contact: help@example.org}\n"
    values.write_text(values.read_text().replace("  hub:\n", contact))
    with running_hub(values) as running:
        yield running


def refused(page: Page, hub: RunningHub, address: str) -> None:
    page.goto(address)
    press_persona(page, OUTSIDER)
    expect(page.get_by_role("heading", name="You may not use grafana")).to_be_visible()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("looks", LOOKS)
def test_the_page_says_who_what_and_whom_to_ask(
    browser: Browser, hub: RunningHub, looks: str, way: str
) -> None:
    with browser.new_context(**LOOKS[looks]) as context:
        page = context.new_page()
        refused(page, hub, GRAFANA.address(hub, **WAYS[way]))
        said = page.get_by_role("alert")
        expect(said).to_contain_text("You are logged in to this hub as gil-researchers")
        expect(said).to_contain_text("may use grafana")
        expect(page.get_by_role("link", name="help@example.org")).to_be_visible()
        check(page)
        page.get_by_role("link", name="To the hub").click()
        page.wait_for_url(re.compile("/hub/home"))


@pytest.mark.parametrize("way", WAYS)
def test_another_account_comes_back_to_the_application(
    browser: Browser, hub: RunningHub, way: str
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.route(f"{GRAFANA.callback}*", lambda route: route.fulfill(body="this is grafana"))
        refused(page, hub, GRAFANA.address(hub, **WAYS[way]))
        page.get_by_role("link", name="Use another account").click()
        press_persona(page, INSIDER)
        expect(page.get_by_text("this is grafana")).to_be_visible()
        assert "code=" in page.url
        assert "state=the-state" in page.url


def test_the_log_says_why_and_no_refusal_repeats_the_address(
    browser: Browser, hub: RunningHub
) -> None:
    with browser.new_context() as context:
        refused(context.new_page(), hub, GRAFANA.address(hub, state="state-of-this-test"))
    why = (
        'application refused service=grafana user=gil-researchers reason="may not use the service"'
    )
    log_until(hub, why)
    lines = log_until(hub, " 403 GET /hub/oidc/authorize").splitlines()
    assert not [line for line in lines if " 403 GET " in line and "state-of-this-test" in line]


def test_a_hub_without_a_contact_has_the_page_too(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = write_values(tmp_path_factory.mktemp("silent"))
    with running_hub(values) as hub, browser.new_context() as context:
        page = context.new_page()
        refused(page, hub, GRAFANA.address(hub))
        expect(page.get_by_text("Whom to ask")).to_have_count(0)
        check(page)


def test_a_service_of_plain_values_has_the_page_too(browser: Browser, hub: RunningHub) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(OTHER.address(hub, at=f"{PLAIN}authorize", scope=None))
        press_persona(page, OUTSIDER)
        expect(page.get_by_role("heading", name="You may not use other")).to_be_visible()
