"""Programs that nobody here wrote log people in with what `fedhub service credentials` writes.

Each takes the file as it is written, and the secret from the variable that the file names.
"""

from __future__ import annotations

import configparser
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml

from fedhub.preview.processes import free_port
from tests.oidc_hub import INSIDER, OUTSIDER, Person, write_values
from tests.previews import FEDHUB, ROOT, RunningHub, running_hub

APPBUILDER = ROOT / ".venv-appbuilder/bin/python"
STAND_IN = Path(__file__).with_name("superset_stand_in")
PROXY = ROOT / ".oauth2-proxy/oauth2-proxy"
START = 60.0
"""Seconds that a program may take on a busy machine."""


def secret_of(name: str) -> str:
    """The client secret of a program."""
    return f"secret-of-{name}-" + "0123456789" * 3


@dataclass(frozen=True)
class Case:
    """A hub that runs, its values, and where each program is to listen."""

    hub: RunningHub
    values: Path
    ports: dict[str, int]

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def configuration(self, name: str, kind: str) -> str:
        command = [FEDHUB, "service", "credentials", str(self.values), name, "--format", kind]
        done = subprocess.run(
            [*command, "--hub-url", self.hub.url], capture_output=True, text=True, check=True
        )
        assert secret_of(name) not in done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    paths = {"superset": "oauth-authorized/campus", "proxy": "oauth2/callback"}
    ports = {name: free_port() for name in paths}
    values = write_values(tmp_path_factory.mktemp("hub"))
    content = yaml.safe_load(values.read_text())
    content["global"]["fedhub"]["services"] = {
        name: {
            "oauth_redirect_uri": f"http://127.0.0.1:{ports[name]}/{path}",
            "oauth_no_confirm": True,
            "groups": ["instructors"],
            "api_token": secret_of(name),
            "requirePkce": True,
            # Without it, the ID token says nothing of groups.
            "oauth_client_allowed_scopes": ["read:users:groups!user"],
        }
        for name, path in paths.items()
    }
    values.write_text(yaml.safe_dump(content))
    with running_hub(values) as hub:
        yield Case(hub, values, ports)


def refused(case: Case, name: str, address: str) -> None:
    """See that somebody whom the service does not name gets no further than the hub."""
    with Person(case.hub, OUTSIDER) as outsider:
        page = outsider.go(address, case.address(name))
        assert page.status_code == 403
        assert str(page.url).startswith(case.hub.url)


# --- Superset --------------------------------------------------------------------------------


@pytest.mark.skipif(not APPBUILDER.exists(), reason="no Flask-AppBuilder: make test brings it")
def test_supersets_login(case: Case, tmp_path: Path) -> None:
    text = case.configuration("superset", "superset")
    # As the comment in it says, the operator maps groups.
    mapped = text.replace(
        "AUTH_ROLES_MAPPING = {}", 'AUTH_ROLES_MAPPING = {"instructors": ["Alpha"]}'
    )
    assert mapped != text
    (tmp_path / "superset_config.py").write_text(mapped)
    with superset(tmp_path, case.ports["superset"]):
        with Person(case.hub, INSIDER) as person:
            # The name in the address is the end of the callback URL.
            begin = f"{case.address('superset')}/login/campus"
            person.go(begin, case.address("superset"))
            who = person.get(f"{case.address('superset')}/who").json()
        assert who == {
            "name": "gil-instructors",
            "email": "gil-instructors@127.0.0.1",
            "roles": ["Alpha", "Gamma"],
        }
        refused(case, "superset", begin)


@contextmanager
def superset(folder: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [APPBUILDER, str(STAND_IN / "application.py"), str(port)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "OAUTH_CLIENT_SECRET": secret_of("superset")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.terminate()
        process.communicate()


# --- oauth2-proxy ----------------------------------------------------------------------------


@pytest.mark.skipif(not PROXY.exists(), reason="no oauth2-proxy: make test builds it, with Go")
def test_oauth2_proxy(case: Case, tmp_path: Path) -> None:
    (tmp_path / "oauth2-proxy.cfg").write_text(case.configuration("proxy", "oauth2-proxy"))
    at = case.address("proxy")
    with upstream() as behind, oauth2_proxy(tmp_path, case.ports["proxy"], behind):
        assert httpx.get(f"{at}/page", trust_env=False).status_code == 403, "it shows its sign-in"
        begin = f"{at}/oauth2/start?rd=/page"
        with Person(case.hub, INSIDER) as person:
            page = person.go(begin, at)
        assert str(page.url) == f"{at}/page"
        assert page.json() == {"user": "gil-instructors", "groups": "instructors"}
        refused(case, "proxy", begin)


@contextmanager
def upstream() -> Iterator[str]:
    """Serve what oauth2-proxy guards: it says whom it is told of."""

    class Upstream(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = {
                "user": self.headers.get("X-Forwarded-Preferred-Username"),
                "groups": self.headers.get("X-Forwarded-Groups"),
            }
            body = httpx.Response(200, json=told).content
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def oauth2_proxy(folder: Path, port: int, behind: str) -> Iterator[None]:
    process = subprocess.Popen(
        [
            PROXY,
            "--config=oauth2-proxy.cfg",
            f"--upstream={behind}",
            f"--http-address=127.0.0.1:{port}",
            "--cookie-secure=false",  # it listens without TLS here
        ],
        cwd=folder,
        env={
            "OAUTH2_PROXY_CLIENT_SECRET": secret_of("proxy"),
            "OAUTH2_PROXY_COOKIE_SECRET": "of-the-cookies-0123456789-012345",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        end = time.monotonic() + START
        while process.poll() is None and time.monotonic() < end:
            with suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/ping", trust_env=False).raise_for_status()
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
        assert process.poll() is None, process.communicate()[0]
        yield
    finally:
        process.terminate()
        process.communicate()


# --- Grafana ---------------------------------------------------------------------------------

GRAFANA_KEYS = {
    *("enabled", "name", "client_id", "client_secret", "auth_url", "token_url", "api_url"),
    *("auth_style", "scopes", "empty_scopes", "use_pkce", "use_refresh_token"),
    *("allow_sign_up", "auto_login", "login_prompt", "skip_org_role_sync", "signout_redirect_url"),
    *("login_attribute_path", "name_attribute_path", "email_attribute_path"),
    *("email_attribute_name", "groups_attribute_path", "allowed_groups", "allowed_domains"),
    *("role_attribute_path", "role_attribute_strict", "allow_assign_grafana_admin"),
    *("org_attribute_path", "org_mapping"),
}
"""Of those that Grafana's "Configure Generic OAuth authentication" lists, what could be of use; it
ignores others without a word."""


def test_grafana_knows_every_key_that_is_written(case: Case) -> None:
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(case.configuration("superset", "grafana"))
    assert found.sections() == ["auth.generic_oauth"]
    assert set(found["auth.generic_oauth"]) <= GRAFANA_KEYS
