"""`fedhub new`: puts a hub's two files there, asking on a terminal for what is missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedhub.errors import FedhubError, Position, Problems, UsageError
from fedhub.hub.files import hub_file, secrets_file
from fedhub.new.template import LOGINS, Yours, filled, template, yours

Ask = Callable[[str, str, str], str]
"""Asks for something by its name, with an example; a complaint says why it is asked again."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """What the command line says of the new hub.

    Attributes:
        hub: its name.
        login: the login provider whose template to take, or
        situation: the situation whose template to take.
        answers: what is the operator's in it, by name; `domain` with it.
        with_secrets: whether to make its keys.
    """

    hub: str
    login: str | None
    situation: str | None
    answers: dict[str, str]
    with_secrets: bool = True


@dataclass(frozen=True)
class Planned:
    """The two files of a new hub, not written yet.

    Attributes:
        path: the values file.
        text: what it holds.
        left: what of it the operator has yet to fill in.
        secrets: the encrypted file to make; None where it is there already, or not wanted.
    """

    path: Path
    text: str
    left: list[Yours]
    secrets: Path | None


def planned(wanted: Wanted, ask: Ask | None, *, folder: Path = Path("values")) -> Planned:
    """Return what a new hub's files will be.

    Args:
        wanted: what the command line says.
        ask: asks on a terminal; None where nobody can be asked.
        folder: where hubs are.

    Raises:
        UsageError: something is missing or wrong, or the hub is there already.
    """
    # `enc-x.secret` would be where the keys of the hub x belong.
    if not _NAME.fullmatch(wanted.hub) or wanted.hub == "common" or wanted.hub.startswith("enc-"):
        raise UsageError(
            f"{wanted.hub} can't be a hub's name",
            fix="take lower-case letters, digits, dots and hyphens, 63 at most, not `common`, and "
            "nothing that starts with `enc-`",
        )
    path = hub_file(wanted.hub, folder)
    if path.exists():
        raise UsageError(f"{path} is there already, and stays as it is", fix="take another name")
    login = wanted.login
    if login is None and wanted.situation is None and ask is not None:
        login = _asked(ask, "login", ", ".join(LOGINS), lambda answer: template(answer, None))
    given = template(login, wanted.situation)
    text = _completed(given, dict(wanted.answers), ask)
    secrets = secrets_file(wanted.hub, folder)
    to_make = secrets if wanted.with_secrets and not secrets.exists() else None
    return Planned(path, text, yours(text), to_make)


def written(plan: Planned) -> None:
    """Write both files, or neither.

    The encrypted one comes first. Killed between the two, there is no hub yet, and the same command
    again takes the keys that are there and writes the other.

    Raises:
        FedhubError: there is no key to encrypt for, or the folder can't be written.
    """
    from fedhub.hub.write import create
    from fedhub.secrets.encrypt import encrypted
    from fedhub.secrets.generate import PRIVATE, keys_file
    from fedhub.secrets.keys import missing_keys, new_keys

    content = b""
    if plan.secrets is not None:
        missing = missing_keys(_values(plan.text), ("jupyterhub",))
        content = encrypted(keys_file(new_keys(missing)), plan.secrets)
    try:
        plan.path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise FedhubError(
            f"{plan.path.parent} can't be made: {error.strerror}", fix="run this elsewhere"
        ) from None
    if plan.secrets is not None:
        create(plan.secrets, content, mode=PRIVATE)
    try:
        create(plan.path, plan.text.encode(), mode=0o644)
    except FedhubError:
        if plan.secrets is not None:
            plan.secrets.unlink()
        raise


def _completed(given: str, answers: dict[str, str], ask: Ask | None) -> str:
    if ask is None and "domain" not in answers:
        raise UsageError("--domain is missing", fix="give the hub's host name")
    if ask is not None:
        _fill_in(given, answers, ask)
    text = filled(given, answers)
    _refuse_wrong(text)
    return text


def _fill_in(given: str, answers: dict[str, str], ask: Ask) -> None:
    """Ask for all that has no answer yet; everything but the domain may stay open."""
    for one in yours(given):
        if one.name in answers:
            continue

        def check(answer: str, name: str = one.name) -> None:
            if answer or name == "domain":
                _refuse_wrong(filled(given, {**answers, name: answer}))

        if answer := _asked(ask, one.name, one.example, check):
            answers[one.name] = answer


def _asked(ask: Ask, name: str, example: str, check: Callable[[str], object]) -> str:
    """Return an answer that passes a check."""
    complaint = ""
    while True:
        answer = ask(name, example, complaint)
        try:
            check(answer)
        except FedhubError as error:
            complaint = error.message if isinstance(error, Problems) else str(error)
        else:
            return answer


def _refuse_wrong(text: str) -> None:
    """Refuse answers that the hub's model does not take, by their keys: there is no file yet."""
    from fedhub.hub.model import validate

    nowhere = Position("", 1, 1)
    try:
        validate(_values(text)["global"]["fedhub"], lambda _: nowhere)
    except Problems as problems:
        raise Problems([UsageError(one.message, fix=one.fix) for one in problems.errors]) from None


def _values(text: str) -> dict[str, Any]:
    from fedhub.hub.document import parse
    from fedhub.hub.merge import plain

    values: dict[str, Any] = plain(parse(text, "the new values file"))
    return values
