"""A preview: the real JupyterHub and configurable-http-proxy, configured from one Hub."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedhub.access.persona import Persona
from fedhub.access.personas import personas
from fedhub.access.provider import Provider
from fedhub.errors import FedhubError, UsageError
from fedhub.hub import Hub
from fedhub.hub.credentials import masked, secret_strings
from fedhub.idp.client import Client
from fedhub.preview import plan
from fedhub.preview.hubside.setup import SETUP_FD, Setup
from fedhub.preview.processes import Processes, free_port, proxy_command
from fedhub.preview.reason import failure

if TYPE_CHECKING:
    from fedhub.idp.server import IdentityProvider

START_LIMIT = 30.0
"""Seconds a hub may take until its login page answers."""

_CONFIG = Path(__file__).parent / "hubside" / "jupyterhub_config.py"


@dataclass(frozen=True)
class Running:
    """A preview that answers.

    Attributes:
        url: the hub, as a browser opens it.
        identity_provider: the embedded identity provider.
        authenticator: the class that logs people in.
        providers: the hub's OAuth login providers, as its finished configuration has them.
        replaced: for each provider, the host that the embedded one stands in for.
        personas: who can sign in.
        expected: what the hub makes of each persona, by name.
    """

    url: str
    identity_provider: str
    authenticator: str
    providers: tuple[Provider, ...]
    replaced: dict[str, str]
    personas: tuple[Persona, ...]
    expected: dict[str, dict[str, Any]] = field(default_factory=dict)


class Preview:
    """Runs a hub on this machine; a context manager that leaves nothing behind.

    Args:
        hub: what to run.
        port: where browsers reach it; 0 for any free port.
        sign_in_as: a persona that is signed in without being asked.
        on_log: called with each line of the processes' log.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        port: int = 0,
        sign_in_as: str | None = None,
        on_log: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._hub = hub
        self._port = free_port(port)
        self._idp: IdentityProvider | None = None
        self._sign_in_as = sign_in_as
        self._folder = Path(tempfile.mkdtemp(prefix="fedhub-"))
        self._processes = Processes(self._folder, lambda line: on_log(self._masked(line)))
        self._token = secrets.token_urlsafe(32)
        self._hub_port = free_port()
        self._api_port = free_port()
        self._proxy_token = secrets.token_urlsafe(32)

    def __enter__(self) -> Preview:
        """Start the hub and the proxy: they load their libraries while the caller goes on."""
        try:
            self._setup_fd, self._answer_fd = self._start_processes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._processes.stop()
        if self._idp is not None:
            self._idp.stop()

    def start(self) -> Running:
        """Start the identity provider, tell the hub what to be, wait for its login page.

        Raises:
            FedhubError: the hub failed to start; the message carries its own reason.
        """
        deadline = time.monotonic() + START_LIMIT
        from fedhub.idp.server import IdentityProvider

        self._idp = idp = IdentityProvider(own_user_only=True)
        idp.start()
        self._write_setup(self._setup_fd, idp.url)
        answer = json.loads(self._read_answer(self._answer_fd, deadline))
        described = answer["providers"]
        providers = tuple(provider_from(description) for description in described)
        people = tuple(personas(list(providers)))
        self._register(idp, described, people)
        self._await_login_page(deadline)
        return Running(
            url=self._public_url + self._base_url + "/",
            identity_provider=idp.url,
            authenticator=answer["authenticator"],
            providers=providers,
            replaced={entry["name"]: entry["replaced"] for entry in described},
            personas=people,
            expected=self._verdicts(people),
        )

    def wait(self) -> None:
        """Wait for ever, or until a process ends that should not.

        Raises:
            FedhubError: the hub or the proxy ended.
        """
        while not self._processes.wait_for_exit(timeout=3600):
            pass
        raise self._failure()

    @cached_property
    def _secrets(self) -> list[str]:
        return secret_strings(self._hub)

    def _masked(self, text: str) -> str:
        return masked(text, self._secrets)

    # --- starting ---------------------------------------------------------------------

    @property
    def _public_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def _base_url(self) -> str:
        base = str(self._hub.z2jh_get("hub", "baseUrl", default="/")).strip("/")
        return f"/{base}" if base else ""

    def _start_processes(self) -> tuple[int, int]:
        """Start the proxy and the hub; return the pipes to tell the hub its set-up and to
        hear its answer."""
        setup_read, setup_write = os.pipe()
        answer_read, answer_write = os.pipe()
        self._answer_write = answer_write
        self._processes.start([self._hub_process(setup_read, answer_write), self._proxy_process()])
        return setup_write, answer_read

    def _hub_process(self, setup_fd: int, answer_fd: int) -> dict[str, Any]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        return {
            "name": "hub",
            "argv": [sys.executable, "-m", "jupyterhub", "-f", str(_CONFIG)],
            "env": {**inherited_environment(), "PATH": path, SETUP_FD: str(setup_fd)},
            "cwd": str(self._folder),
            "fds": [setup_fd, answer_fd],
        }

    def _proxy_process(self) -> dict[str, Any]:
        target = f"http://127.0.0.1:{self._hub_port}"
        argv = [
            *proxy_command(),
            f"--port={self._port}",
            "--ip=127.0.0.1",
            f"--api-port={self._api_port}",
            "--api-ip=127.0.0.1",
            f"--default-target={target}",
            f"--error-target={target}{self._base_url}/hub/error",
            "--log-level=warn",
        ]
        return {
            "name": "proxy",
            "argv": argv,
            # The proxy takes its token from nowhere else; it is worth nothing after the preview.
            "env": {**inherited_environment(), "CONFIGPROXY_AUTH_TOKEN": self._proxy_token},
            "cwd": str(self._folder),
            "fds": [],
        }

    def _write_setup(self, fd: int, idp_url: str) -> None:
        (self._folder / "homes").mkdir()
        files = plan.write_files(plan.mounted_files(self._hub), self._folder / "files")
        setup = Setup(
            values=plan.relocate(dict(self._hub.z2jh), files.places),
            identity_provider=idp_url,
            public_url=self._public_url,
            folder=str(self._folder),
            hub_port=self._hub_port,
            proxy_api_url=f"http://127.0.0.1:{self._api_port}",
            proxy_token=self._proxy_token,
            token=self._token,
            answer_fd=self._answer_write,
            config_files=list(files.config_files),
            modules=files.modules,
        )
        # A hub that is gone already is reported, with its reason, when no answer comes.
        with contextlib.suppress(BrokenPipeError), os.fdopen(fd, "w") as pipe:
            pipe.write(json.dumps(setup.to_json()))

    def _read_answer(self, fd: int, deadline: float) -> str:
        with os.fdopen(fd) as answer:
            ready, _, _ = select.select([answer], [], [], deadline - time.monotonic())
            text = answer.readline() if ready else ""
        if not text:
            self._processes.wait_for_exit(timeout=5)
            raise self._failure()
        return text

    def _register(
        self, idp: IdentityProvider, described: list[dict[str, Any]], people: tuple[Persona, ...]
    ) -> None:
        for description in described:
            idp.add_client(Client.from_description(description["client"]))
        idp.set_personas(people)
        if self._sign_in_as is not None:
            known = [persona.name for persona in people]
            if self._sign_in_as not in known:
                raise UsageError(
                    f"there is no persona {self._sign_in_as}", fix=f"choose of {', '.join(known)}"
                )
            idp.sign_in_as(self._sign_in_as)

    def _await_login_page(self, deadline: float) -> None:
        """Ask the hub itself until it answers, then through the proxy: that is the page."""
        import httpx

        login = f"{self._base_url}/hub/login"
        addresses = [f"http://127.0.0.1:{self._hub_port}{login}", f"{self._public_url}{login}"]
        with httpx.Client(trust_env=False) as client:
            while time.monotonic() < deadline:
                try:
                    reply = client.get(addresses[0], timeout=5)
                except httpx.HTTPError:
                    reply = None
                if reply is not None and reply.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    addresses.pop(0)
                    if not addresses:
                        return
                elif self._processes.wait_for_exit(timeout=0.02):
                    break
        raise self._failure()

    def _verdicts(self, people: tuple[Persona, ...]) -> dict[str, dict[str, Any]]:
        wanted: dict[str, list[str]] = {}
        for persona in people:
            wanted.setdefault(persona.provider, []).append(persona.name)
        import httpx

        reply = httpx.post(
            f"http://127.0.0.1:{self._hub_port}{self._base_url}/hub/preview/verdicts",
            json=wanted,
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=60 + len(people),  # seconds; each of them logs in
            trust_env=False,
        )
        reply.raise_for_status()
        found: dict[str, dict[str, Any]] = reply.json()["verdicts"]
        for verdict in found.values():
            verdict["reason"] = self._masked(verdict.get("reason", ""))
        return found

    def _failure(self) -> FedhubError:
        ended = self._processes.exited
        if ended is None:
            what = f"the hub's login page did not answer within {START_LIMIT:.0f} s"
        else:
            what = f"the {ended[0]} ended with exit code {ended[1]}"
        fix = "mend what it names; `fedhub run --verbose` shows the whole log"
        return failure(self._hub, what, list(self._processes.log), fix=fix)


def inherited_environment() -> dict[str, str]:
    """Return the environment for a child, without what may be a credential of the operator."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "SSL_CERT_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ}


def provider_from(description: dict[str, Any]) -> Provider:
    """Return a provider as the hub process described it."""
    return Provider(
        name=description["name"],
        label=description["label"],
        face=description["client"]["face"],
        classes=tuple(description["classes"]),
        user_key=description["user_key"],
        traits=description["traits"],
    )
