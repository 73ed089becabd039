"""What is kept of a login is encrypted; without a key the hub says so, or keeps nothing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from oauthenticator.generic import GenericOAuthenticator
from traitlets.config import Config

from tests.unit.authenticators.logins import GENERIC, authenticator_of, configured, one

KEY = "0" * 64


def hub(**traits: Any) -> Any:
    c = Config()
    if keys := traits.pop("keys", None):
        c.CryptKeeper.keys = keys
    return authenticator_of(configured(one("generic-oauth", GENERIC | traits), c))


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_CRYPT_KEY", raising=False)


def test_auth_state_is_on() -> None:
    assert hub().enable_auth_state is True


def test_upstream_keeps_nothing_unless_told() -> None:
    """What these tests are for: without it there is no refresh and no logout at the provider."""
    assert GenericOAuthenticator().enable_auth_state is False


def test_a_hub_may_run_degraded_and_says_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert hub(without_crypt_key="degrade").enable_auth_state is False
    assert "JUPYTERHUB_CRYPT_KEY" in caplog.text


@pytest.mark.parametrize("source", ["configuration", "environment"])
def test_a_hub_that_has_a_key_is_not_degraded(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    if source == "environment":
        monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", KEY)
        assert hub(without_crypt_key="degrade").enable_auth_state is True
    else:
        assert hub(without_crypt_key="degrade", keys=[KEY]).enable_auth_state is True


def test_the_hub_ends_with_a_reason_where_it_refuses(tmp_path: Path) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(
        "from fedhub_authenticators import configure\n"
        "c.JupyterHub.authenticator_class = 'generic-oauth'\n"
        "c.JupyterHub.db_url = 'sqlite://'\n"
        "configure(c, {})\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "jupyterhub", "-f", str(config)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
    )
    assert done.returncode != 0
    assert "JUPYTERHUB_CRYPT_KEY" in done.stderr
