"""What a person does in tests of several pages, and what holds for every page."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.previews import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


def press_persona(page: Page, name: str) -> None:
    """Press a persona's button on the provider's page, wherever it is folded away."""
    # By its value: a button inside a folded institution has no role yet.
    button = page.locator(f'button[name="persona"][value="{name}"]')
    closed = page.locator("details:not([open])", has=button).locator("> summary")
    while not button.is_visible():
        closed.first.click()
    button.click()


def log_out_there(page: Page) -> None:
    """Do the first step of the page that leads to another account, as it says."""
    with page.expect_popup() as opened:
        page.get_by_role("link", name=re.compile("^Log out of ")).click()
    tab = opened.value
    out = tab.get_by_role("heading", name="You are logged out")
    sure = tab.get_by_role("button", name="Log out")
    expect(out.or_(sure)).to_be_visible()
    if sure.is_visible():
        sure.click()
    expect(out).to_be_visible()
    tab.close()


def check(page: Page) -> None:
    """Nothing of a page is out of sight or unreadable."""
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0, f"{page.url} scrolls sideways by {width} pixels"
    page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run()")
    violations = [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found["violations"]
    ]
    assert not violations
