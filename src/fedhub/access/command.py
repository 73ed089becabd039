"""`fedhub access`: from what was asked for to what is printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fedhub.access.expectations import Difference, Expectations
from fedhub.access.persona import Persona
from fedhub.access.provider import Provider
from fedhub.access.report import Report, report_of
from fedhub.errors import UsageError

if TYPE_CHECKING:
    from fedhub.hub import Hub

Format = Literal["text", "json", "html"]


@dataclass(frozen=True)
class Asked:
    """Whom `fedhub access` was asked about.

    Attributes:
        claims_files: files of people's claims.
        provider: the provider of the person on the command line.
        idp: the institution of that person.
        email: the address of that person.
        claims: more claims of that person, each `name=value`.
        personas_too: the hub's personas as well, beside people who were given.
        expect: a file that says what is expected.
    """

    claims_files: Sequence[Path] = field(default_factory=tuple)
    provider: str | None = None
    idp: str | None = None
    email: str | None = None
    claims: Sequence[str] = field(default_factory=tuple)
    personas_too: bool = False
    expect: Path | None = None

    @property
    def has_person(self) -> bool:
        """Whether the command line describes somebody."""
        return bool(self.idp or self.email or self.claims)


@dataclass(frozen=True)
class Found:
    """What came of it.

    Attributes:
        report: what becomes of people.
        personas: the names of the hub's personas.
        expectations: what was expected; None when nothing was.
    """

    report: Report
    personas: tuple[str, ...]
    expectations: Expectations | None = None

    @property
    def differences(self) -> list[Difference] | None:
        """What is not as expected; None when nothing was expected."""
        if self.expectations is None:
            return None
        return self.expectations.differences(self.report.answers)


def run(hub: Hub, asked: Asked, *, output: Format, write: Path | None) -> int:
    """Print who gets in, or what is not as expected; return the exit code.

    Raises:
        UsageError: the options don't go together, or name something that is not there.
        FedhubError: the hub can't be configured, or a file can't be read.
    """
    if asked.provider and not asked.has_person:
        raise UsageError(
            "--provider says where one person signs in", fix="add --email, --idp or --claim"
        )
    if write is not None and str(write) != "-" and write.exists():
        raise UsageError(f"{write} exists already", fix="remove it, or name another file")
    _check_that_there_are(asked.claims_files, "--claims")
    _check_that_there_are([asked.expect] if asked.expect else [], "--expect")
    from fedhub.preview.session import interrupt_on_signals

    interrupt_on_signals()
    for warning in hub.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    try:
        with _progress(f"Logging people in to {hub.name} …"):
            found = look(hub, asked)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; nothing is left.\n")
        return 1
    if write is not None:
        _write(found, hub, write)
        return 0
    return _print(found, output)


def _check_that_there_are(files: Sequence[Path], option: str) -> None:
    for file in files:
        if not file.exists():
            raise UsageError(
                f"there is no file {file}", fix=f"correct the path given with {option}"
            )


def look(hub: Hub, asked: Asked) -> Found:
    """Run the logins; see `run`."""
    from fedhub.access.personas import personas
    from fedhub.preview.alone import verdicts_of

    names: list[str] = []
    expectations: list[Expectations] = []

    def choose(providers: list[Provider]) -> list[Persona]:
        _check_somebody_is_listed(hub, asked, providers)
        made_up = personas(providers)
        names.extend(persona.name for persona in made_up)
        given = _given(asked, providers)
        if asked.expect is not None:
            from fedhub.access.expectations import read_expectations

            expectations.append(read_expectations(asked.expect, made_up, providers))
            given = [*expectations[0].people, *given]
        elif given and not asked.personas_too:
            made_up = []
        from fedhub.access.people import with_own_names

        return with_own_names([*made_up, *given])

    report = report_of(hub, verdicts_of(hub, choose))
    return Found(report, tuple(names), expectations[0] if expectations else None)


def _check_somebody_is_listed(hub: Hub, asked: Asked, providers: list[Provider]) -> None:
    """Make sure that somebody can get in where it is asked about.

    Raises:
        FedhubError: no provider lists an institution, or not the one that was asked about.
    """
    from fedhub.access.report import lists_nobody

    closed = [provider for provider in providers if provider.lists_nobody]
    asked_about = [one for one in closed if asked.has_person and one.name == asked.provider]
    for provider in asked_about or (closed if len(closed) == len(providers) else []):
        raise lists_nobody(hub, provider)


def _given(asked: Asked, providers: list[Provider]) -> list[Persona]:
    if not (asked.claims_files or asked.has_person):
        return []
    from fedhub.access.claims_file import people_in
    from fedhub.access.people import somebody

    people = [person for file in asked.claims_files for person in people_in(file, providers)]
    if asked.has_person:
        people.append(
            somebody(
                providers,
                provider=asked.provider,
                idp=asked.idp,
                email=asked.email,
                claims=asked.claims,
            )
        )
    return people


def _print(found: Found, output: Format) -> int:
    from fedhub.access import show

    differences = found.differences
    if output == "json":
        _print_out(show.json_text(found.report, differences))
    elif output == "html":
        _print_out(show.html_text(found.report))
    elif differences is None:
        show.print_table(found.report)
    if differences is None:
        return 0
    for difference in differences:
        if output == "text":
            _print_out(str(difference))
        elif output == "html":
            sys.stderr.write(f"{difference}\n")
    sys.stderr.write(_summary(found, differences) + "\n")
    return 1 if differences else 0


def _summary(found: Found, differences: list[Difference]) -> str:
    assert found.expectations is not None
    asked = len(found.expectations.names)
    people = f"{asked} {'person' if asked == 1 else 'people'}"
    number = len(differences)
    said = f"{number} difference{'' if number == 1 else 's'} in {people}"
    if not number:
        said = f"{people} as expected"
    missing = [name for name in found.personas if name not in found.expectations.names]
    return f"{said}; nothing is expected of {', '.join(missing)}" if missing else said


def _write(found: Found, hub: Hub, file: Path) -> None:
    from fedhub.access.expectations import expectations_text

    text = expectations_text(
        found.report.answers, hub=hub.name, file=str(file), personas=found.personas
    )
    if str(file) == "-":
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{file} can't be written: {error.strerror}", fix="choose another place"
        ) from None
    sys.stderr.write(f"Wrote {file}; `--expect {file}` compares with it.\n")


def _print_out(text: str) -> None:
    sys.stdout.write(text + "\n")


@contextmanager
def _progress(what: str) -> Iterator[None]:
    """Say what is going on while it lasts, on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status(what):
        yield
