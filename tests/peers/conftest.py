"""The realm that these tests are about: an embedded one; with FEDHUB_PEERS a real one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from fedhub.idp.server import IdentityProvider
from tests.peers.keycloak import Keycloak, LackingError, installed, running
from tests.peers.realms import HUB, EmbeddedRealm, Realm, RealRealm
from tests.peers.visit import Visit

SERVER = "real" if "FEDHUB_PEERS" in os.environ else "embedded"


@pytest.fixture(scope="session")
def keycloak() -> Iterator[Keycloak]:
    """A real Keycloak, started once for all tests."""
    try:
        home = installed(quiet=True)
    except LackingError as lacking:
        pytest.skip(str(lacking))
    with running(home) as server:
        server.import_realm()
        yield server


@pytest.fixture(params=[SERVER])
def realm(request: pytest.FixtureRequest) -> Iterator[Realm]:
    if request.param == "real":
        real = RealRealm(request.getfixturevalue("keycloak"))
        real.add_client(HUB)
        yield real
        real.clear()
        return
    with IdentityProvider() as provider:
        embedded = EmbeddedRealm(provider)
        embedded.add_client(HUB)
        yield embedded


@pytest.fixture
def visit(realm: Realm) -> Iterator[Visit]:
    """Somebody at the hub."""
    with Visit(realm) as visit:
        yield visit
