"""Each rule's page: its bad example is found by the rule, its good one is not."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

from fedhub.checks.pages import explain, page
from fedhub.checks.rules import RULES
from fedhub.errors import UsageError
from tools.generate_checks_page import PAGE


def examples(rule: str, heading: str) -> list[str]:
    """Return the indented blocks below a heading of a rule's page."""
    text = RULES[rule].__doc__ or ""
    found = re.findall(rf"^{heading}\b[^\n]*:\n\n((?:    [^\n]*\n|\n)+)", text, re.M)
    return [dedent(block) for block in found]


@pytest.mark.parametrize("rule", RULES)
def test_the_bad_example_is_found(rule, check):
    (bad,) = examples(rule, "Bad")
    assert rule in {problem.id for problem in check(bad).problems}


@pytest.mark.parametrize("rule", RULES)
def test_the_good_example_is_not(rule, check):
    for good in examples(rule, "Good"):
        assert rule not in {problem.id for problem in check(good).problems}


def test_almost_every_page_has_a_good_example():
    assert [rule for rule in RULES if not examples(rule, "Good")] == ["plaintext-credential"]


def test_ids_are_named_after_their_modules():
    for name, rule in RULES.items():
        assert rule.__name__.rpartition(".")[2] == name.replace("-", "_")


def test_the_page_in_the_documentation_is_what_the_rules_say():
    assert PAGE.read_text() == page(), "run tools/generate_checks_page.py"


def test_a_rule_explains_itself():
    assert "did not" not in explain("shared-username")
    assert explain("shared-username").startswith("shared-username (warning)\n\nUser names")


def test_a_misspelt_rule_is_answered_with_the_right_one():
    with pytest.raises(UsageError, match="did you mean shared-username"):
        explain("shared-usernames")
