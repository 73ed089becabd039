"""When services were last used, whatever a hub says to that."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from fedhub.errors import FedhubError
from fedhub.services import last_use
from fedhub.services.hub_token import VARIABLE, token_at_hand
from fedhub.services.last_use import last_uses
from tests.unit.services.conftest import OF_FEDHUB, add, hub_of, service

HOME = "https://hub.example.org/hub"
Say = Callable[[httpx.Request], httpx.Response]


def asked(say: Say, *names: str) -> dict[str, datetime | None]:
    with pytest.MonkeyPatch.context() as patch:
        transport = httpx.MockTransport(say)
        patch.setattr(last_use, "connection", lambda _: {"transport": transport})
        return last_uses(HOME, SecretStr("t"), names)


def page(users: list[str], following: Any = None) -> httpx.Response:
    items = [{"name": name} for name in users]
    return httpx.Response(200, json={"items": items, "_pagination": {"next": following}})


def used(service: str, created: str, last_activity: str | None = None) -> dict[str, Any]:
    client = f"JupyterHub service {service}"
    return {"oauth_client": client, "created": created, "last_activity": last_activity}


def test_the_latest_of_everybodys_tokens_counts() -> None:
    people = {
        "olga": [used("a", "2026-01-03T00:00:00Z"), used("b", "2026-01-01T00:00:00Z")],
        "max%2F%C3%A4": [used("a", "2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z")],
        "zoe": [used("a", "2026-01-02T00:00:00Z")],
        "new": [],
    }

    def say(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix("/hub/api/users")
        if path.startswith("?"):
            offset = int(request.url.params["offset"])
            names = [unquote(name) for name in people][offset : offset + 2]
            return page(names, {"offset": 2} if offset == 0 else None)
        name = path.removeprefix("/").removesuffix("/tokens")
        return httpx.Response(200, json={"api_tokens": people[name]})

    assert asked(say, "a", "b", "c") == {
        "a": datetime(2026, 1, 4, tzinfo=UTC),
        "b": datetime(2026, 1, 1, tzinfo=UTC),
        "c": None,
    }


def test_somebody_who_was_removed_meanwhile_is_no_failure() -> None:
    def say(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404) if request.url.path.endswith("/tokens") else page(["gone"])

    assert asked(say, "a") == {"a": None}


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "name", "_pagination", "next", "offset", "api_tokens",
                             "oauth_client", "created"]), inner, max_size=3)
    ),
    max_leaves=10,
)  # fmt: skip


@given(ANYTHING, ANYTHING)
@example({"items": [], "_pagination": {"next": {"offset": 0}}}, {})
@example({"items": [{"name": "x"}]}, {"api_tokens": [used("a", "2026-01-01T00:00:00"), 5]})
def test_whatever_a_hub_says_there_is_an_end_and_no_traceback(users: Any, tokens: Any) -> None:
    def say(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=tokens if request.url.path.endswith("tokens") else users)

    try:
        assert asked(say, "a") == {"a": None}
    except FedhubError as error:
        assert "not as JupyterHub" in error.message


def test_no_other_process_inherits_the_token(work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_of(OF_FEDHUB)
    add()
    monkeypatch.setenv(VARIABLE, "\u00e9")
    done = service("list", "x")
    assert VARIABLE not in os.environ
    assert (done.returncode, "last use" in done.stdout) == (0, False)
    assert f"{VARIABLE} holds no token" in done.stderr
    assert token_at_hand() is None
