"""`fedhub service test --live` at hubs that are not what they should be."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask, Response, redirect, request
from pydantic import SecretStr
from werkzeug.serving import make_server

from fedhub.errors import FedhubError
from fedhub.services import connection
from fedhub.services.last_use import last_uses
from fedhub.services.live import look
from tests.certificates import self_signed
from tests.unit.services.liar import CALLBACK, SECRET, Liar, hub
from tests.unit.services.test_credentials import credentials, own

__all__ = ["hub", "own"]


def login_page() -> Any:
    return redirect("/hub/login?next=x")


def token() -> Any:
    good = request.form["client_secret"] == SECRET
    return {"error": "invalid_grant" if good else "invalid_client"}, 400


def silently() -> Any:
    asked = request.args
    if asked["redirect_uri"] != CALLBACK:
        return Response(status=400)
    bad = asked.get("code_challenge_method", "S256") != "S256"
    return redirect(f"{CALLBACK}?error={'invalid_request' if bad else 'login_required'}")


def everybody() -> Any:
    return redirect(f"{request.args['redirect_uri']}?error=login_required")


@pytest.fixture
def well(hub: Liar) -> Liar:
    """A hub with which all is well, as far as these checks go."""
    hub.honest()
    hub.answers |= {"api/oauth2/authorize": login_page, "api/oauth2/token": token}
    hub.answers |= {"token": token, "authorize": silently}
    return hub


def failures(hub: Liar) -> set[tuple[str, str]]:
    found = look(hub.handover())
    assert SECRET not in str(found)
    return {(one.check, one.subject) for one in found if one.state == "failed"}


def test_all_is_well(well: Liar) -> None:
    assert failures(well) == set()


def needing() -> Any:
    if "code_challenge" not in request.args:
        return redirect(f"{CALLBACK}?error=invalid_request")
    return silently()


@pytest.mark.parametrize("needed", [True, False])
@pytest.mark.parametrize(
    ("answer", "asks"), [(silently, False), (needing, True)], ids=["free", "needing"]
)
def test_pkce_is_needed_where_the_values_say_so(
    well: Liar, answer: Callable[[], Any], asks: bool, needed: bool
) -> None:
    well.answers["authorize"] = answer
    last = look(replace(well.handover(), needs_pkce=needed))[-1]
    fine = asks is needed
    assert (last.check, last.state) == ("pkce", "ok" if fine else "failed")
    assert last.fix == ("" if fine else "deploy the hub as its values are")


@pytest.mark.parametrize(
    ("path", "answer", "failed"),
    [
        ("api/oauth2/authorize", b"a page", {("page", "OAuth 2")}),
        ("api/oauth2/authorize", lambda: redirect("/elsewhere"), {("page", "OAuth 2")}),
        ("api/oauth2/token", {"error": "invalid_grant"}, {("secret", "OAuth 2")}),
        ("api/oauth2/token", {"error": "invalid_client"}, {("secret", "OAuth 2")}),
        ("api/oauth2/token", {"access_token": "for everybody"}, {("secret", "OAuth 2")}),
        ("api/oauth2/token", b"\xff", {("secret", "OAuth 2")}),
        ("token", {"error": "invalid_grant"}, {("secret", "OpenID Connect")}),
        ("jwks", {"keys": []}, {("issuer", "OpenID Connect")}),
        ("authorize", everybody, {("callback", "OpenID Connect"), ("pkce", "OpenID Connect")}),
        ("authorize", b"", {("callback", "OpenID Connect"), ("pkce", "OpenID Connect")}),
    ],
)
def test_what_is_wrong_is_found(
    well: Liar, path: str, answer: Any | Callable[[], Any], failed: set[tuple[str, str]]
) -> None:
    well.answers[path] = answer
    assert failures(well) == failed


def endless() -> Any:
    return Response(b"x" * 100_000 for _ in itertools.count())


def dripping() -> Any:
    return Response(b"x" for _ in itertools.count())


def compressed() -> Any:
    return Response(gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("answer", "longest", "why"),
    [
        (endless, 30.0, "ReadError"),
        (dripping, 0.0, "ReadTimeout"),
        (compressed, 30.0, "DecodingError"),
    ],
)
def test_nobody_keeps_it_waiting_or_fills_the_memory(
    well: Liar,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[], Any],
    longest: float,
    why: str,
) -> None:
    monkeypatch.setattr(connection, "LONGEST", longest)
    well.answers["api/oauth2/token"] = answer
    (one,) = look(well.handover())
    assert one.detail == f"does not answer ({why})"
    well.answers["api/users"] = answer
    with pytest.raises(FedhubError, match=why):
        last_uses(well.home, SecretStr("t"), ["app"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_secret_goes_nowhere_else(well: Liar, hub: Liar, status: int) -> None:
    asked: list[str] = []

    def elsewhere() -> Any:
        asked.append(request.path)
        return b""

    well.answers |= {"stolen": elsewhere}
    for path in ("api/oauth2/token", "token", "api/users"):
        well.answers[path] = lambda: redirect("/hub/stolen", status)
    assert ("secret", "OAuth 2") in failures(well)
    with pytest.raises(FedhubError):
        last_uses(well.home, SecretStr("t"), ["app"])
    assert asked == []


ODD = [
    "https://a..b",
    "https://xn--",
    f"https://{'a' * 70}",
    "https://\u00e9..",
    "http://localhost:0",
]


@pytest.mark.parametrize("address", ODD)
def test_an_address_that_leads_nowhere_is_said(hub: Liar, address: str) -> None:
    found = replace(hub.handover(), home=f"{address}/hub")
    (one,) = look(found)
    assert (one.check, one.state) == ("hub", "failed")
    with pytest.raises(FedhubError):
        last_uses(found.home, SecretStr("t"), ["app"])


@pytest.mark.parametrize(
    "address",
    ["https://[", "hub.example.org", "https://", "ftp://a.org", "https://a b", "http:///x", ""],
)
def test_what_is_no_address_is_refused_at_once(own: str, address: str) -> None:
    done = credentials("--hub-url", address, "--format", "env")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no address of a hub" in done.stderr


def test_nothing_is_sent_to_a_hub_whose_certificate_is_nobodys(hub: Liar, tmp_path: Path) -> None:
    seen: list[str] = []
    app = Flask("another")
    app.before_request(lambda: seen.append(request.path))
    context, _ = self_signed(tmp_path)
    server = make_server("127.0.0.1", 0, app, ssl_context=context)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        (one,) = look(replace(hub.handover(), home=f"https://127.0.0.1:{server.port}/hub"))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (one.check, one.state, seen) == ("hub", "failed", [])
