"""The documentation of the rules, from their docstrings."""

from __future__ import annotations

from fedhub.checks.rules import RULES
from fedhub.checks.spelling import did_you_mean
from fedhub.errors import UsageError

_OPENING = """\
# What `fedhub check` looks for

Generated from the rules by `tools/generate_checks_page.py`; `fedhub check --explain ID` prints
one of these pages. A comment `# fedhub: ignore ID`, on the line or alone above it, silences a rule
there. Exit code 1 means errors; with `--strict`, warnings too.
"""


def explain(name: str) -> str:
    """Return the page of one rule.

    Raises:
        UsageError: there is no such rule.
    """
    rule = RULES.get(name)
    if rule is None:
        fix = did_you_mean(name, RULES, f"the rules are {', '.join(RULES)}")
        raise UsageError(f"there is no rule {name}", fix=fix)
    return f"{name} ({rule.SEVERITY})\n\n{(rule.__doc__ or '').strip()}\n"


def page() -> str:
    """Return all of `docs/checks.md`."""
    parts = [_OPENING]
    for name, rule in RULES.items():
        title, _, rest = (rule.__doc__ or "").strip().partition("\n")
        parts.append(f"## {name}\n\n**{title}** ({rule.SEVERITY})\n{rest}\n")
    return "\n".join(parts)
