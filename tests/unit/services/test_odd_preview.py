"""Personas who log in at what is no preview: each oddity is said in a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from flask import Response, redirect, request

from fedhub.findings import Finding
from fedhub.services.connection import UNREACHED, leads_to
from fedhub.services.text import live_json, seen_json, seen_table
from fedhub.services.trial import Seen, personas_at, play
from tests.unit.services.liar import Liar, hub

__all__ = ["hub"]

DEEP = b"[" * 200_000


def leading(address: str | None, status: int = 302) -> Callable[[], Response]:
    return lambda: Response(status=status, headers={"Location": address} if address else {})


def page(body: bytes, charset: str) -> Callable[[], Response]:
    return lambda: Response(body, content_type=f"text/html; charset={charset}")


@pytest.fixture
def preview(hub: Liar) -> Liar:
    """A hub where everybody gets in who says who they are."""

    def sent_back() -> Any:
        asked = request.args
        return redirect(f"{asked['redirect_uri']}?code=c&state={asked['state']}")

    hub.answers = {
        "sub/oauth_login": lambda: redirect("/hub/provider"),
        "sub/api/oauth2/authorize": sent_back,
        "sub/api/oauth2/token": {"access_token": "t"},
        "sub/api/user": {"name": "olga"},
    }
    return hub


def played(preview: Liar) -> Finding:
    """Play the application where the provider is not below the hub's address."""
    found = replace(preview.handover(), home=f"{preview.home}/sub", issuer=None)
    return play(found, {"campus": ["olga"]})[0]


def test_somebody_gets_in(preview: Liar) -> None:
    assert played(preview).state == "ok"


def test_an_address_that_is_none_is_one_that_nobody_reaches() -> None:
    asked = httpx.Request("GET", "http://127.0.0.1/")
    reply = httpx.Response(302, headers={"Location": "http://[x"}, request=asked)
    with pytest.raises(UNREACHED):
        leads_to(reply)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("oauth_login", leading(None)),
        ("oauth_login", leading(None, 304)),
        ("api/oauth2/authorize", leading(None)),
        ("api/oauth2/authorize", page(b"<form>", "zlib")),
        ("api/oauth2/authorize", page(b"<form>", "rot13")),
        ("api/oauth2/authorize", page(b"<![x<!<![CDATA[", "utf-8")),
        ("api/oauth2/token", DEEP),
        ("api/user", DEEP),
    ],
)
def test_no_answer_is_too_odd(preview: Liar, path: str, answer: Any) -> None:
    preview.answers[f"sub/{path}"] = answer
    found = played(preview)
    assert (found.check, found.state) == ("login", "failed")


def test_personas_without_an_end_are_none(hub: Liar) -> None:
    hub.answers = {"preview/personas": DEEP}
    assert personas_at(hub.home) == {}


def test_names_make_no_lines_and_move_no_cursor() -> None:
    name = "olga\nok  login\x1b[31m\x9b2J\ud800"
    seen = [Seen(name, "gets in", name, (name,), claims={name: name})]
    lines = seen_table(seen)
    assert len(lines) == 5
    assert all(line.isprintable() for line in lines)
    for text in (seen_json(seen), live_json("hub", [], seen)):
        assert text.isascii()
