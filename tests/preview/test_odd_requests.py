"""Requests of applications that make no sense are the applications' fault, and leave no secret."""

from __future__ import annotations

import httpx
import pytest

from tests.oidc_hub import (
    GRAFANA,
    PLAIN,
    Person,
    answer_of,
    log_until,
)
from tests.previews import RunningHub

AUTHORIZE = [f"{PLAIN}authorize", "oidc/authorize"]


def address(hub: RunningHub, at: str, **change: str | None) -> str:
    scope = {} if at.startswith("oidc") else {"scope": None}
    return GRAFANA.address(hub, at=at, **scope, **change)


@pytest.mark.parametrize("at", AUTHORIZE)
def test_who_is_named_in_an_address_is_nobody(hub: RunningHub, person: Person, at: str) -> None:
    assert "code" in answer_of(person.get(address(hub, at, user="admin")))


@pytest.mark.parametrize("at", AUTHORIZE)
def test_another_callback_url_writes_no_line_of_its_own(
    hub: RunningHub, person: Person, at: str
) -> None:
    forged = f"/x\n[I 2026-01-01 00:00:00.000 JupyterHub {at}] login in\x1b[31m"
    assert person.get(address(hub, at, redirect_uri=forged)).status_code == 400
    log_until(hub, f"400 GET /hub/{at}?")
    assert not [line for line in hub.lines if "\x1b[31m" in line or f"JupyterHub {at}]" in line]


@pytest.mark.parametrize("at", AUTHORIZE)
def test_an_answer_that_is_no_text_is_refused(hub: RunningHub, person: Person, at: str) -> None:
    xsrf = person.cookies.get("_xsrf", path="/hub/") or ""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"_xsrf={xsrf}&a=".encode() + b"\xff"
    assert person.post(address(hub, at), content=body, headers=form).status_code == 400


@pytest.mark.parametrize("body", [b"code=\xff", b"code=%ff", b"client_id=%00", b"code=x%00"])
def test_a_form_that_nobody_can_read_is_refused(hub: RunningHub, body: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{hub.url}hub/{PLAIN}token"
    reply = httpx.post(url, content=body, headers=form, trust_env=False)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


def test_a_code_in_the_address_is_refused_and_not_logged(hub: RunningHub) -> None:
    sent = {"code": "code-in-the-address", "code_verifier": "verifier-in-the-address"}
    reply = httpx.post(f"{hub.url}hub/{PLAIN}token", params=sent, trust_env=False)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
    log = log_until(hub, f"400 POST /hub/{PLAIN}token?")
    assert [one for one in sent.values() if one in log] == []
