"""What an operator expects of a hub's login, and how it differs from what is.

    personas:
      campus-member: {allowed: true, username: ada, groups: [], admin: false}
      campus-outsider: {allowed: false}
    people:
      - name: olga
        provider: staff
        idp: https://idp.example.edu/idp/shibboleth
        claims: {email: olga@example.edu}
        expect: {allowed: true, admin: true}

Only what is written is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedhub.access.claims_file import KEYS as PERSON_KEYS
from fedhub.access.claims_file import person_from
from fedhub.access.persona import Persona
from fedhub.access.provider import Provider
from fedhub.access.report import Answer
from fedhub.checks.spelling import did_you_mean
from fedhub.errors import FedhubError, Position, Problems, UsageError

if TYPE_CHECKING:
    from fedhub.hub.document import Node

_SECTIONS = ("personas", "people")
_EXPECTED = {
    "allowed": ("true or false", "write one of them, without quotes"),
    "username": ("text", "put it in quotes"),
    "groups": ("a list of names", "write [], or [name, …]"),
    "admin": ("true or false", "write one of them, without quotes"),
}
"""What can be expected of somebody: what it is, and how to write it."""

HEAD = """\
# Who may log in to {hub}, as which user, in which groups, as admin.
# `fedhub access {hub} --expect {file}` says what differs. Only what is written is compared.
"""


@dataclass(frozen=True)
class Expected:
    """One thing that is expected of somebody.

    Attributes:
        name: whose.
        key: allowed, username, groups or admin.
        value: what it should be.
        position: where that is written.
    """

    name: str
    key: str
    value: Any
    position: Position


@dataclass(frozen=True)
class Difference:
    """Something that is not as expected."""

    expected: Expected
    answer: Answer

    @property
    def message(self) -> str:
        """What was expected, and what is."""
        expected, answer = self.expected, self.answer
        wanted = _in_words(expected.key, expected.value)
        return f"{expected.name}: expected {wanted}, and {_is(expected.key, answer)}"

    @property
    def fix(self) -> str:
        """What to do: the rule to look at, or the expectation."""
        places = " and ".join(f"{text} at {place}" for text, place in self._why())
        return f"look at {places}, or change the expectation"

    def _why(self) -> list[tuple[str, Position]]:
        answer = self.answer
        if self.expected.key == "admin" and answer.admin:
            made = [(rule.text, rule.place) for rule in answer.rules if rule.effect == "admin"]
            return made or [("the class", answer.place)]
        if self.expected.key in ("username", "groups", "admin") and answer.allowed:
            return [("the provider", answer.place)]
        return [("the rules", answer.place)] if answer.decided == "nothing" else answer.why

    def __str__(self) -> str:
        return f"{self.expected.position}: {self.message}; {self.fix}"


@dataclass(frozen=True)
class Expectations:
    """What a file expects.

    Attributes:
        people: those whom it brings with it.
        expected: all that it expects.
    """

    people: tuple[Persona, ...]
    expected: tuple[Expected, ...]

    @property
    def names(self) -> set[str]:
        """Whom something is expected of."""
        return {one.name for one in self.expected}

    def differences(self, answers: Iterable[Answer]) -> list[Difference]:
        """Return what is not as expected, in the order of the file."""
        by_name = {answer.person.name: answer for answer in answers}
        return [
            Difference(one, by_name[one.name])
            for one in self.expected
            if not _holds(one, by_name[one.name])
        ]


def _holds(expected: Expected, answer: Answer) -> bool:
    found = getattr(answer, expected.key)
    if expected.key == "groups":
        return set(expected.value) == set(found)
    return bool(found == expected.value)


def _in_words(key: str, value: Any) -> str:
    match key:
        case "allowed":
            return "to get in" if value else "to be kept out"
        case "admin":
            return "to be an admin" if value else "to be no admin"
        case "groups":
            return f"to be in {_names(value)}"
        case _:
            return f"the user name {value}"


def _is(key: str, answer: Answer) -> str:
    if not answer.allowed:
        return "is kept out"
    if key == "allowed":
        return f"gets in as {answer.username}"
    if key == "admin":
        return "is an admin" if answer.admin else "is none"
    return f"is in {_names(answer.groups)}" if key == "groups" else f"is {answer.username}"


def _names(groups: Iterable[str]) -> str:
    return ", ".join(sorted(groups)) or "no group"


# --- Reading -------------------------------------------------------------------------------


def read_expectations(
    path: Path, personas: Sequence[Persona], providers: Sequence[Provider]
) -> Expectations:
    """Return what a file expects.

    Args:
        path: the file.
        personas: the hub's, whom it may name.
        providers: the hub's.

    Raises:
        FedhubError: it can't be read.
        Problems: it names nobody, or says something else; each with its position.
    """
    from fedhub.hub.document import parse
    from fedhub.hub.files import read_text

    root = parse(read_text(path, "file of expectations"), str(path), "an expectations file")
    problems: list[FedhubError] = []
    reader = _Reader([persona.name for persona in personas], providers, problems)
    found = reader.read(root)
    if problems:
        raise Problems(problems)
    return found


class _Reader:
    """Reads a file to its end, and takes note of all that is wrong with it."""

    def __init__(
        self, personas: Sequence[str], providers: Sequence[Provider], problems: list[FedhubError]
    ) -> None:
        self._personas = personas
        self._providers = providers
        self._problems = problems

    def read(self, root: Node) -> Expectations:
        people: list[Persona] = []
        expected: list[Expected] = []
        for section, node in self._entries(root, "this file", _SECTIONS):
            if section == "personas":
                expected += self._of_personas(node)
            else:
                for person, of_person in self._of_people(node, people):
                    people.append(person)
                    expected += of_person
        return Expectations(tuple(people), tuple(expected))

    def _of_personas(self, section: Node) -> Iterator[Expected]:
        for name, node in self._entries(section, "personas"):
            if name not in self._personas:
                otherwise = "take one that `fedhub access` shows, or write the person below people"
                fix = did_you_mean(name, self._personas, otherwise)
                self._wrong(f"this hub has no persona {name}", fix, node.key)
            else:
                yield from self._expected(name, node)

    def _of_people(
        self, section: Node, before: Sequence[Persona]
    ) -> Iterator[tuple[Persona, list[Expected]]]:
        if not isinstance(section.content, list):
            self._wrong("people is a list", "write each person after a `-`", section.key)
            return
        for node in section.content:
            below = dict(self._entries(node, "a person", (*PERSON_KEYS, "expect")))
            missing = [key for key in ("claims", "expect") if key not in below]
            if missing:
                self._wrong(f"a person without {missing[0]}", f"add {missing[0]}", node.key)
                continue
            person = self._person(node, below)
            if person is None:
                continue
            taken = {*self._personas, *(other.name for other in before)}
            if person.name in taken:
                fix = "give this one a name of its own"
                self._wrong(f"there is another {person.name}", fix, node.key)
            yield person, list(self._expected(person.name, below["expect"]))

    def _person(self, node: Node, below: Mapping[str, Node]) -> Persona | None:
        from fedhub.hub.merge import plain

        entry = {key: plain(value) for key, value in below.items() if key != "expect"}

        def place(key: str = "") -> Position:
            return below[key].key if key else node.key

        try:
            return person_from(entry, place, below["claims"].key, self._providers)
        except FedhubError as error:
            self._problems.append(error)
            return None

    def _expected(self, name: str, node: Node) -> Iterator[Expected]:
        from fedhub.hub.merge import plain

        for key, below in self._entries(node, f"what is expected of {name}", tuple(_EXPECTED)):
            value = plain(below)
            if _is_of_its_kind(key, value):
                yield Expected(name, key, value, below.key)
            else:
                kind, fix = _EXPECTED[key]
                self._wrong(f"{key} is {kind}", fix, below.key)

    def _entries(
        self, node: Node, what: str, known: Sequence[str] = ()
    ) -> Iterator[tuple[str, Node]]:
        if not isinstance(node.content, dict) or not node.content:
            keys = f"`key: value` lines, with {', '.join(known)}" if known else "`name: …` lines"
            self._wrong(f"{what} is a map, and not empty", f"write {keys}", node.key)
            return
        for key, below in node.content.items():
            if known and key not in known:
                fix = did_you_mean(key, known, f"what there can be is {', '.join(known)}")
                self._wrong(f"{key} means nothing here", fix, below.key)
            else:
                yield key, below

    def _wrong(self, message: str, fix: str, position: Position) -> None:
        self._problems.append(UsageError(message, fix=fix, position=position))


def _is_of_its_kind(key: str, value: Any) -> bool:
    if key == "username":
        return isinstance(value, str) and bool(value)
    if key == "groups":
        return isinstance(value, list) and all(isinstance(name, str) for name in value)
    return isinstance(value, bool)


# --- Writing -------------------------------------------------------------------------------


def expectations_text(
    answers: Iterable[Answer], *, hub: str, file: str, personas: Iterable[str]
) -> str:
    """Return a file that expects all to be as it is.

    Args:
        answers: what is.
        hub: the hub's name.
        file: what the file will be called.
        personas: the names of those among the people who are personas.
    """
    made_up = set(personas)
    sections: dict[str, Any] = {"personas": {}, "people": []}
    for answer in answers:
        person, expected = answer.person, _as_expected(answer)
        if person.name in made_up:
            sections["personas"][person.name] = expected
        else:
            about = {"name": person.name, "provider": person.provider, "idp": person.idp}
            sections["people"].append({**about, "claims": dict(person.claims), "expect": expected})
    written = {name: below for name, below in sections.items() if below}
    return HEAD.format(hub=hub, file=file) + _yaml(written)


def _yaml(data: Any) -> str:
    """Return YAML that is read here as it was written: a user called 1e3 is in quotes."""
    import yaml

    from fedhub.hub.scalars import resolve

    Dumper = type("Dumper", (yaml.SafeDumper,), {})  # noqa: N806 - representers belong to a class

    def text_node(dumper: Any, text: str) -> Any:
        style = None if resolve(text, None, plain=True) == text else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)

    yaml.add_representer(str, text_node, Dumper=Dumper)
    text: str = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def _as_expected(answer: Answer) -> dict[str, Any]:
    if not answer.allowed:
        return {"allowed": False}
    return {
        "allowed": True,
        "username": answer.username,
        "groups": list(answer.groups),
        "admin": answer.admin,
    }
