"""What `fedhub service add` and `credentials` write is all that an application needs.

Each program is run as its owner would run it, against the hub as the values have it.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
import yaml

from fedhub.preview.processes import free_port
from tests.previews import FEDHUB, ROOT, RunningHub, Visitor, running_hub
from tests.unit.new.conftest import nobody, work

__all__ = ["nobody", "work"]

MAY, MAY_NOT = "group-instructors", "group-researchers"
SERVER = """\
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


@pytest.fixture(params=["fedhub", "plain"])
def case(work: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    file = Path("x.values.yaml")
    file.write_text(yaml.safe_dump(values_of(request.param)))
    hub_port, port = free_port(), free_port()
    callback = f"http://127.0.0.1:{port}/callback"
    of_hub = ("--hub-url", f"http://127.0.0.1:{hub_port}/")
    fedhub_service("add", str(file), "app", "--redirect-uri", callback, "--groups", "instructors")
    fedhub_service(
        "credentials", str(file), "app", "--format", "env", "--output", "app.env", *of_hub
    )
    for kind, name in (("authlib", "app.py"), ("curl", "login.sh")):
        text = fedhub_service("credentials", str(file), "app", "--format", kind, *of_hub)
        Path(name).write_text(text)
    with running_hub(file, "--port", str(hub_port), cwd=Path.cwd()) as hub:
        yield Case(hub, port)


@contextmanager
def flask_application(case: Case) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(case.port)],
        env=case.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{case.port}/"
    finally:
        process.terminate()
        process.communicate()


def signed_in_at(address: str, case: Case, visitor: Visitor, persona: str) -> httpx.Response:
    """Open an address of the application, and sign in where it leads; return where that ends."""
    page = visitor.follow(address)
    assert str(page.url).startswith(case.hub.data["identity_provider"]), page.url
    reply = visitor.post(page.url, data={"persona": case.persona(persona)})
    while reply.is_redirect and not reply.headers["location"].startswith(f"{case.callback}?"):
        reply = visitor.get(urljoin(str(reply.url), reply.headers["location"]))
    return reply


def test_the_programs_handed_over_log_people_in_and_refuse_others(case: Case) -> None:
    in_a_flask_application(case)
    with_curl(case)
    not_with_basic(case)


def in_a_flask_application(case: Case) -> None:
    with flask_application(case) as address:
        with Visitor() as visitor:
            reply = signed_in_at(address, case, visitor, MAY)
            page = visitor.follow(reply.headers["location"])
            assert str(page.url) == address
            assert page.text == f"you are {case.person(MAY)}, in [&#39;instructors&#39;]"
        with Visitor() as visitor:
            refused = signed_in_at(address, case, visitor, MAY_NOT)
            assert (refused.status_code, refused.url.port) == (403, urlsplit(case.hub.url).port)
            assert "you are" not in visitor.follow(address).text


def with_curl(case: Case) -> None:
    process = subprocess.Popen(
        ["sh", "login.sh"],
        env=case.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    with Visitor() as visitor:
        reply = signed_in_at(process.stdout.readline().strip(), case, visitor, MAY)
    out, err = process.communicate(f"{reply.headers['location']}\n")
    assert process.returncode == 0, err
    user = json.loads(out)
    assert (user["name"], user["groups"]) == (case.person(MAY), ["instructors"])


def not_with_basic(case: Case) -> None:
    """JupyterHub reads the secret from the body alone."""
    told = case.environment()
    asked = {"response_type": "code", "client_id": told["OAUTH_CLIENT_ID"]}
    asked["redirect_uri"] = case.callback
    query = str(httpx.QueryParams(asked))
    with Visitor() as visitor:
        address = f"{told['OAUTH_AUTHORIZATION_URL']}?{query}"
        reply = signed_in_at(address, case, visitor, MAY)
    (code,) = parse_qs(urlsplit(reply.headers["location"]).query)["code"]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": case.callback}
    both = (told["OAUTH_CLIENT_ID"], told["OAUTH_CLIENT_SECRET"])
    with httpx.Client(trust_env=False) as client:
        assert client.post(told["OAUTH_TOKEN_URL"], data=grant, auth=both).is_error
        in_body = grant | {"client_id": both[0], "client_secret": both[1]}
        assert client.post(told["OAUTH_TOKEN_URL"], data=in_body).is_success
