"""A real Keycloak on the loopback interface, with a realm of the tests' own.

Hides: where it comes from, how it is started and stopped, its administration. `python -m
tests.peers.keycloak` (`make peers`) runs one until Ctrl-C.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from fedhub.idp.client import Client
from fedhub.preview.processes import Processes, free_port
from fedhub.preview.session import interrupt_on_signals

HERE = Path(__file__).parent
REALM = json.loads((HERE / "realm.json").read_text())
PATIENCE = 180.0
"""Seconds that a start may take; on two cores 13, on two busy ones much more."""
LACKING = 69
"""What `ci/keycloak` exits with where the machine lacks something."""


class LackingError(Exception):
    """This machine can't run Keycloak; the text says what it lacks."""


class Keycloak:
    """A running server.

    Attributes:
        url: its address.
        admin: its administrator's name.
        password: the administrator's, drawn anew at each start.
    """

    admin = "admin"

    def __init__(self, url: str, password: str, processes: Processes) -> None:
        self.url = url
        self.wait = processes.wait_for_exit
        self.password = password
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False, verify=False)
        self._token, self._until = "", 0.0

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the admin REST API; the path is what follows `/admin/realms`."""
        if time.monotonic() >= self._until:
            self._sign_in()
        headers = {"Authorization": f"Bearer {self._token}"}
        reply = self._http.request(method, f"/admin/realms{path}", json=body, headers=headers)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    def _sign_in(self) -> None:
        form = {"grant_type": "password", "client_id": "admin-cli"}
        form |= {"username": self.admin, "password": self.password}
        asked = time.monotonic()
        reply = self._http.post("/realms/master/protocol/openid-connect/token", data=form)
        said = reply.raise_for_status().json()
        self._token, self._until = said["access_token"], asked + said["expires_in"] / 2

    def add_client(self, client: Client) -> None:
        """Register a client as the administrator would, with a mapper for groups; or replace it."""
        self.remove_client(client.realm, client.client_id)
        told = client.backchannel_logout_uri
        attributes = {"post.logout.redirect.uris": "##".join(client.post_logout_redirect_uris)}
        if told:
            session = {"backchannel.logout.session.required": "true"}
            attributes |= {"backchannel.logout.url": told, **session}
        shown = ("id.token.claim", "access.token.claim", "userinfo.token.claim")
        groups = {
            "name": "groups",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-group-membership-mapper",
            "config": {"claim.name": "groups", "full.path": "false"} | dict.fromkeys(shown, "true"),
        }
        body = {
            "clientId": client.client_id,
            "secret": client.client_secret,
            "redirectUris": list(client.redirect_uris),
            "attributes": attributes,
            "protocolMappers": [groups],
        }
        self.call("POST", f"/{client.realm}/clients", body)

    def remove_client(self, realm: str, client_id: str) -> None:
        """Remove a client; one that is not there is fine."""
        for found in self._found(realm, client_id):
            self.call("DELETE", f"/{realm}/clients/{found['id']}")

    def _found(self, realm: str, client_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/{realm}/clients?clientId={client_id}")
        return found

    def add_service_account(
        self, realm: str, client_id: str, secret: str, roles: tuple[str, ...]
    ) -> None:
        """Make a client whose service account has these roles, unless it is there."""
        if self._found(realm, client_id):
            return
        account = {"serviceAccountsEnabled": True, "standardFlowEnabled": False}
        self.call("POST", f"/{realm}/clients", {"clientId": client_id, "secret": secret, **account})
        (client,) = self._found(realm, client_id)
        (management,) = self._found(realm, "realm-management")
        known = self.call("GET", f"/{realm}/clients/{management['id']}/roles")
        user = self.call("GET", f"/{realm}/clients/{client['id']}/service-account-user")
        page = f"/{realm}/users/{user['id']}/role-mappings/clients/{management['id']}"
        self.call("POST", page, [role for role in known if role["name"] in roles])

    def import_realm(self) -> None:
        """Make the realm of `realm.json`."""
        self.call("POST", "", REALM)


def installed(*, quiet: bool) -> Path:
    """The folder of the distribution; fetched and built where it is not there yet.

    Args:
        quiet: whether to keep what it says meanwhile, for the error.

    Raises:
        LackingError: the machine lacks something.
    """
    command = [str(HERE.parents[1] / "ci" / "keycloak")]
    said = subprocess.PIPE if quiet else None
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=said, text=True, check=False)
    if done.returncode == LACKING:
        raise LackingError((done.stderr or "").strip())
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@contextmanager
def running(home: Path) -> Iterator[Keycloak]:
    """Start a Keycloak; nothing is left of it afterwards, also when this process is killed."""
    port, management = free_port(), free_port()
    password = secrets.token_urlsafe(16)
    folder = Path(tempfile.mkdtemp(prefix="fedhub-keycloak-"))
    processes = Processes(folder, lambda line: None)
    command = [
        *(str(home / "bin" / "kc.sh"), "start", "--optimized", "--cache=local"),
        *("--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={port}"),
        *(f"--http-management-port={management}", "--hostname-strict=false"),
    ]
    env = os.environ | {
        "KC_BOOTSTRAP_ADMIN_USERNAME": Keycloak.admin,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
        "JAVA_OPTS_APPEND": f"-Djava.io.tmpdir={folder} -XX:-UsePerfData",
        # Else it would be made in the folder of the distribution.
        "QUARKUS_TRANSACTION_MANAGER_OBJECT_STORE_DIRECTORY": str(folder / "transactions"),
    }
    server = {"name": "keycloak", "argv": command, "env": env, "cwd": str(folder), "fds": []}
    try:
        processes.start([server])
        _await_ready(processes, f"http://127.0.0.1:{management}/health/ready")
        yield Keycloak(f"http://127.0.0.1:{port}", password, processes)
    finally:
        processes.stop()


def _await_ready(processes: Processes, address: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if httpx.get(address, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # it does not listen yet
        if processes.wait_for_exit(0.2):
            break
    log = "\n".join(processes.log)
    raise AssertionError(f"Keycloak did not start:\n{log}")


def main() -> None:
    """Run one, and say where."""
    interrupt_on_signals()  # also where SIGINT came ignored, as it does in the background
    try:
        home = installed(quiet=False)
    except LackingError:
        sys.exit(1)
    try:
        with running(home) as keycloak:
            keycloak.import_realm()
            print(f"Keycloak: {keycloak.url}, the tests' realm: {REALM['realm']}")
            print(f"Administrator: {keycloak.admin}, password {keycloak.password}")
            print("Ctrl-C ends it, and leaves nothing.", flush=True)
            keycloak.wait()
        sys.exit("Keycloak ended by itself")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
