"""The hub in the image, started as z2jh starts it, has the logins that the values name.

The chart brings `jupyterhub_config.py` and a module `z2jh`; of both, these tests have what the
image's own file relies on: `get_config`, and files of `jupyterhub_config.d` run in the order of
their names.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.image.conftest import run

VALUES = {
    "global.fedhub": {
        "domain": "hub.example.org",
        "login": {
            "campus": {
                "authenticator": "cilogon",
                "config": {
                    "client_id": "cilogon:/client_id/1",
                    "client_secret": "not-a-secret",
                    "idps": {
                        "https://idp.example.edu/shibboleth": {
                            "default": True,
                            "username_derivation": {"username_claim": "sub"},
                        }
                    },
                    "allow_all": True,
                },
            }
        },
    }
}
Z2JH = """
def get_config(key, default=None):
    return {values!r}.get(key, default)
"""
HUB = """
import pathlib
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {}

c.JupyterHub.proxy_class = NoProxy
c.Proxy.should_start = False
c.JupyterHub.hub_ip = "127.0.0.1"
for path in sorted(pathlib.Path("/usr/local/etc/jupyterhub/jupyterhub_config.d").glob("*.py")):
    exec(compile(path.read_text(), str(path), "exec"))
assert c.JupyterHub.authenticator_class, "no file of jupyterhub_config.d named one"
"""
ASK = """
import http.client, json, sys
connection = http.client.HTTPConnection("127.0.0.1", 8081)
connection.request("GET", sys.argv[1])
answer = connection.getresponse()
print(json.dumps([answer.status, answer.headers.get("Location"), answer.read().decode()]))
"""


class Hub:
    """A running hub, and what it answers inside its container, which has no network."""

    def __init__(self, container: str) -> None:
        self.container = container

    def get(self, path: str) -> tuple[int, str | None, str]:
        command = ["docker", "exec", self.container, "python", "-c", ASK, path]
        status, location, page = json.loads(run(*command))
        return status, location, page


@pytest.fixture(scope="module")
def hub(hub_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("configuration")
    folder.chmod(0o755)
    (folder / "z2jh.py").write_text(Z2JH.format(values=VALUES))
    (folder / "jupyterhub_config.py").write_text(HUB)
    (folder / "crypt.env").write_text(
        f"JUPYTERHUB_CRYPT_KEY={'0' * 64}\nPYTHONPATH=/configuration\n"
    )
    container = run(
        *("docker", "run", "--detach", "--network=none", "--read-only", "--cap-drop=ALL"),
        *("--security-opt=no-new-privileges", "--tmpfs=/tmp", "--tmpfs=/srv/jupyterhub:uid=1000"),
        *("--env-file", folder / "crypt.env", "--volume", f"{folder}:/configuration:ro", hub_image),
        *("jupyterhub", "--config", "/configuration/jupyterhub_config.py"),
    ).strip()
    try:
        await_line(container, "JupyterHub is now running")
        yield Hub(container)
    finally:
        run("docker", "rm", "--force", "--volumes", container)


def await_line(container: str, words: str) -> None:
    """Follow the log until a line has these words; it ends when the hub does."""
    said = ""
    with subprocess.Popen(
        ["docker", "logs", "--follow", container],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as log:
        assert log.stdout is not None
        for line in log.stdout:
            said += line
            if words in line:
                log.terminate()
                return
    pytest.fail(f"the hub ended before it was ready:\n{said}")


def test_the_login_page_is_ours(hub: Hub) -> None:
    status, _, page = hub.get("/hub/login")
    assert status == 200
    assert "oauth_login" in page
    assert "fedhub" in page


def test_a_login_goes_to_cilogon_with_the_hubs_client_and_callback(hub: Hub) -> None:
    status, location, _ = hub.get("/hub/oauth_login")
    assert status == 302
    where = urlsplit(str(location))
    asked = parse_qs(where.query)
    assert (where.scheme, where.hostname, where.path) == ("https", "cilogon.org", "/authorize")
    assert asked["client_id"] == ["cilogon:/client_id/1"]
    assert asked["redirect_uri"] == ["https://hub.example.org/hub/oauth_callback"]


def test_it_is_not_root_and_has_no_capabilities(hub: Hub) -> None:
    status = run("docker", "exec", hub.container, "cat", "/proc/1/status")
    of = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert of["Uid"].split() == ["1000"] * 4
    assert of["CapEff"] == "0" * 16


def test_static_files_of_the_login_page_are_served(hub: Hub) -> None:
    _, _, page = hub.get("/hub/login")
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    (style,) = [link for link in links if "login.css" in link]
    assert hub.get(style)[0] == 200
