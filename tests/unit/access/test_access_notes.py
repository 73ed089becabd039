"""What the report says beside the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedhub.access.persona import Persona
from fedhub.access.provider import Provider
from fedhub.access.report import Report, report_of
from fedhub.hub import load_hub
from fedhub.preview.alone import Verdicts

VALUES = "hub: {config: {JupyterHub: {authenticator_class: github}}}"


def report(folder: Path, names: dict[str, tuple[str, str]], **traits: Any) -> Report:
    """A report on people, by name: the user they become, and their `sub`."""
    (folder / "lab.values.yaml").write_text(VALUES)
    people = tuple(
        Persona(name, "login", "https://github.com", "GitHub", "", {"sub": sub})
        for name, (_, sub) in names.items()
    )
    found = {
        name: {
            "allowed": True,
            "username": username,
            "admin": False,
            "groups": [],
            "decided": "code",
            "rules": [],
        }
        for name, (username, _) in names.items()
    }
    provider = Provider("login", "GitHub", "github", ("GitHubOAuthenticator",), "", traits)
    verdicts = Verdicts("GitHubOAuthenticator", (provider,), people, found)
    return report_of(load_hub("lab", folder=folder), verdicts)


def test_two_people_of_one_name_are_told_of(tmp_path: Path) -> None:
    (note,) = report(tmp_path, {"a": ("ada", "1"), "b": ("ada", "2"), "c": ("eve", "3")}).notes
    assert note.startswith("a and b would both be ada")


def test_of_many_people_of_one_name_some_are_named(tmp_path: Path) -> None:
    (note,) = report(tmp_path, {f"p{n}": ("ada", str(n)) for n in range(8)}).notes
    assert note.startswith("p0, p1, p2, p3, p4 and 3 more would all be ada: ")
    (note,) = report(tmp_path, {f"p{n}": ("ada", str(n)) for n in range(3)}).notes
    assert note.startswith("p0, p1 and p2 would all be ada: ")


def test_the_same_person_twice_is_no_clash(tmp_path: Path) -> None:
    assert report(tmp_path, {"a": ("ada", "1"), "b": ("ada", "1")}).notes == ()


def test_people_whom_the_database_knows_are_told_of(tmp_path: Path) -> None:
    (note,) = report(tmp_path, {"a": ("ada", "1")}, allow_existing_users=True).notes
    assert "allow_existing_users" in note
