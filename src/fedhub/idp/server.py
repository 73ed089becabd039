"""Runs the embedded identity provider in a thread of this process."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from fedhub.access.persona import Persona
from fedhub.errors import FedhubError
from fedhub.idp.app import create_app
from fedhub.idp.client import Client
from fedhub.idp.faults import Fault
from fedhub.idp.keycloak_clients.registry import ServiceAccount
from fedhub.idp.oa4mp.registry import AdminClient, Release
from fedhub.idp.state import State

log = logging.getLogger("fedhub.idp")


class IdentityProvider:
    """An identity provider with the faces of CILogon, Keycloak, Custos, GitHub and any issuer.

    Args:
        host: the address to listen on.
        port: 0 takes a free one.
        public_url: where browsers and the hub reach it, when that is not `http://host:port`.
        clock: seconds since the epoch; tests hand in their own to let tokens expire.
        ssl_context: serve HTTPS with it.
        control_token: lets `POST /_fedhub/faults` inject faults from another process; without it
            that address does not exist.
        oa4mp: the release of OA4MP that the CILogon face plays in its client management.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        public_url: str | None = None,
        clock: Callable[[], float] = time.time,
        ssl_context: ssl.SSLContext | None = None,
        control_token: str | None = None,
        own_user_only: bool = False,
        oa4mp: Release = "6.3.2",
    ) -> None:
        self._host = host
        self._port = port
        self._ssl_context = ssl_context
        self._state = State(clock)
        self._state.control_token = control_token or ""
        self._state.own_user_only = own_user_only
        self._state.oa4mp = oa4mp
        self._state.secure = ssl_context is not None or (public_url or "").startswith("https:")
        self._public_url = (public_url or "").rstrip("/")
        self._state.url = self._public_url
        self._app: Flask | None = None
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is reached, without a trailing slash.

        Raises:
            RuntimeError: it has not been started, so the port is not known yet.
        """
        if not self._state.url:
            raise RuntimeError("the identity provider has no address until it is started")
        return self._state.url

    @property
    def app(self) -> Flask:
        """The WSGI application, for tests that need no socket."""
        if self._app is None:
            self._app = create_app(self._state)
        return self._app

    def start(self) -> None:
        """Listen and answer; returns at once.

        Raises:
            FedhubError: the port is taken or the address is not of this machine.
        """
        if self._server is not None:
            return
        listener = _listen(self._host, self._port)
        port = listener.getsockname()[1]
        scheme = "https" if self._ssl_context else "http"
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self._state.url = self._public_url or f"{scheme}://{shown}:{port}"
        self._state.stopping.clear()
        with listener:  # the server works on a duplicate of the socket
            self._server = make_server(
                self._host,
                port,
                self.app,
                threaded=True,
                request_handler=_QuietHandler,
                ssl_context=self._ssl_context,
                fd=listener.fileno(),
            )
        self._thread = threading.Thread(target=self._serve, name="fedhub-idp", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port; answers held up by a `slow` fault are let go."""
        server, self._server = self._server, None
        if server is None:
            return
        self._state.stopping.set()
        server.shutdown()
        server.server_close()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> IdentityProvider:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def add_client(self, client: Client) -> None:
        """Register a client; one with the same face, realm and id is replaced."""
        self._state.add_client(client)

    def add_admin_client(self, admin: AdminClient) -> None:
        """Let an administrative client register clients at CILogon's `/oauth2/oidc-cm`."""
        self._state.registry.add_admin(admin)

    def add_service_account(self, account: ServiceAccount) -> None:
        """Let a service account register clients of its Keycloak realm."""
        self._state.realm_clients.add_account(account)

    def set_personas(self, personas: Iterable[Persona]) -> None:
        """Say who can sign in, replacing those before."""
        self._state.set_personas(personas)

    def sign_in_as(self, persona: str) -> None:
        """Sign a persona in without asking; "" asks again."""
        self._state.sign_in_as = persona

    def update_claims(self, persona: str, **claims: Any) -> None:
        """Change what the provider knows of somebody, from the next request on.

        Userinfo, memberships, and what a refresh brings change also for who is signed in, and
        with claims edited on the page.

        Args:
            persona: its name.
            claims: the new values; None takes a claim away.

        Raises:
            ValueError: there is no such persona.
        """
        self._state.update_claims(persona, claims)

    def disable(self, persona: str) -> None:
        """Disable somebody's account: sign-in, userinfo and refresh fail, as that server fails.

        Raises:
            ValueError: there is no such persona.
        """
        self._state.set_disabled(persona, disabled=True)

    def enable(self, persona: str) -> None:
        """Enable an account again.

        Raises:
            ValueError: there is no such persona.
        """
        self._state.set_disabled(persona, disabled=False)

    def requests(self, endpoint: str | None = None) -> int:
        """How often an endpoint was asked since the start or the last reset.

        Args:
            endpoint: named as for faults (`authorize`, `token`, `userinfo`, `certs`,
                `discovery`, …), at all faces together; None for all requests.
        """
        return self._state.requests(endpoint)

    def reset_counters(self) -> None:
        """Begin counting requests anew."""
        self._state.reset_counters()

    def end_sessions(self, persona: str) -> list[Future[int]]:
        """End all sessions of a persona, as an administrator would.

        Tokens of Keycloak and of the `oidc` issuers end too, and clients with a
        `backchannel_logout_uri` are told.

        Args:
            persona: its name.

        Returns:
            For each client told, what it answers as an HTTP status, 0 where it does not within
            five seconds. Don't wait for it where the hub itself runs: await
            `asyncio.wrap_future(answer)` there.
        """
        return self._state.close_sessions_of(persona)

    def iam_secret(self, client: Client) -> str:
        """The secret of a Custos tenant's client at Keycloak, which differs from Custos' own."""
        return self._state.iam_secret(client)

    def inject(
        self,
        fault: str,
        *,
        endpoint: str | None = None,
        seconds: float = 5.0,
        times: int | None = None,
        claim: str = "sub",
        value: Any = 7,
    ) -> Fault:
        """Put a fault in force.

        Args:
            fault: one of `fedhub.idp.faults.FAULTS`.
            endpoint: `authorize`, `token`, `userinfo`, `certs`, `discovery`, …; None everywhere.
            seconds: how long `slow` waits, and what `rate-limited` puts in `Retry-After`.
            times: how often it strikes; None until cleared.
            claim: what `missing-claim` leaves out.
            value: what `groups-of-wrong-type` says.

        Returns:
            The fault, which counts how often it has struck.

        Raises:
            ValueError: there is no such fault.
        """
        injected = Fault(fault, endpoint, seconds, times, claim, value)
        self._state.inject(injected)
        return injected

    def clear_faults(self) -> None:
        """Put everything right again; rotated keys stay rotated."""
        self._state.faults.clear()

    def _serve(self) -> None:
        assert self._server is not None
        server = self._server
        self._state.keys.current()  # made here, so that starting does not wait for it
        server.serve_forever(poll_interval=0.05)  # how long stopping may take, in seconds


class _QuietHandler(WSGIRequestHandler):
    """Logs the path only, at debug level: queries carry codes, tokens and Custos' secrets."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        path = getattr(self, "path", "-").partition("?")[0]
        log.debug("%s %s %s", getattr(self, "command", "-"), path, code)

    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug("a request failed: %s", type)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise FedhubError(
            f"the identity provider can't listen on {host}:{port}: {error.strerror}",
            fix="choose another port, or 0 for any free one",
        ) from None
    return listener
