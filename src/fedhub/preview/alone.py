"""The embedded identity provider alone, and the hub's authenticator without its hub.

`fedhub idp run` serves them to a hub or an application elsewhere; `fedhub access` only asks.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedhub.access.persona import Persona
from fedhub.access.personas import personas
from fedhub.access.provider import Provider
from fedhub.hub import Hub
from fedhub.idp.client import Client, Face
from fedhub.preview import plan
from fedhub.preview.hubside.setup import Setup
from fedhub.preview.preview import inherited_environment, provider_from
from fedhub.preview.reason import load_failure

if TYPE_CHECKING:
    from fedhub.idp.server import IdentityProvider

FACES: tuple[Face, ...] = ("cilogon", "keycloak", "custos", "github", "oidc")

SAMPLE_REALM = "10000001"
"""The realm, and Custos tenant id, of the sample client."""
SAMPLE_ADMIN = "cilogon:/adminClient/sample"
"""Who may register clients at the CILogon face; at Keycloak's, `SAMPLE_REGISTRAR`."""
SAMPLE_REGISTRAR = "registrar"


@dataclass(frozen=True)
class Alone:
    """What an identity provider alone has to offer.

    `sample_secret` is the secret of the sample client and of the sample administrators, made up for
    this run.
    """

    identity_provider: str
    clients: tuple[Client, ...]
    personas: tuple[Persona, ...]
    expected: dict[str, dict[str, Any]]
    sample_secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Verdicts:
    """What a hub makes of people.

    Attributes:
        authenticator: the class that logs people in.
        providers: the hub's OAuth login providers, as its finished configuration has them.
        people: who was asked about.
        found: for each of them by name, what `hubside.rules.explained` says.
    """

    authenticator: str
    providers: tuple[Provider, ...]
    people: tuple[Persona, ...]
    found: dict[str, dict[str, Any]]


def verdicts_of(hub: Hub, choose: Callable[[list[Provider]], Iterable[Persona]]) -> Verdicts:
    """Run the login of people through a hub's real authenticator, and say what decided.

    Args:
        hub: the hub; nothing of it needs to run.
        choose: given the hub's login providers, returns the people to ask about; their names
            must be unique.

    Raises:
        FedhubError: the hub's configuration can't be loaded, or `choose` raised it.
    """
    _ = hub.fedhub  # is what stands under global.fedhub valid?
    with _asked(hub, port=0) as (idp, authenticator):
        described = authenticator.providers(idp.url)
        providers = [provider_from(one) for one in described]
        people = tuple(choose(providers))
        _furnish(idp, described, people)
        found = authenticator.verdicts(people, explain=True)
    return Verdicts(authenticator.name, tuple(providers), people, found)


@contextmanager
def identity_provider_for(hub: Hub, port: int) -> Iterator[Alone]:
    """Serve the personas of a hub until the block ends.

    Raises:
        FedhubError: the hub's configuration can't be loaded, or the port is taken.
    """
    with _asked(hub, port) as (idp, authenticator):
        described = authenticator.providers(idp.url)
        people = tuple(personas([provider_from(one) for one in described]))
        clients = _furnish(idp, described, people)
        yield Alone(idp.url, clients, people, authenticator.verdicts(people))


@contextmanager
def _asked(hub: Hub, port: int) -> Iterator[tuple[IdentityProvider, _Authenticator]]:
    """Run an identity provider and a hub's authenticator until the block ends."""
    # The authenticator's process loads its libraries while this one loads its own.
    with _Authenticator(hub) as authenticator:
        from fedhub.idp.server import IdentityProvider

        with IdentityProvider(port=port, own_user_only=True) as idp:
            yield idp, authenticator


def _furnish(
    idp: IdentityProvider, described: list[dict[str, Any]], people: tuple[Persona, ...]
) -> tuple[Client, ...]:
    clients = tuple(Client.from_description(one["client"]) for one in described)
    for client in clients:
        idp.add_client(client)
    idp.set_personas(people)
    return clients


@contextmanager
def sample_identity_provider(port: int, redirect_uris: tuple[str, ...]) -> Iterator[Alone]:
    """Serve a sample client on every face, for trying an application without any hub."""
    from fedhub.idp.keycloak_clients.registry import ServiceAccount
    from fedhub.idp.oa4mp.registry import AdminClient
    from fedhub.idp.server import IdentityProvider

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
        idp.add_admin_client(AdminClient(SAMPLE_ADMIN, secret, provider="cilogon"))
        idp.add_service_account(ServiceAccount(SAMPLE_REALM, SAMPLE_REGISTRAR, secret))
        everybody = {"idps": {_SAMPLE_IDP: _SAMPLE_RULE}, "allow_all": True}
        people = tuple(
            personas([Provider(face, face, face, (), "user", everybody) for face in FACES])
        )
        idp.set_personas(people)
        yield Alone(idp.url, clients, people, {}, secret)


_SAMPLE_IDP = "https://idp.example.edu/idp/shibboleth"
_SAMPLE_RULE = {"username_derivation": {"username_claim": "email"}, "allow_all": True}


class _Authenticator:
    """The hub's authenticator in a process of its own, which ends with this one.

    Attributes:
        name: what its class is called, once `providers` was asked for.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._open = ExitStack()
        self._log: list[str] = []
        self.name = ""

    def __enter__(self) -> _Authenticator:
        answer, self._answer_write = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fedhub.preview.hubside.alone"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[self._answer_write],
            env=inherited_environment(),
            text=True,
        )
        os.close(self._answer_write)
        self._lines = os.fdopen(answer)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._lines.close()
        self._open.close()

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        self._log.extend(line.rstrip() for line in self._process.stderr)

    def providers(self, idp_url: str) -> list[dict[str, Any]]:
        """Configure it; return what it says of each provider."""
        files = self._mounted_files()
        setup = Setup(
            values=plan.relocate(dict(self._hub.z2jh), files.places),
            identity_provider=idp_url,
            public_url="",
            answer_fd=self._answer_write,
            config_files=list(files.config_files),
            modules=files.modules,
        )
        answer = self._ask(setup.to_json())
        self.name = answer["authenticator"]
        described: list[dict[str, Any]] = answer["providers"]
        return described

    def _mounted_files(self) -> plan.Written:
        files = plan.mounted_files(self._hub)
        if not files:
            return plan.Written()
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="fedhub-"))
        return plan.write_files(files, Path(folder))

    def verdicts(
        self, people: tuple[Persona, ...], *, explain: bool = False
    ) -> dict[str, dict[str, Any]]:
        """Return what becomes of each persona, by name; and what decided it, when asked to."""
        wanted: dict[str, dict[str, str]] = {}
        for persona in people:
            wanted.setdefault(persona.provider, {})[persona.name] = persona.idp
        question = {"personas": wanted, "explain": explain}
        found: dict[str, dict[str, Any]] = self._ask(question)["verdicts"]
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
            raise load_failure(self._hub, self._log)
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
