"""A started identity provider, for hubs whose people sign in at one of its faces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fedhub.idp.server import IdentityProvider
from tests.providers import furnish


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as running_provider:
        furnish(running_provider)
        yield running_provider
