"""A hub in each of the three ways to write one, and its operator, who has a key."""

from __future__ import annotations

import io
import os
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from fedhub.cli.main import main
from tests.unit.new.conftest import nobody, work

__all__ = ["nobody", "work"]

CALLBACK = "https://grafana.example.org/login/generic_oauth"
VALUES = Path("values/x.values.yaml")
SECRETS = Path("values/enc-x.secret.values.yaml")
OF_FEDHUB = """\
# the campus' hub
global:
  fedhub:
    domain: hub.example.org
    login:
      campus: {authenticator: github, config: {manage_groups: true}} # everybody's
"""
PLAIN = """\
hub:
  config:
    JupyterHub:
      authenticator_class: github
    GitHubOAuthenticator: {manage_groups: true}
  # who else there is
  services:
    other: # logs nobody in
      apiToken: plain-token-of-other

ingress: {hosts: [hub.example.org]}
"""
WRAPPED = "jupyterhub:\n" + "".join(
    f"  {line}" if line.strip() else line for line in PLAIN.splitlines(keepends=True)
)
SERVICES = {
    OF_FEDHUB: "global.fedhub.services",
    PLAIN: "hub.services",
    WRAPPED: "jupyterhub.hub.services",
}


@pytest.fixture(params=[OF_FEDHUB, PLAIN, WRAPPED], ids=["fedhub", "plain", "wrapped"])
def text(work: Path, request: pytest.FixtureRequest) -> str:
    """The hub x, in each of the ways."""
    return hub_of(request.param)


@pytest.fixture
def x(work: Path) -> str:
    """The hub x, with `global.fedhub`."""
    return hub_of(OF_FEDHUB)


def hub_of(text: str) -> str:
    VALUES.parent.mkdir(exist_ok=True)
    VALUES.write_text(text)
    return text


def service(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, as if nobody could be asked."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("sys.argv", ["fedhub", "service", *argv])
        patch.setattr("sys.stdin", io.StringIO())
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())


def add(*options: str, name: str = "grafana", callback: str = CALLBACK) -> str:
    done = service("add", "x", name, "--redirect-uri", callback, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def without_keys() -> None:
    """Take the operator's key away."""
    (Path(os.environ["HOME"]) / ".config/sops/age/keys.txt").unlink()
