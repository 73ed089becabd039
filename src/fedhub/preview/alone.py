"""`fedhub idp`: the embedded identity provider alone, for a hub or an application elsewhere."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fedhub.access.persona import Persona
from fedhub.access.personas import personas
from fedhub.access.provider import Provider
from fedhub.hub import Hub
from fedhub.idp.client import Client, Face
from fedhub.idp.server import IdentityProvider
from fedhub.preview.hubside.setup import Setup
from fedhub.preview.preview import failure, inherited_environment, provider_from

FACES: tuple[Face, ...] = ("cilogon", "keycloak", "custos", "github", "oidc")

SAMPLE_REALM = "10000001"
"""The realm, and Custos tenant id, of the sample client."""


@dataclass(frozen=True)
class Alone:
    """What an identity provider alone has to offer.

    `sample_secret` is the client secret of the sample client, made up for this run.
    """

    identity_provider: str
    clients: tuple[Client, ...]
    personas: tuple[Persona, ...]
    expected: dict[str, dict[str, Any]]
    sample_secret: str = field(default="", repr=False)


@contextmanager
def identity_provider_for(hub: Hub, port: int) -> Iterator[Alone]:
    """Serve the personas of a hub until the block ends.

    Raises:
        FedhubError: the hub's configuration can't be loaded, or the port is taken.
    """
    with (
        IdentityProvider(port=port, own_user_only=True) as idp,
        _Authenticator(hub, idp.url) as authenticator,
    ):
        described = authenticator.providers()
        people = tuple(personas([provider_from(one) for one in described]))
        clients = tuple(Client.from_description(one["client"]) for one in described)
        for client in clients:
            idp.add_client(client)
        idp.set_personas(people)
        yield Alone(idp.url, clients, people, authenticator.verdicts(people))


@contextmanager
def sample_identity_provider(port: int, redirect_uris: tuple[str, ...]) -> Iterator[Alone]:
    """Serve a sample client on every face, for trying an application without any hub."""
    secret = secrets.token_urlsafe(32)
    with IdentityProvider(port=port, own_user_only=True) as idp:
        clients = tuple(
            Client(
                provider=face,
                face=face,
                client_id=f"sample-{SAMPLE_REALM}",
                client_secret=secret,
                redirect_uris=redirect_uris,
                realm=SAMPLE_REALM if face in ("keycloak", "custos") else "",
            )
            for face in FACES
        )
        for client in clients:
            idp.add_client(client)
        everybody = {"idps": {_SAMPLE_IDP: _SAMPLE_RULE}, "allow_all": True}
        people = tuple(
            personas([Provider(face, face, face, (), "user", everybody) for face in FACES])
        )
        idp.set_personas(people)
        yield Alone(idp.url, clients, people, {}, secret)


_SAMPLE_IDP = "https://idp.example.edu/idp/shibboleth"
_SAMPLE_RULE = {"username_derivation": {"username_claim": "email"}, "allow_all": True}


class _Authenticator:
    """The hub's authenticator in a process of its own, which ends with this one."""

    def __init__(self, hub: Hub, idp_url: str) -> None:
        self._hub = hub
        self._answer, answer_write = os.pipe()
        self._setup = Setup(
            values=dict(hub.z2jh),
            identity_provider=idp_url,
            public_url="",
            answer_fd=answer_write,
        )

    def __enter__(self) -> _Authenticator:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fedhub.preview.hubside.alone"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[self._setup.answer_fd],
            env=inherited_environment(),
            text=True,
        )
        os.close(self._setup.answer_fd)
        self._lines = os.fdopen(self._answer)
        self._log: list[str] = []
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._lines.close()

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        self._log.extend(line.rstrip() for line in self._process.stderr)

    def providers(self) -> list[dict[str, Any]]:
        described: list[dict[str, Any]] = self._ask(self._setup.to_json())["providers"]
        return described

    def verdicts(self, people: tuple[Persona, ...]) -> dict[str, dict[str, Any]]:
        wanted: dict[str, list[str]] = {}
        for persona in people:
            wanted.setdefault(persona.provider, []).append(persona.name)
        found: dict[str, dict[str, Any]] = self._ask(wanted)["verdicts"]
        return found

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # why it ended is in its log
        line = self._lines.readline()
        if not line:
            self._process.wait()
            self._reader.join()
            raise failure(self._hub, "the hub's configuration can't be loaded", self._log)
        answer: dict[str, Any] = json.loads(line)
        return answer


def run_alone(hub: Hub | None, *, port: int, redirect_uris: tuple[str, ...], as_json: bool) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises:
        FedhubError: see `identity_provider_for`.
    """
    from fedhub.preview.session import interrupt_on_signals, persona_data, print_alone

    interrupt_on_signals()
    serving = (
        identity_provider_for(hub, port) if hub else sample_identity_provider(port, redirect_uris)
    )
    try:
        with serving as alone:
            if as_json:
                data = {
                    "url": alone.identity_provider,
                    "identity_provider": alone.identity_provider,
                    "personas": persona_data(alone.personas, alone.expected),
                    "pid": os.getpid(),
                }
                sys.stdout.write(json.dumps(data) + "\n")
                sys.stdout.flush()
            else:
                print_alone(alone)
            threading.Event().wait()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
