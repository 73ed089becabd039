"""Why a hub did not start, from its log: one paragraph instead of a traceback."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fedhub.errors import FedhubError, Position, Problems
from fedhub.hub import Hub
from fedhub.hub.credentials import masked, secret_strings
from fedhub.hub.providers import extra_config_position, login

_PREFIX = re.compile(r"^\[[A-Z] [^\]]*\]\s*")
_EXCEPTION = re.compile(
    r"^(?P<name>[\w.]+(?:Error|Exception|Exit|Warning|Invalid\w*)): ?(?P<text>.*)"
)
_LEVEL = re.compile(r"^\[[EC] ")
_BLOCK = re.compile(r'^File "hub\.extraConfig\.(?P<key>[^"]+)", line (?P<line>\d+)')


_TRAIT = re.compile(r"The '(?P<trait>\w+)' trait of ")
"""What traitlets' messages about a value start with."""
_FEDHUB = re.compile(r"global\.fedhub\.(?P<keys>[\w.-]+)")
"""What messages of `fedhub_authenticators` about a value start with."""


def failure(hub: Hub, what: str, log: list[str], *, fix: str) -> FedhubError:
    """Return what to tell a person of a hub that failed.

    Args:
        hub: the hub.
        what: what happened, in a few words.
        log: the lines its process printed.
        fix: what to do about it.
    """
    reason = reason_from_log(log)
    block = block_from_log(log)
    position = extra_config_position(hub, *block) if block else _set_at(hub, reason)
    return FedhubError(f"{what}: {masked(reason, secret_strings(hub))}", fix=fix, position=position)


def load_failure(hub: Hub, log: list[str]) -> FedhubError:
    """Return why a hub's configuration can't be loaded: what checking it finds, then its log.

    Args:
        hub: the hub.
        log: the lines its process printed.
    """
    from fedhub.checks.linter import check_hub

    what = "the hub's configuration can't be loaded"
    own = failure(hub, what, log, fix="mend what it names")
    found = sorted(
        (one for one in check_hub(hub) if one.severity == "error"), key=lambda one: one.position
    )
    errors = [FedhubError(one.message, fix=one.fix, position=one.position) for one in found]
    said = own.position in [one.position for one in found]
    return Problems([*errors, *([] if said else [own])])


def _set_at(hub: Hub, reason: str) -> Position | None:
    """Return where the value is set that a reason is about."""
    text = reason.partition(": ")[2]
    if named := _FEDHUB.match(text):
        return hub.start("global", "fedhub", *named["keys"].split("."))
    about = _TRAIT.match(text)
    if about is None:
        return None
    found = login(hub)
    used = [one.traits[about["trait"]] for one in found.providers if about["trait"] in one.traits]
    every = [one for one in reversed(found.settings) if one.trait == about["trait"]]
    return next((one.value_position for one in [*used, *every]), None)


def block_from_log(lines: Sequence[str]) -> tuple[str, int] | None:
    """Return the entry of `hub.extraConfig`, and its line, that the last exception came from."""
    for line in reversed(lines):
        if found := _BLOCK.match(line.strip()):
            return found["key"], int(found["line"])
    return None


def reason_from_log(lines: Sequence[str]) -> str:
    """Return the most telling message of a log.

    The last exception with its continuation lines, else the last line logged as an error,
    else the last line at all.
    """
    for index in range(len(lines) - 1, -1, -1):
        if found := _EXCEPTION.match(lines[index].strip()):
            text = [found["text"], *_continuation(lines[index + 1 :])]
            return f"{found['name'].rpartition('.')[2]}: {' '.join(text)}".strip()
    for line in reversed(lines):
        if _LEVEL.match(line):
            return _PREFIX.sub("", line).strip()
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")


def _continuation(lines: Sequence[str]) -> list[str]:
    found = []
    for line in lines:
        if _PREFIX.match(line) or not line.strip():
            break
        found.append(line.strip())
    return found
