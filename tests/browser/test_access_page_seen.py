"""The page of `fedhub access`, as a browser shows it."""

from __future__ import annotations

from typing import Any

import pytest

from fedhub.access.persona import Persona
from fedhub.access.report import Answer, Report, Rule
from fedhub.access.show import html_text
from fedhub.errors import Position
from tests.browser.contrast import contrast

pytestmark = pytest.mark.browser

LONG = "a-very-long-name-without-any-place-to-break-it@department.university.example.edu"
PLACE = Position("values/lab.values.yaml", 120, 3)
PAGE = html_text(
    Report(
        LONG,
        "hub.example.org",
        "CILogonOAuthenticator",
        tuple(
            Answer(
                Persona(LONG, "campus", "", f"College of {LONG}", "A person.", {}),
                allowed,
                LONG if allowed else "",
                (LONG, "b") if allowed else (),
                allowed,
                "rules",
                (Rule("in" if allowed else "out", ("allowed_users", LONG), PLACE),),
                PLACE,
                "" if allowed else LONG,
            )
            for allowed in (True, False)
        ),
    )
)


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_reads_in_both_schemes(browser: Any, width: int, scheme: str) -> None:
    page = browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=True
    )
    try:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.set_content(PAGE)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_role("table").get_by_role("row").count() == 3
        assert page.get_by_role("rowheader").count() == 2
        assert asked == []
        colours = page.evaluate(
            "[...document.querySelectorAll('.dim, .yes, .no, td, h1')].map(one => {"
            " let under = one; const clear = 'rgba(0, 0, 0, 0)';"
            " while (under && getComputedStyle(under).backgroundColor === clear)"
            "   under = under.parentElement;"
            " return [getComputedStyle(one).color, getComputedStyle(under).backgroundColor] })"
        )
        assert min(contrast(ink, paper) for ink, paper in colours) >= 4.5
    finally:
        page.close()


PEOPLE = {
    "google-admin": ("elsewhere.example", "google:olga@staff.example.org"),
    "example-member": ("example.edu", "ada"),
}
ORDINARY = html_text(
    Report(
        "campus",
        "hub.example.org",
        "CILogonOAuthenticator",
        tuple(
            Answer(
                Persona(name, "campus", "", institution, "has an address at staff.example.org", {}),
                allowed=True,
                username=username,
                groups=(),
                admin=True,
                decided="rules",
                rules=(Rule("admin", ("admin_users", username), PLACE),),
                place=PLACE,
                reason=f"You signed in as {username} at Google, but this hub takes others. " * 3,
            )
            for name, (institution, username) in PEOPLE.items()
        ),
    )
)


@pytest.mark.parametrize("width", [360, 1030, 1280])
def test_names_are_not_broken_inside_their_parts(browser: Any, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    try:
        page.set_content(ORDINARY)
        parts = page.evaluate(
            "['Institution', 'User name'].flatMap("
            "label => [...document.querySelectorAll(`td[data-label='${label}']`)])"
            ".flatMap(cell => [...cell.childNodes]).filter(node => node.nodeType === 3)"
            ".map(node => { const range = document.createRange(); range.selectNode(node);"
            " return [node.data, range.getClientRects().length] })"
        )
        assert {text for text, _ in parts} > {"google:olga", "@staff.example.org", "example.edu"}
        assert {lines for _, lines in parts} == {1}, parts
    finally:
        page.close()
