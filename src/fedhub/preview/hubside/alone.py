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
from typing import Any

# jsonschema, which oauthenticator imports, builds a parser of internationalized addresses when it
# can. That takes a second, and nobody here asks whether an address is one.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # importing it then fails

from traitlets.config import Config  # noqa: E402 - see above

from fedhub.preview.hubside import rules, verdicts  # noqa: E402
from fedhub.preview.hubside.configuration import configure_as_pod  # noqa: E402
from fedhub.preview.hubside.setup import Setup  # noqa: E402


async def _answer() -> None:
    setup = Setup(**json.loads(sys.stdin.readline()))
    c = Config()
    with os.fdopen(setup.answer_fd, "w") as answer:
        providers = configure_as_pod(c, setup)
        authenticator = c.JupyterHub.authenticator_class(config=c)
        named = type(authenticator).__name__
        answer.write(json.dumps({"authenticator": named, "providers": providers}) + "\n")
        answer.flush()
        question = json.loads(sys.stdin.readline() or '{"personas": {}}')
        groups = c.JupyterHub.get("load_groups") or {}
        answer.write(verdicts.dumps(await _verdicts(authenticator, question, groups)))


async def _verdicts(
    authenticator: Any, question: dict[str, Any], groups: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    personas = question["personas"]
    if not question.get("explain"):
        return await verdicts.verdicts(authenticator, personas, groups)
    return {
        persona: await rules.explained(authenticator, provider, persona, idp, groups)
        for provider, people in personas.items()
        for persona, idp in people.items()
    }


if __name__ == "__main__":
    asyncio.run(_answer())
