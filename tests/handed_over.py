"""A hub with a service, and the programs that were handed over to the service's owner.

Hides: how the hub is written, declared and handed over, and how its owner runs each program.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fedhub.preview.processes import free_port, proxy_command
from tests.previews import FEDHUB, ROOT, RunningHub, running_hub

MAY, MAY_NOT = "group-instructors", "group-researchers"
PROGRAMS = {"authlib": "app.py", "passport": "app.mjs", "curl": "login.sh"}
FLASK = """\
import sys
from app import app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", int(sys.argv[1]), app)
print("ready", flush=True)
server.serve_forever()
"""


@dataclass
class Case:
    """A hub that runs, and the application that was handed over."""

    hub: RunningHub
    port: int

    @property
    def callback(self) -> str:
        return f"http://127.0.0.1:{self.port}/callback"

    def environment(self) -> dict[str, str]:
        """What the owner's machine has: the variables of the file, and no more."""
        lines = Path("app.env").read_text().splitlines()
        pairs = [shlex.split(line)[0].partition("=") for line in lines]
        return {"PATH": os.environ["PATH"]} | {name: value for name, _, value in pairs}

    def persona(self, ending: str) -> str:
        return next(name for name in self.hub.personas if name.endswith(ending))

    def person(self, ending: str) -> str:
        return str(self.hub.personas[self.persona(ending)]["expected"]["username"])


def values_of(kind: str) -> dict[str, Any]:
    """The worked example without its service, or the same as a plain z2jh file."""
    example: dict[str, Any] = yaml.safe_load(
        (ROOT / "values/external-service.values.yaml").read_text()
    )
    del example["global"]["fedhub"]["services"]
    if kind == "fedhub":
        return example
    config = example["global"]["fedhub"]["login"]["campus"]["config"]
    chosen = {"JupyterHub": {"authenticator_class": "generic-oauth"}}
    return {"hub": {"config": chosen | {"GenericOAuthenticator": config}}}


def fedhub_service(*argv: str) -> str:
    done = subprocess.run(
        [FEDHUB, "service", *argv], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def handed_over(kind: str) -> Iterator[Case]:
    """Run a hub of a kind of values, its service's programs in the working folder."""
    file = Path("x.values.yaml")
    file.write_text(yaml.safe_dump(values_of(kind)))
    hub_port, port = free_port(), free_port()
    callback = f"http://127.0.0.1:{port}/callback"
    of_hub = ("--hub-url", f"http://127.0.0.1:{hub_port}/")
    fedhub_service("add", str(file), "app", "--redirect-uri", callback, "--groups", "instructors")
    if kind == "fedhub":
        values = yaml.safe_load(file.read_text())
        values["global"]["fedhub"]["services"]["app"]["requirePkce"] = True
        file.write_text(yaml.safe_dump(values))
    fedhub_service(
        "credentials", str(file), "app", "--format", "env", "--output", "app.env", *of_hub
    )
    for program, name in PROGRAMS.items():
        text = fedhub_service("credentials", str(file), "app", "--format", program, *of_hub)
        Path(name).write_text(text)
    with running_hub(file, "--port", str(hub_port), cwd=Path.cwd()) as hub:
        yield Case(hub, port)


@contextmanager
def application(case: Case, program: str, **change: str) -> Iterator[str]:
    """Run the web application of Authlib or Passport; yield its address.

    Args:
        change: other variables than the owner's.
    """
    if program == "authlib":
        command = [sys.executable, "-c", FLASK, str(case.port)]
    else:
        node, *_ = proxy_command()
        command = [node, PROGRAMS[program]]
        Path("node_modules").symlink_to(ROOT / "node_modules")
    process = subprocess.Popen(
        command,
        env=case.environment() | {"PORT": str(case.port)} | change,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        assert process.stdout.readline() in ("ready\n", f"listening on {case.port}\n")
        yield f"http://127.0.0.1:{case.port}/"
    finally:
        process.terminate()
        process.communicate()
