"""A started identity provider, a browser to log in with, and Custos' descriptors."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fedhub.idp.server import IdentityProvider
from tests.contract.oa4mp_endpoint import ADMIN, OTHER_ADMIN, RELEASES, UNAPPROVED, Endpoint
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


@pytest.fixture(params=RELEASES)
def endpoint(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Endpoint]:
    """CILogon's client management, of an old and of a new server."""
    with IdentityProvider(clock=clock, oa4mp=request.param) as running:
        furnish(running)
        for admin in (ADMIN, OTHER_ADMIN, UNAPPROVED):
            running.add_admin_client(admin)
        yield Endpoint(running, request.param, ADMIN)


@pytest.fixture(scope="session")
def custos_methods() -> dict[str, Any]:
    """Custos' REST methods, from the descriptors in `custos-sdk`, read by another Python.

    The SDK's protobuf does not go with ours, so it has an environment of its own, made once.
    """
    python = ROOT / ".venv-custos-sdk" / "bin" / "python"
    pins = ROOT / "requirements" / "custos-sdk.txt"
    uv = Path(sys.executable).with_name("uv")
    with pins.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)  # workers of one test run share the environment
        if not python.exists():
            home = str(python.parents[1])
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
        install = [str(uv), "pip", "install", "--quiet", "--python", str(python)]
        only = ["--no-deps", "--require-hashes", "-r", str(pins)]
        subprocess.run([*install, *only], check=True)
    script = Path(__file__).with_name("custos_descriptors.py")
    said = subprocess.run([str(python), str(script)], check=True, capture_output=True, text=True)
    methods: dict[str, Any] = json.loads(said.stdout)
    return methods
