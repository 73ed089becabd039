"""Apache with mod_auth_openidc, given no more than an issuer, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from fedhub.preview.processes import free_port
from tests.apache import apache, has_mod_auth_openidc
from tests.browser.visits import press_persona
from tests.oidc_hub import INSIDER, OUTSIDER, Application, write_values
from tests.previews import RunningHub, running_hub

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not has_mod_auth_openidc(), reason="no Apache with mod_auth_openidc: make test brings it"
    ),
]


@pytest.fixture(scope="module")
def hub_and_page(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunningHub, str]]:
    application = Application("grafana", f"http://127.0.0.1:{free_port()}/app/callback")
    values = write_values(tmp_path_factory.mktemp("hub"), callback=application.callback)
    with running_hub(values) as hub, apache(f"{hub.url}hub/oidc", application) as address:
        yield hub, address


def log_in(page: Page, hub: RunningHub, address: str, persona: str) -> list[str]:
    """Open the protected page, and sign in at the provider; return where that led."""
    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    page.goto(address)
    page.wait_for_url(re.compile(re.escape(hub.data["identity_provider"])))
    press_persona(page, persona)
    return seen


def test_a_person_comes_back_to_the_page_without_one_of_the_hub(
    browser: Browser, hub_and_page: tuple[RunningHub, str]
) -> None:
    hub, address = hub_and_page
    with browser.new_context() as context:
        page = context.new_page()
        seen = log_in(page, hub, address, INSIDER)
        expect(page.get_by_text("gil-instructors is in instructors")).to_be_visible()
        assert page.url == address
        assert not [one for one in seen if one.startswith(hub.url)]


def test_who_may_not_use_it_is_told_so(
    browser: Browser, hub_and_page: tuple[RunningHub, str]
) -> None:
    hub, address = hub_and_page
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, hub, address, OUTSIDER)
        expect(page.get_by_role("heading", name="You may not use grafana")).to_be_visible()
