"""A hub's authenticator without its hub: for `fedhub idp`, which only needs its verdicts.

Reads the set-up, then `{provider: [persona, …]}`, each a line of JSON on standard input;
answers with a line for each on the pipe that the set-up names.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from traitlets.config import Config

from fedhub.preview.hubside import verdicts
from fedhub.preview.hubside.configuration import configure_as_pod
from fedhub.preview.hubside.setup import Setup


async def _answer() -> None:
    setup = Setup(**json.loads(sys.stdin.readline()))
    c = Config()
    with os.fdopen(setup.answer_fd, "w") as answer:
        providers = configure_as_pod(c, setup)
        authenticator = c.JupyterHub.authenticator_class(config=c)
        answer.write(json.dumps({"providers": providers}) + "\n")
        answer.flush()
        personas = json.loads(sys.stdin.readline() or "{}")
        groups = c.JupyterHub.get("load_groups") or {}
        answer.write(verdicts.dumps(await verdicts.verdicts(authenticator, personas, groups)))


if __name__ == "__main__":
    asyncio.run(_answer())
