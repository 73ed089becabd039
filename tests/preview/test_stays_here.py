"""Real credentials never follow a preview's logins off this machine."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError

from fedhub.preview.hubside.loopback import LoopbackOnly, is_loopback
from tests.asynchronous import run_async
from tests.previews import FEDHUB, Visitor, running_hub

FIXED = """
hub:
  extraConfig:
    a: |
      from oauthenticator.generic import GenericOAuthenticator

      class Ours(GenericOAuthenticator):
          authorize_url = "https://sso.example.org/authorize"
          token_url = "https://sso.example.org/token"
          userdata_url = "https://sso.example.org/userinfo"

      c.JupyterHub.authenticator_class = Ours
"""

TEAMS = """
hub:
  config:
    JupyterHub: {authenticator_class: bitbucket}
    BitbucketOAuthenticator: {allowed_teams: [lab]}
"""


def test_addresses_that_cannot_be_pointed_here_stop_the_hub(tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(FIXED)
    done = subprocess.run([FEDHUB, "run", str(file)], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Ours.authorize_url" in done.stderr
    assert "sso.example.org" in done.stderr


def test_what_else_a_class_asks_for_is_refused_and_said(tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(TEAMS)
    with running_hub(file) as hub, Visitor() as visitor:
        (persona,) = hub.personas
        page = visitor.log_in(hub, persona)
        assert visitor.user(hub) is None
    assert "api.bitbucket.org was asked for" in hub.log()
    assert page.status_code >= 400


@pytest.mark.parametrize(
    "url", ["https://example.org/", "http://169.254.169.254/", "http://[2001:db8::1]/"]
)
def test_no_request_leaves_this_machine(url: str) -> None:
    async def ask() -> None:
        await LoopbackOnly(force_instance=True).fetch(url)

    with pytest.raises(HTTPClientError, match="this machine only"):
        run_async(asyncio.wait_for(ask(), 10))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1.example.org", "example.org", "", "0.0.0.0", "10.0.0.1"]
)
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)
