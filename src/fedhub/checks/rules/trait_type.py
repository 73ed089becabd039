"""A value of a type that the trait does not take.

The hub does not start when a trait refuses its value: a number where a string is wanted (an
unquoted client id), a string where a list is wanted, `"true"` in quotes.

Bad:

    hub:
      config:
        GitHubOAuthenticator:
          allowed_organizations: example-lab

Good:

    hub:
      config:
        GitHubOAuthenticator:
          allowed_organizations:
            - example-lab
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fedhub.checks.facts import accepts, at
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.checks.rules.plaintext_credential import TOKEN_MAPS
from fedhub.hub.extra_config import UNKNOWN
from fedhub.hub.providers import login
from fedhub.hub.traits import mismatch, wanted
from fedhub.hub.values import Hub

ID = "trait-type"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each value that traitlets would refuse."""
    found = login(hub)
    for setting in found.settings:
        takes = accepts(found, setting)
        # A null in values deletes the key; Helm hands nothing on.
        if takes is None or setting.value is None or setting.value is UNKNOWN:
            continue
        wrong = mismatch(takes, setting.value)
        if wrong is None:
            continue
        if setting.trait in TOKEN_MAPS:
            wrong = ()  # the keys inside are secret
        value, inside = setting.value, takes
        for key in wrong:
            value = value[key] if isinstance(value, Mapping | list | tuple) else None
            inside = inside.get("of", {"kind": "Unicode"})
        name = f"{setting.section}.{dotted((setting.trait, *wrong))}"
        yield Problem(
            ID,
            SEVERITY,
            at(hub, setting, *wrong),
            dotted(setting.path if "extraConfig" in setting.path else (*setting.path, *wrong)),
            f"{name} takes {wanted(inside)}, and this is {_kind(value)}",
            _fix(inside, value),
        )


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", dict: "a map"}
    return names.get(type(value), "nothing" if value is None else "a list")


def _fix(takes: Mapping[str, Any], value: Any) -> str:
    kind = takes["kind"]
    if kind in ("Set", "List") and not isinstance(value, Mapping):
        return "write it as a list, one `- …` line for each entry"
    if kind == "Bool" and isinstance(value, str):
        return "write true or false without quotes"
    if kind == "Unicode" and isinstance(value, int | float):
        return "put it between quotes"
    if kind in ("Int", "Float") and isinstance(value, str):
        return "write it without quotes"
    if kind == "Callable":
        return "set it in hub.extraConfig, where a function can be written"
    return f"write {wanted(takes)}"
