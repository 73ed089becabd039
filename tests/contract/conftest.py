"""A started identity provider, a browser to log in with, and Custos' descriptors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fedhub.idp.server import IdentityProvider
from tests.providers import Clock, callback_query, furnish

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(clock: Clock) -> Iterator[IdentityProvider]:
    with IdentityProvider(clock=clock) as running:
        furnish(running)
        yield running


@pytest.fixture
def visitor() -> Iterator[httpx.Client]:
    """Keeps cookies, follows no redirect: the callback is read off, not visited."""
    with httpx.Client() as client:
        yield client


@pytest.fixture
def sign_in(visitor: httpx.Client) -> Callable[..., dict[str, str]]:
    """Post a persona to an authorize address; returns the query the callback got."""

    def go(address: str, persona: str, **form: str) -> dict[str, str]:
        return callback_query(visitor.post(address, data={"persona": persona, **form}))

    return go


@pytest.fixture(scope="session")
def custos_methods() -> dict[str, Any]:
    """Custos' REST methods, from the descriptors in `custos-sdk`, read by another Python.

    The SDK's protobuf does not go with ours, so it has an environment of its own, made once.
    """
    home = ROOT / ".venv-custos-sdk"
    python = home / "bin" / "python"
    pins = ROOT / "requirements" / "custos-sdk.txt"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    ask = [str(python), "-c", "import custos.server.integration, google.api.annotations_pb2"]
    if subprocess.run(ask, check=False, capture_output=True).returncode:
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet"]
        only = ["--no-deps", "--require-hashes", "-r", str(pins)]
        subprocess.run([*uv, "--python", str(python), *only], check=True)
    script = Path(__file__).with_name("custos_descriptors.py")
    said = subprocess.run([str(python), str(script)], check=True, capture_output=True, text=True)
    methods: dict[str, Any] = json.loads(said.stdout)
    return methods
