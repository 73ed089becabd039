"""Streamlit's own `st.login` logs a person in through the hub, which it knows by its issuer."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from fedhub.preview.processes import free_port
from tests.browser.visits import press_persona
from tests.oidc_hub import INSIDER, OUTSIDER, Application, write_values
from tests.previews import ROOT, RunningHub, running_hub

STREAMLIT = ROOT / ".venv-streamlit" / "bin" / "streamlit"
APP = """\
import streamlit as st

if st.user.is_logged_in:
    st.write(f"{st.user.preferred_username} is in {st.user.groups}")
else:
    st.button("Log in", on_click=st.login)
"""
SECRETS = """\
[auth]
redirect_uri = "{callback}"
cookie_secret = "of-streamlit-0123456789-0123456789"
client_id = "{client_id}"
client_secret = "{secret}"
server_metadata_url = "{issuer}/.well-known/openid-configuration"
"""
START = 60.0
"""Seconds that Streamlit may take on a busy machine."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not STREAMLIT.exists(), reason="no Streamlit: make .venv-streamlit/.ready"),
]


@dataclass(frozen=True)
class Running:
    """A hub, and an application that logs people in through it."""

    hub: RunningHub
    address: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("streamlit")
    port = free_port()
    application = Application("grafana", f"http://localhost:{port}/oauth2callback")
    with running_hub(write_values(folder, callback=application.callback)) as hub:
        (folder / "app.py").write_text(APP)
        (folder / ".streamlit").mkdir()
        (folder / ".streamlit" / "secrets.toml").write_text(
            SECRETS.format(
                callback=application.callback,
                client_id=application.client_id,
                secret=application.secret,
                issuer=f"{hub.url}hub/oidc",
            )
        )
        with streamlit(folder, port) as address:
            yield Running(hub, address)


@contextlib.contextmanager
def streamlit(folder: Path, port: int) -> Iterator[str]:
    """Run the application of a folder; yield its address."""
    options = ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    process = subprocess.Popen(
        [STREAMLIT, "run", "app.py", "--server.port", str(port), *options],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://localhost:{port}/"
    try:
        await_answer(process, f"{address}_stcore/health")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def await_answer(process: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(address, trust_env=False).is_success:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
    raise AssertionError("Streamlit does not answer")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


def log_in(page: Page, running: Running, persona: str) -> list[str]:
    """Press the application's button, and sign in at the provider; return where that led."""
    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    page.goto(running.address)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile(re.escape(running.hub.data["identity_provider"])))
    press_persona(page, persona)
    return seen


def test_a_person_comes_back_logged_in_without_a_page_of_the_hub(
    page: Page, running: Running
) -> None:
    seen = log_in(page, running, INSIDER)
    expect(page.get_by_text("gil-instructors is in ['instructors']")).to_be_visible()
    assert not [address for address in seen if address.startswith(running.hub.url)]


def test_who_may_not_use_it_does_not_come_back(page: Page, running: Running) -> None:
    log_in(page, running, OUTSIDER)
    page.wait_for_url(re.compile(re.escape(running.hub.url)))
    expect(page.get_by_role("heading", name="You may not use grafana")).to_be_visible()
