"""The web applications that `fedhub service credentials` writes log people in, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import press_persona
from tests.handed_over import MAY, MAY_NOT, Case, application, handed_over
from tests.unit.new.conftest import nobody, work

__all__ = ["nobody", "work"]

pytestmark = pytest.mark.browser


@pytest.fixture(params=["fedhub", "plain"])
def case(work: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    with handed_over(request.param) as found:
        yield found


def log_in(page: Page, case: Case, address: str, persona: str) -> list[str]:
    """Open the application, and sign in at the provider; return where that led."""
    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    page.goto(address)
    page.wait_for_url(re.compile(re.escape(case.hub.data["identity_provider"])))
    press_persona(page, case.persona(persona))
    return seen


def test_it_knows_who_came_without_a_page_of_the_hub(browser: Browser, case: Case) -> None:
    for program in ("authlib", "passport"):
        with application(case, program) as address:
            with browser.new_context() as context:
                one_who_may(context.new_page(), case, address)
            with browser.new_context() as context:
                one_who_may_not(context.new_page(), case, address)


def one_who_may(page: Page, case: Case, address: str) -> None:
    seen = log_in(page, case, address, MAY)
    expect(page.get_by_text(f"you are {case.person(MAY)}, in")).to_be_visible()
    expect(page.get_by_text("instructors")).to_be_visible()
    assert page.url == address
    assert not [one for one in seen if one.startswith(case.hub.url)]


def one_who_may_not(page: Page, case: Case, address: str) -> None:
    log_in(page, case, address, MAY_NOT)
    page.wait_for_url(re.compile(re.escape(case.hub.url)))
    refused = page.goto(address)
    assert refused is not None
    assert refused.status == 403
    assert page.url.startswith(case.hub.url)
