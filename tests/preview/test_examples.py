"""Every worked example runs, and the hub does with each persona what the preview says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.previews import EXAMPLES, RunningHub, Visitor, running_hub


@pytest.fixture(scope="module", params=EXAMPLES)
def hub(request: pytest.FixtureRequest) -> Iterator[RunningHub]:
    with running_hub(request.param) as running:
        yield running


def test_each_persona_meets_what_is_expected(hub: RunningHub) -> None:
    for name, persona in hub.personas.items():
        expected = persona["expected"]
        with Visitor() as visitor:
            visitor.log_in(hub, name)
            user = visitor.user(hub)
        assert (user is not None) == expected["allowed"], name
        if user is not None:
            assert user["name"] == expected["username"], name
            assert user["admin"] == expected["admin"], name
            assert user["groups"] == expected["groups"], name


def test_some_persona_gets_in_and_some_does_not(hub: RunningHub) -> None:
    assert {persona["expected"]["allowed"] for persona in hub.personas.values()} == {True, False}


def test_members_allowed_and_admins_get_in_and_others_do_not(hub: RunningHub) -> None:
    for name, persona in hub.personas.items():
        intended = not name.endswith(("-outsider", "-namesake"))
        assert persona["expected"]["allowed"] == intended, name
        if name.endswith("-admin"):
            assert persona["expected"]["admin"], name
