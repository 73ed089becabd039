"""The hub of tests/oidc_hub.py, and who is logged in there; a module may have a hub of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oidc_hub import Person, logged_in, write_values
from tests.previews import RunningHub, running_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(write_values(tmp_path_factory.mktemp("hub"))) as running:
        yield running


@pytest.fixture(scope="module")
def person(hub: RunningHub) -> Iterator[Person]:
    with logged_in(hub) as found:
        yield found
