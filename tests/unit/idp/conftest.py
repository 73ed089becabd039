"""An identity provider's web application without a socket; what goes wrong inside is raised."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from fedhub.idp.server import IdentityProvider
from tests.providers import Clock, furnish

URL = "http://127.0.0.1:9"
CONTROL_TOKEN = "let-me-in"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(clock: Clock) -> IdentityProvider:
    """Not started: requests go straight into the application."""
    made = IdentityProvider(public_url=URL, clock=clock, control_token=CONTROL_TOKEN)
    furnish(made)
    made.app.config["PROPAGATE_EXCEPTIONS"] = True
    return made


@pytest.fixture
def web(provider: IdentityProvider) -> FlaskClient:
    return provider.app.test_client()
