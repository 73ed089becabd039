"""Checks hubs: finds them, loads them, runs every rule, leaves out what comments silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fedhub.checks.comments import not_silenced
from fedhub.checks.problem import Problem, Severity
from fedhub.errors import FedhubError, Position, Problems, UsageError
from fedhub.hub import load_hub
from fedhub.hub.credentials import masked, secret_strings
from fedhub.hub.files import hub_names
from fedhub.hub.values import Hub

LOAD = "load"
"""The id of what keeps a hub, or a part of it, from being read."""

_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Result:
    """What was found.

    Attributes:
        problems: of all hubs, each once, in the order of the files.
        hubs: how many hubs were checked.
        misused: a hub was named that does not exist.
    """

    problems: tuple[Problem, ...]
    hubs: int
    misused: bool = False

    def count(self, severity: Severity) -> int:
        """Return how many problems are of a severity."""
        return sum(problem.severity == severity for problem in self.problems)

    def exit_code(self, *, strict: bool = False) -> int:
        """Return 0 when fine, 1 for errors (strictly: warnings too), 2 when used wrongly."""
        if self.misused:
            return UsageError.exit_code
        return int(bool(self.count("error") or (strict and self.count("warning"))))


def check_hubs(
    names: Sequence[str],
    *,
    extra: Sequence[Path] = (),
    folder: Path = Path("values"),
    progress: Callable[[list[str]], Iterable[str]] = iter,
) -> Result:
    """Check hubs.

    Args:
        names: of hubs, or paths of values files; none means every hub of the folder. A file of
            secrets stands for its hub, a common file for every hub beside it.
        extra: values files on top of each hub's own.
        folder: where hubs are looked for by name.
        progress: wraps the hubs while they are checked.

    Raises:
        UsageError: no hub was named, and the folder holds none.
    """
    wanted = list(dict.fromkeys(hub for name in names or [""] for hub in _hubs(name, folder)))
    if not wanted:
        raise UsageError(
            f"there is no hub to check: {folder} holds no file that ends in .values.yaml",
            fix="name a hub or a values file",
        )
    problems: dict[Problem, None] = {}
    misused = False
    for name in progress(wanted):
        try:
            found = check_hub(load_hub(name, extra=extra, folder=folder))
        except FedhubError as error:
            found = _load_problems(error, name)
            misused = misused or isinstance(error, UsageError)
        problems.update(dict.fromkeys(found))
    ordered = sorted(problems, key=lambda one: (one.position, _ORDER[one.severity], one.id))
    return Result(tuple(ordered), len(wanted), misused)


def check_hub(hub: Hub) -> list[Problem]:
    """Return what is wrong with one hub."""
    from fedhub.checks.rules import RULES

    found = [problem for rule in RULES.values() for problem in rule.check(hub)]
    for warning in hub.warnings:
        found += _load_problems(warning, hub.name, "warning")
    for problem in hub.chart_problems:
        found += _load_problems(problem, hub.name)
    try:
        _ = hub.fedhub
    except FedhubError as error:
        found += _load_problems(error, hub.name)
    secrets = secret_strings(hub)
    return [
        replace(one, message=masked(one.message, secrets), fix=masked(one.fix, secrets))
        for one in not_silenced(found)
    ]


def _load_problems(error: FedhubError, name: str, severity: Severity = "error") -> list[Problem]:
    errors = error.errors if isinstance(error, Problems) else (error,)
    nowhere = Position(name, 1, 1)
    return [
        Problem(LOAD, severity, one.position or nowhere, "", one.message, one.fix) for one in errors
    ]


def _hubs(name: str, folder: Path) -> list[str]:
    """Return the hubs that an argument stands for."""
    if not name:
        return hub_names(folder)
    path = Path(name)
    if path.name == "common.values.yaml" and path.exists():
        beside = hub_names(path.parent)
        return [str(path.with_name(f"{hub}.values.yaml")) for hub in beside] or [name]
    if path.name.startswith("enc-") and path.name.endswith(".secret.values.yaml"):
        hub = path.name.removeprefix("enc-").removesuffix(".secret.values.yaml")
        own = path.with_name(f"{hub}.values.yaml")
        return [str(own)] if own.exists() else [name]
    return [name]
