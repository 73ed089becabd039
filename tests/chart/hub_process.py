"""Says what a hub's configuration is, as a pod or as a preview makes it. Run by a test.

Reads lines of JSON, each a list:

    ["pod", FOLDER, ENVIRONMENT]    FOLDER is what the pod has as /usr/local/etc/jupyterhub
    ["preview", VALUES]             z2jh's values

and answers each with a line, from a process of its own, since a configuration leaves modules and
variables behind.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jupyterhub.app  # noqa: F401  # once, and not for each
import kubespawner  # noqa: F401
from fedhub_authenticators import federated  # noqa: F401
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue, PyFileConfigLoader

from fedhub.preview.hubside.configuration import configure_from_values
from fedhub.preview.hubside.setup import Setup


def pod(folder: str, environment: Mapping[str, str]) -> Config:
    os.environ.update(environment)
    sys.path.insert(0, folder)
    found = PyFileConfigLoader("jupyterhub_config.py", folder).load_config()
    assert isinstance(found, Config)
    return found


def preview(values: dict[str, Any]) -> Config:
    c = Config()
    configure_from_values(c, Setup(values=values, identity_provider="", answer_fd=0))
    return c


def plain(value: Any) -> Any:
    """Return a value as JSON can have it: classes by their names."""
    if isinstance(value, LazyConfigValue):
        value = value.get_value([])
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, dict):
        return {str(key): plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [plain(below) for below in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(below) for below in value)
    return value if isinstance(value, str | int | float | None) else repr(value)


def answer(kind: str, *arguments: Any) -> str:
    try:
        return json.dumps({"found": plain({"pod": pod, "preview": preview}[kind](*arguments))})
    except BaseException:  # noqa: BLE001 - whatever a configuration does
        return json.dumps({"error": traceback.format_exc()})


def main() -> None:
    answers = Path(sys.argv[1])  # what a configuration prints goes elsewhere
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            answers.write_text(answer(*json.loads(line)))
            os._exit(0)
        os.waitpid(child, 0)
        print(answers.read_text(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
