"""How the tests of rules write a hub and ask about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from fedhub.checks.linter import Result, check_hubs

Check = Callable[..., Result]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Check a hub called `campus`, from the text of its values file, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def check_text(text: str, **others: str) -> Result:
        folder = tmp_path / "values"
        folder.mkdir(exist_ok=True)
        (folder / "campus.values.yaml").write_text(dedent(text))
        for name, content in others.items():
            names = {"secrets": "enc-campus.secret.values.yaml", "common": "common.values.yaml"}
            (folder / names[name]).write_text(dedent(content))
        return check_hubs(["campus"])

    return check_text


@pytest.fixture
def places(check: Check) -> Callable[..., list[str]]:
    """Return `line:column id` of each problem of a rule, or of all."""

    def of(text: str, rule: str = "") -> list[str]:
        return [
            f"{p.position.line}:{p.position.column} {p.id}"
            for p in check(text).problems
            if not rule or p.id == rule
        ]

    return of


@pytest.fixture
def messages(check: Check) -> Callable[..., list[str]]:
    """Return `severity: message; fix` of each problem of a rule."""

    def of(text: str, rule: str, **others: str) -> list[str]:
        found = check(text, **others).problems
        return [f"{p.severity}: {p.message}; {p.fix}" for p in found if p.id == rule]

    return of
