"""The templates: the worked examples in `values/`, with what is the operator's marked in them.

A line such as `- example-lab # yours: organization` holds an example of something that only the
operator knows, and its name. There is one set of these files: in a clone they are read from
`values/`, and a wheel carries that folder as `fedhub/values`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import fedhub
from fedhub.errors import UsageError

LOGINS = {
    "cilogon": "campus",
    "custos": "custos",
    "github": "github",
    "google": "google",
    "keycloak": "keycloak",
}
"""The template that a login provider alone asks for."""

SITUATIONS = ("two-providers", "external-service", "gitops", "jetstream2")
"""Templates of more than a login provider."""

_YOURS = re.compile(
    r"^(?P<before>\s*(?:- |[\w-]+: )?)(?P<example>\S+?)(?P<colon>:?)\s+# yours: (?P<name>[a-z-]+)$",
    re.MULTILINE,
)
_RESERVED = re.compile(r"(?:^|[@./])example\.(?:org|edu|com)(?:$|[/:])")
"""Domains that can be nobody's (RFC 2606, section 3)."""


class Yours(NamedTuple):
    """Something in a template that only the operator knows.

    Attributes:
        name: what it is called.
        example: what the template has.
        line: where it first stands, counted from 1.
    """

    name: str
    example: str
    line: int


def template(login: str | None, situation: str | None) -> str:
    """Return the text of the template for a login provider, or for a situation.

    Raises:
        UsageError: there is none, or both are given, or neither.
    """
    if login is not None and situation is not None:
        raise UsageError("--login and --template each name a template", fix="leave one of them out")
    if login is None and situation is None:
        raise UsageError(
            "one of --login and --template says which template to take",
            fix=f"--login {'|'.join(LOGINS)}, or --template {'|'.join(SITUATIONS)}",
        )
    if login is not None and login not in LOGINS:
        raise UsageError(f"there is no template for --login {login}", fix=_choose(LOGINS))
    if situation is not None and situation not in SITUATIONS:
        raise UsageError(f"there is no --template {situation}", fix=_choose(SITUATIONS))
    name = situation or LOGINS[str(login)]
    return (_folder() / f"{name}.values.yaml").read_text(encoding="utf-8")


def yours(text: str) -> list[Yours]:
    """Return what is the operator's in a template, or what is left of it in a file made of one."""
    found: dict[str, Yours] = {}
    for match in _YOURS.finditer(text):
        line = text.count("\n", 0, match.start("example")) + 1
        found.setdefault(match["name"], Yours(match["name"], match["example"], line))
    return list(found.values())


def filled(text: str, answers: Mapping[str, str]) -> str:
    """Return a template with the operator's own in it, comments kept.

    What has no answer keeps its mark. Its example stays only where it is under a domain that can be
    nobody's; a name such as `example-lab` may be somebody's, and becomes a placeholder, which
    `fedhub check` finds: nobody gets in by a line that was left as it was.

    Raises:
        UsageError: an answer is to nothing in the template, or is not one line.
    """
    from fedhub.hub.show import as_yaml

    names = [one.name for one in yours(text)]
    for name, answer in answers.items():
        if name not in names:
            raise UsageError(
                f"the template has nothing called {name}", fix=f"it has {', '.join(names)}"
            )
        if not answer.strip() or not answer.isprintable():
            raise UsageError(f"{name} is empty, or not one line", fix="give a value")

    def line(match: re.Match[str]) -> str:
        start, name = match["before"], match["name"]
        if name in answers:
            return f"{start}{as_yaml(answers[name].strip())}{match['colon']}"
        if _RESERVED.search(match["example"]):
            return match[0]
        return f'{start}"<{name}>"{match["colon"]} # yours: {name}'

    return _YOURS.sub(line, text)


def _folder() -> Path:
    package = Path(fedhub.__file__).parent
    packaged = package / "values"
    return packaged if packaged.is_dir() else package.parents[1] / "values"


def _choose(names: Mapping[str, str] | tuple[str, ...]) -> str:
    return f"choose one of {', '.join(names)}"


def registering(text: str, hub: str) -> str:
    """Say how a new hub is registered at its login providers.

    Args:
        text: its values.
        hub: its name.
    """
    ways = ["by hand the callback URL that `helm install` prints"]
    if re.search(r"authenticator: custos$", text, re.MULTILINE):
        ways.insert(0, f"`fedhub register tenant request {hub}`")
    if re.search(r"authenticator: (?:cilogon|keycloak)$", text, re.MULTILINE):
        ways.insert(0, f"`fedhub register create {hub}`")
    return ", or ".join(ways)
