"""Our client for Keycloak's registrations when the server fails, and the secrets it has.

What it does at a server that does not fail is in `tests/peers`.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from fedhub.errors import FedhubError, UsageError
from fedhub.idp.keycloak_clients.registry import ServiceAccount
from fedhub.idp.server import IdentityProvider
from fedhub.registration.admin import AdminCredentials
from fedhub.registration.clients import Credentials
from fedhub.registration.errors import (
    CredentialsError,
    RateLimitedError,
    RegistrationError,
    UncertainError,
    UnreachableError,
)
from fedhub.registration.keycloak.client import KeycloakClients
from fedhub.registration.search import find
from fedhub.registration.tag import Tag
from fedhub.registration.wanted import Wanted
from tests.providers import CALLBACK, Clock

REALM = "lab"
ACCOUNT = ServiceAccount(REALM, "registrar", "account-s3cret")
ADMIN = AdminCredentials(ACCOUNT.client_id, SecretStr(ACCOUNT.client_secret))
WANTED = Wanted("Campus hub", (CALLBACK,), ("openid", "email"), refresh_tokens=True)
TAG = Tag("ops", "campus", "login", "0123456789abcdef" * 2)
LOST = ("server-error", "answer-lost", "connection-reset", "html", "malformed-json", "slow")
"""Faults after which nobody knows whether the server acted."""
ACTED = ("answer-lost", "html", "malformed-json")
"""Those after which it did."""


class Waits(list[float]):
    """How long it would have slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def server(clock: Clock) -> Iterator[IdentityProvider]:
    with IdentityProvider(clock=clock) as running:
        running.add_service_account(ACCOUNT)
        yield running


Open = Callable[..., KeycloakClients]


@pytest.fixture
def opened(server: IdentityProvider, waits: Waits) -> Iterator[Open]:
    """Our client, with other settings where a test needs them."""
    with ExitStack() as stack:

        def go(**more: Any) -> KeycloakClients:
            usual = {"url": server.url, "realm": REALM, "timeout": 30, "wait": waits}
            return stack.enter_context(KeycloakClients(ADMIN, **(usual | more)))

        yield go


@pytest.fixture
def clients(opened: Open) -> KeycloakClients:
    return opened()


def patience(fault: str) -> float:
    """The timeout: short only where it has to run out."""
    return 2 if fault == "slow" else 30


def break_once(server: IdentityProvider, fault: str, where: str, times: int | None = 1) -> None:
    # What is slow waits until the provider is stopped.
    server.inject(fault, endpoint=where, times=times, seconds=30)


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_post_is_sent_once_and_its_client_is_found(
    server: IdentityProvider, opened: Open, fault: str
) -> None:
    clients = opened(timeout=patience(fault))
    break_once(server, fault, "client-create")
    with pytest.raises(UncertainError, match="may or may not have"):
        clients.create(WANTED.attributes(), TAG)
    assert server.requests("client-create") == 1
    found = find(clients, TAG)
    assert [client.tag for client in found] == ([TAG] if fault in ACTED else [])


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("call", ["list", "show", "delete"])
def test_what_does_no_harm_is_tried_again(
    server: IdentityProvider, opened: Open, waits: Waits, fault: str, call: str
) -> None:
    made = opened().create(WANTED.attributes(), TAG)
    clients = opened(timeout=patience(fault))
    break_once(server, fault, f"client-{call}")
    getattr(clients, call)(*([] if call == "list" else [made.client_id]))
    harmless = call == "delete" and fault in ("html", "malformed-json")  # it has no body to spoil
    assert waits == ([] if harmless else [0.5])


def test_it_gives_up_in_the_end(server: IdentityProvider, opened: Open, waits: Waits) -> None:
    break_once(server, "html", "client-list", times=None)
    with pytest.raises(UnreachableError, match="can't be asked to list the clients"):
        opened().list()
    assert waits == [0.5, 1.0]
    assert server.requests("client-list") == 3


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_put_is_sent_once_and_looked_after(
    server: IdentityProvider, opened: Open, fault: str
) -> None:
    made = opened().create(WANTED.attributes(), TAG)
    clients = opened(timeout=patience(fault))
    changes = {"client_name": "New name"}
    break_once(server, fault, "client-update")
    if fault in ACTED:
        assert clients.update(made.client_id, changes).attributes["client_name"] == "New name"
    else:
        with pytest.raises(UncertainError):
            clients.update(made.client_id, changes)
        clients.update(made.client_id, changes)  # may be repeated
    assert server.requests("client-update") == (1 if fault in ACTED else 2)
    assert clients.show(made.client_id).tag == TAG


def test_an_update_that_changes_nothing_sends_nothing(
    server: IdentityProvider, clients: KeycloakClients
) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    clients.update(made.client_id, WANTED.attributes())
    assert server.requests("client-update") == 0


@pytest.mark.parametrize("fault", LOST)
def test_without_a_token_nothing_was_done(
    server: IdentityProvider, opened: Open, fault: str
) -> None:
    clients = opened(timeout=patience(fault), wait=lambda _: None)
    break_once(server, fault, "token", times=None)
    for call in (lambda: clients.create(WANTED.attributes(), TAG), clients.list):
        with pytest.raises(UnreachableError, match="sign the service account in"):
            call()
    assert server.requests("client-create") == 0
    server.clear_faults()
    assert clients.list() == ()


@pytest.mark.parametrize(("where", "waited"), [("client-list", [7.0]), ("token", [7.0])])
def test_retry_after_is_heeded(
    server: IdentityProvider, clients: KeycloakClients, waits: Waits, where: str, waited: object
) -> None:
    server.inject("rate-limited", endpoint=where, times=1, seconds=7)
    if where == "token":
        with pytest.raises(RateLimitedError, match="7 seconds"):
            clients.list()
        return
    clients.list()
    assert waits == waited


def test_a_token_serves_many_calls_and_is_renewed_in_time(
    server: IdentityProvider, opened: Open, clock: Clock
) -> None:
    clients = opened(clock=clock)
    for _ in range(3):
        clients.list()
    assert server.requests("token") == 1
    clock.offset = 280
    clients.list()
    assert server.requests("token") == 1
    clock.offset = 295  # it would end within the seconds that a call may take
    clients.list()
    assert server.requests("token") == 2


def test_a_token_that_ended_before_its_time_is_renewed_within_the_call(
    server: IdentityProvider, opened: Open, clock: Clock
) -> None:
    clients = opened(clock=lambda: 0.0)
    clients.list()
    clock.offset = 400
    made = clients.create(WANTED.attributes(), TAG)
    assert clients.show(made.client_id).tag == TAG
    assert len(clients.list()) == 1
    assert server.requests("token") == 2


def test_many_at_once_share_one_token(server: IdentityProvider, opened: Open) -> None:
    clients = opened()
    many = 24
    start = threading.Barrier(many)

    def look() -> int:
        start.wait()
        return len(clients.list())

    with ThreadPoolExecutor(many) as pool:
        assert [one.result() for one in [pool.submit(look) for _ in range(many)]] == [0] * many
    assert server.requests("token") == 1


def test_a_withdrawn_administrator_is_told(
    server: IdentityProvider, clients: KeycloakClients
) -> None:
    clients.list()
    server.add_service_account(replace(ACCOUNT, client_secret="another"))
    server._state.realm_clients._tokens.clear()
    with pytest.raises(CredentialsError, match="id and secret"):
        clients.list()


def test_no_secret_is_sent_in_the_open() -> None:
    for url in ("http://iam.example.org", "iam.example.org"):
        with pytest.raises(UsageError, match="https://"):
            KeycloakClients(ADMIN, url=url, realm=REALM)


def test_secrets_stay_out_of_logs_errors_and_representations(
    server: IdentityProvider, clients: KeycloakClients, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    guessed = SecretStr("wrong-s3cret")
    made: list[Credentials] = [clients.create(WANTED.attributes(), TAG)]
    said = [repr(clients), repr(vars(clients)), repr(made), repr(clients.show(made[0].client_id))]
    said += [repr(vars(one)) for one in vars(clients).values() if hasattr(one, "__dict__")]
    for fault in [one for one in (*LOST, "rate-limited") if one != "slow"]:
        for where in ("client-create", "client-show", "client-update", "client-delete", "token"):
            break_once(server, fault, where)
            for call in (
                lambda: made.append(clients.create(WANTED.attributes(), Tag.new("o", "h", "p"))),
                lambda: clients.update(made[0].client_id, {"client_name": "new"}),
                lambda: clients.claim(made[0].client_id, guessed, TAG),
                lambda: clients.delete("nobody"),
            ):
                try:
                    call()
                except FedhubError as error:
                    said += [str(error), repr(error), *traceback.format_exception(error)]
            server.clear_faults()
    everything = "\n".join([*said, caplog.text])
    assert "may or may not" in everything
    tokens = list(server._state.realm_clients._tokens)
    secrets = [ACCOUNT.client_secret, guessed.get_secret_value(), *tokens]
    secrets += [one.client_secret.get_secret_value() for one in made]
    assert [secret for secret in secrets if secret in everything] == []


# Servers that the embedded one does not play


TOKEN = httpx.Response(200, json={"access_token": "t", "expires_in": 60})


def answering(
    monkeypatch: pytest.MonkeyPatch, waits: Waits, *replies: httpx.Response
) -> KeycloakClients:
    """A server that gives a token and then these answers, the last one from then on."""
    left = list(replies)

    def answer(self: object, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, content=TOKEN.content)
        reply = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)
    return KeycloakClients(ADMIN, url="https://iam.example.org", realm=REALM, wait=waits)


NO_SCOPES = (httpx.Response(200, json=[]),) * 2


@pytest.mark.parametrize("said", [{}, {"clientId": "a"}, {"clientId": "", "secret": "b"}])
def test_an_answer_without_credentials_is_uncertain(
    monkeypatch: pytest.MonkeyPatch, waits: Waits, said: dict[str, str]
) -> None:
    reply = httpx.Response(201, json=said)
    with pytest.raises(UncertainError):
        answering(monkeypatch, waits, *NO_SCOPES, reply).create({}, TAG)


@pytest.mark.parametrize("said", [{}, [1], [{}], [{"clientId": 1}]])
def test_a_list_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, waits: Waits, said: object
) -> None:
    with pytest.raises(UnreachableError):
        answering(monkeypatch, waits, httpx.Response(200, json=said)).list()


@pytest.mark.parametrize(
    "said", [{"clientId": "y"}, {"clientId": None}, {"clientId": "y", "attributes": 1}]
)
def test_another_client_is_not_taken_for_the_one_asked_for(
    monkeypatch: pytest.MonkeyPatch, waits: Waits, said: object
) -> None:
    with pytest.raises(UnreachableError):
        answering(monkeypatch, waits, httpx.Response(200, json=said)).show("x")


def test_odd_fields_are_borne(monkeypatch: pytest.MonkeyPatch, waits: Waits) -> None:
    odd = {"clientId": "x", "attributes": [1], "redirectUris": {"a": 1}, "description": 7}
    shown = answering(monkeypatch, waits, httpx.Response(200, json=odd)).show("x")
    assert shown.tag is None
    assert shown.attributes["redirect_uris"] == []


def test_a_500_leaves_a_post_uncertain(monkeypatch: pytest.MonkeyPatch, waits: Waits) -> None:
    reply = httpx.Response(500, json={"error": "unknown_error"})
    with pytest.raises(UncertainError, match="unknown_error"):
        answering(monkeypatch, waits, *NO_SCOPES, reply).create({}, TAG)


def test_a_cursor_is_not_moved(monkeypatch: pytest.MonkeyPatch, waits: Waits) -> None:
    reply = httpx.Response(400, json={"error": "e", "error_description": "no\x1b[2J"})
    with pytest.raises(RegistrationError, match=r"no \[2J"):
        answering(monkeypatch, waits, *NO_SCOPES, reply).create({}, TAG)


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch, waits: Waits) -> None:
    away = httpx.Response(302, headers={"Location": "https://elsewhere.example.org/"})
    with pytest.raises(UncertainError):
        answering(monkeypatch, waits, *NO_SCOPES, away).create({}, TAG)
