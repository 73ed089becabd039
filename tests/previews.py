"""Starts `fedhub run` for tests, and logs personas in without a browser.

Hides: the command line, reading its line of JSON, following redirects with cookies.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

ROOT = Path(__file__).resolve().parent.parent
FEDHUB = str(Path(sys.executable).parent / "fedhub")
EXAMPLES = sorted(
    path.name.removesuffix(".values.yaml")
    for path in (ROOT / "values").glob("*.values.yaml")
    if not path.name.startswith(("common.", "enc-"))
)


@dataclass
class RunningHub:
    """A preview in a process of its own, and what it said of itself."""

    process: subprocess.Popen[str]
    data: dict[str, Any]
    lines: list[str]

    def log(self) -> str:
        """Return what it has said on standard error."""
        return "".join(self.lines)

    @property
    def url(self) -> str:
        return str(self.data["url"])

    @property
    def personas(self) -> dict[str, dict[str, Any]]:
        return {persona["name"]: persona for persona in self.data["personas"]}


@contextmanager
def running_hub(hub: str | Path, *options: str, cwd: Path = ROOT) -> Iterator[RunningHub]:
    """Run a hub until the block ends; fail with what it printed if it does not start."""
    process = subprocess.Popen(
        [FEDHUB, "run", str(hub), "--format", "json", "--verbose", *options],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    # Started without a reader, the log would fill its pipe and stop the hub.
    lines: list[str] = []
    reader = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
    reader.start()
    line = process.stdout.readline()
    if not line:
        reader.join()
        raise AssertionError(f"fedhub run {hub} did not start:\n{''.join(lines)}")
    try:
        yield RunningHub(process, json.loads(line), lines)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        reader.join()


class Visitor(httpx.Client):
    """Somebody with a browser's cookies, but without a browser."""

    def __init__(self) -> None:
        super().__init__(follow_redirects=False, timeout=30, trust_env=False)

    def follow(self, url: str) -> httpx.Response:
        """Get an address and go where it leads; return the first page that leads nowhere."""
        reply = self.get(url)
        while reply.is_redirect:
            reply = self.get(urljoin(str(reply.url), reply.headers["location"]))
        return reply

    def log_in(self, hub: RunningHub, persona: str) -> httpx.Response:
        """Log a persona in through its provider; return the page where it ends."""
        about = hub.personas[persona]
        providers = {other["provider"] for other in hub.data["personas"]}
        path = "hub/oauth_login" if len(providers) == 1 else f"hub/{about['provider']}/oauth_login"
        page = self.follow(urljoin(hub.url, path))
        assert str(page.url).startswith(hub.data["identity_provider"]), page.url
        reply = self.post(page.url, data={"persona": persona})
        assert reply.is_redirect, reply.text
        return self.follow(urljoin(str(reply.url), reply.headers["location"]))

    def user(self, hub: RunningHub) -> dict[str, Any] | None:
        """Return whom the hub takes this visitor for; None when not logged in."""
        page = self.get(urljoin(hub.url, "hub/home"))
        if page.status_code != httpx.codes.OK:
            return None
        xsrf = self.cookies.get("_xsrf", path="/hub/") or ""
        reply = self.get(urljoin(hub.url, "hub/api/user"), params={"_xsrf": xsrf})
        reply.raise_for_status()
        found: dict[str, Any] = reply.json()
        return found
