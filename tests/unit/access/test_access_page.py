"""The page that is sent to a community, and the table's colours."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from fedhub.access.persona import Persona
from fedhub.access.report import Answer, Report, Rule
from fedhub.access.show import html_text, json_text, print_table
from fedhub.errors import Position

NASTY = '<script src="https://evil.example/x.js">&'
PLACE = Position("/home/olga/hubs/lab.values.yaml", 9, 3)


def answer(name: str, *, allowed: bool = True, **claims: str) -> Answer:
    person = Persona(name, "campus", "https://idp.example", f"{NASTY} College", NASTY, claims)
    rules = (Rule("in", ("allowed_users", NASTY), PLACE),) if allowed else ()
    decided = "rules" if allowed else "nothing"
    return Answer(person, allowed, NASTY * allowed, (NASTY,), allowed, decided, rules, PLACE, NASTY)


REPORT = Report(
    "lab",
    "hub.example.org",
    "GitHubOAuthenticator",
    (answer("ada"), answer("eve", allowed=False, token="s3cret")),
    (NASTY,),
)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_nothing_is_loaded_and_nothing_runs() -> None:
    tags = Page(html_text(REPORT)).tags
    assert not {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "object"}
    assert not [name for _, attrs in tags for name in attrs if name in ("src", "href", "onclick")]
    style = re.search(r"<style>(.*?)</style>", html_text(REPORT), re.S)
    assert style is not None
    assert not re.search(r"url\(|@import", style[1])


def test_it_says_which_hub_where_when_and_who() -> None:
    text = html_text(REPORT)
    for part in ("lab", "hub.example.org", "ada", "eve", "College", "lab.values.yaml, line 9"):
        assert part in text
    assert re.search(r'<time datetime="\d{4}-\d\d-\d\d">', text)


def test_claims_and_folders_are_nobody_elses_business() -> None:
    text = html_text(REPORT)
    assert "s3cret" not in text
    assert "/home/olga" not in text


def test_what_decided_is_said_in_words() -> None:
    def page(*path: str, effect: Any = "in") -> str:
        about = answer("ada", allowed=effect != "out")
        rules = (Rule(effect, path, PLACE),)
        about = dataclasses.replace(about, rules=rules, decided="rules")
        return html_text(dataclasses.replace(REPORT, answers=(about,)))

    assert "everybody of this institution gets in" in page("idps", "urn:x:y", "allow_all")
    assert "with an address at x.org gets in" in page("idps", "urn:x:y", "allowed_domains", "x.org")
    assert "takes no accounts of this institution" in page("idps", effect="out")
    assert "members of the group a{b} get in" in page("allowed_groups", "a{b}")
    assert "members of the group a are admins" in page("admin_groups", "a", effect="admin")
    assert "allowed_cohorts: 2026" in page("allowed_cohorts", "2026")  # of an operator's own class
    assert "idps allow_all" not in page("idps", "urn:x:y", "allow_all")
    assert "eve is blocked by name" in page("blocked_users", "eve", effect="out")


def test_every_cell_has_a_header() -> None:
    tags = Page(html_text(REPORT)).tags
    headers = [attrs for tag, attrs in tags if tag == "th"]
    assert {attrs["scope"] for attrs in headers} == {"col", "row"}
    cells = [attrs["data-label"] for tag, attrs in tags if tag == "td"]
    assert len(cells) == 12
    assert None not in cells


def test_a_hub_without_people_has_a_page_too() -> None:
    assert "Nobody could be tried" in html_text(Report("lab", "", "DummyAuthenticator", ()))


def test_json_names_each_rule_and_its_place() -> None:
    assert '"line": 9' in json_text(REPORT)


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours_are_left_out_on_demand(
    no_color: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table(REPORT)
    assert ("\x1b[3" in capsys.readouterr().out) == (not no_color)
