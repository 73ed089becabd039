"""A CILogon whose list says what a test wants, and a cache folder of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

INDIANA = {
    "EntityID": "https://idp.iu.edu/idp/shibboleth",
    "OrganizationName": "Indiana University",
    "DisplayName": "Indiana University",
    "RandS": True,
}
MUNICH = {
    "EntityID": "https://lmuidp.lrz.de/idp/shibboleth",
    "OrganizationName": "Ludwig-Maximilians-Universität München",
    "DisplayName": "LMU",
    "RandS": False,
}
HIDDEN = {
    "EntityID": "urn:mace:example:hidden",
    "OrganizationName": "Indiana Hidden",
    "DisplayName": "Indiana Hidden",
    "RandS": False,
    "Hidden": True,
}
LISTED = [HIDDEN, MUNICH, INDIANA]


class Cilogon:
    """Answers `/idplist/`, and counts how often."""

    def __init__(self, port: int) -> None:
        self.host = f"http://127.0.0.1:{port}"
        self.status = 200
        self.content = b""
        self.asked = 0
        self.lists(LISTED)

    def lists(self, listed: Any) -> None:
        self.content = json.dumps(listed).encode()


@pytest.fixture
def cilogon() -> Iterator[Cilogon]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/idplist/"
            here.asked += 1
            self.send_response(here.status)
            self.end_headers()
            self.wfile.write(here.content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        here = Cilogon(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield here
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fedhub"
