"""A hub's authenticator without its hub: for those who only need its verdicts.

Reads the set-up, then a question, each a line of JSON on standard input; answers with a line for
each on the pipe that the set-up names. The question says of each provider which personas, with
their institutions, and whether to say what decided:

    {"personas": {PROVIDER: {PERSONA: ENTITY_ID, …}, …}, "explain": false}
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

# jsonschema, which oauthenticator imports, builds a parser of internationalized addresses when it
# can. That takes a second, and nobody here asks whether an address is one.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # importing it then fails

import oauthenticator.cilogon  # noqa: E402 - see above
from jupyterhub.auth import Authenticator  # noqa: E402
from ruamel.yaml import YAML  # noqa: E402
from traitlets.config import Config  # noqa: E402

from fedhub.preview.hubside import rules, verdicts  # noqa: E402
from fedhub.preview.hubside.configuration import configure_as_pod  # noqa: E402
from fedhub.preview.hubside.setup import Setup  # noqa: E402


class ReadOnce:
    """Stands in for upstream's YAML reader, which reads its schema for each institution anew.

    With some hundred of them that takes longer than everybody's logins.
    """

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}

    def load(self, file: TextIO) -> Any:
        """Return what a file holds."""
        if file.name not in self._found:
            self._found[file.name] = YAML(typ="safe", pure=True).load(file)
        return self._found[file.name]


async def _answer() -> None:
    oauthenticator.cilogon.yaml = ReadOnce()
    setup = Setup(**json.loads(sys.stdin.readline()))
    c = Config()
    with os.fdopen(setup.answer_fd, "w") as answer:
        providers = configure_as_pod(c, setup)
        hub = c.JupyterHub.authenticator_class(config=c)
        load_groups = c.JupyterHub.get("load_groups") or {}
        start(hub, load_groups)
        named = type(hub).__name__
        answer.write(json.dumps({"authenticator": named, "providers": providers}) + "\n")
        answer.flush()
        question = json.loads(sys.stdin.readline() or '{"personas": {}}')
        answer.write(verdicts.dumps(await _verdicts(hub, question, load_groups)))


def start(hub: Authenticator, load_groups: Mapping[str, Any]) -> None:
    """Do to an authenticator what a hub does to it when it starts.

    Args:
        hub: the hub's authenticator.
        load_groups: `c.JupyterHub.load_groups`.

    Raises:
        ValueError: the hub would not start.
    """
    for trait in ("admin_users", "allowed_users"):
        setattr(hub, trait, {hub.normalize_username(name) for name in getattr(hub, trait)})
    if hub.manage_groups and load_groups:
        raise ValueError(
            "manage_groups leaves groups to the provider, so load_groups can't fill any; "
            "remove one of them"
        )
    in_groups = verdicts.loaded_groups(hub, load_groups).values()
    for name in sorted(hub.admin_users.union(hub.allowed_users, *in_groups)):
        if not hub.validate_username(name):
            raise ValueError(f"{name!r} is no valid user name; correct it, or username_pattern")


async def _verdicts(
    hub: Authenticator, question: Mapping[str, Any], load_groups: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    personas = question["personas"]
    if not question.get("explain"):
        return await verdicts.verdicts(hub, personas, load_groups)
    groups = verdicts.loaded_groups(hub, load_groups)
    return {
        persona: await rules.explained(hub, provider, persona, idp, groups)
        for provider, people in personas.items()
        for persona, idp in people.items()
    }


if __name__ == "__main__":
    asyncio.run(_answer())
