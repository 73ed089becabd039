"""A credential in a file that is not encrypted.

Values files are committed, reviewed and copied. A secret that was in one has to be rotated.

Bad, in `values/campus.values.yaml`:

    hub:
      config:
        GitHubOAuthenticator:
          client_secret: 0d9c…

Good: the same keys in `values/enc-campus.secret.values.yaml`, encrypted with sops, which
`fedhub check` reads too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fedhub.checks.facts import walk
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.checks.rules import placeholder
from fedhub.hub.credentials import names_credential
from fedhub.hub.merge import KeyPath
from fedhub.hub.providers import login, mapping
from fedhub.hub.values import Hub

ID = "plaintext-credential"
SEVERITY: Severity = "error"

TOKEN_MAPS = ("api_tokens", "service_tokens")
"""Traits of JupyterHub whose keys are the secrets."""
_ELSEWHERE = re.compile(r"\A(?:/|\$[({]|\{\{|https?://)")
"""Values that are a path, a variable, a template or an address."""


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each credential that a plaintext file sets."""
    yield from by_name(hub)
    for trait in TOKEN_MAPS:
        tokens = (*hub.z2jh_at, "hub", "config", "JupyterHub", trait)
        if mapping(hub.get(*tokens)) and _in_plaintext(hub, tokens):
            yield _problem(hub, tokens, trait)
    for block in login(hub).blocks:
        if not _in_plaintext(hub, block.path):
            continue
        for string in block.strings:
            if names_credential(string.name) and _holds(string.value):
                yield Problem(
                    ID,
                    SEVERITY,
                    string.position,
                    dotted(block.path),
                    f"{string.name} is a credential, and this file is not encrypted",
                    _fix(hub),
                )


def by_name(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each value that its key calls a credential, of any chart's values."""
    for path, value in walk(hub.values):
        name = _credential(path, value, hub)
        if name and _holds(value) and _in_plaintext(hub, path):
            yield _problem(hub, path, name)


def _credential(path: KeyPath, value: object, hub: Hub) -> str:
    """Return what a credential is called; "" for everything else."""
    names = [key for key in path if isinstance(key, str)]
    name = names[-1] if names else ""
    if path[-3:-1] == ("CryptKeeper", "keys") and isinstance(path[-1], int):
        return "CryptKeeper.keys"
    if "extraConfig" in path or "extraFiles" in path:
        return ""
    if name == "value" and isinstance(path[-1], str):
        # Environment variables as a list: {name: …, value: …}.
        name = str(mapping(hub.get(*path[:-1])).get("name", ""))
    return name if names_credential(name) else ""


def _holds(value: object) -> bool:
    """Return whether a value can be a secret; a placeholder is another rule's."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and not _ELSEWHERE.match(value)
        and not placeholder.found_in(value)
    )


def _in_plaintext(hub: Hub, path: KeyPath) -> bool:
    # A plaintext file of secrets gets one warning for the whole file, when it is loaded.
    file = hub.source(*path)
    return not file.encrypted and file.kind != "secrets"


def _fix(hub: Hub) -> str:
    main: Mapping[str, object] = {file.kind: file.path.parent for file in hub.files}
    target = f"{main['hub']}/enc-{hub.name}.secret.values.yaml"
    return f"rotate it, and keep the new one in {target}, encrypted with sops"


def _problem(hub: Hub, path: KeyPath, name: str) -> Problem:
    message = f"{name} is a credential, and this file is not encrypted"
    return Problem(ID, SEVERITY, hub.position(*path), dotted(path), message, _fix(hub))
