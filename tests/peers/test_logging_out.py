"""Logging out of Keycloak, by browser, refresh token or administrator; and hubs are told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest

from tests.peers.realms import HUB, Realm
from tests.peers.visit import Visit, is_page, refused
from tests.providers import CALLBACK, LOGGED_OUT

OTHER = replace(HUB, client_id="hub2")
WRONG = "Invalid client or Invalid client credentials"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
PATIENCE = 30.0
"""Seconds for a hub to be told; only a test that fails waits for it."""


def test_with_an_id_token_of_the_session_the_browser_comes_back_at_once(visit: Visit) -> None:
    tokens = visit.log_in()
    out = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": LOGGED_OUT}
    reply = visit.log_out(**out, state="bye")
    assert (reply.status_code, reply.headers["location"]) == (302, f"{LOGGED_OUT}?state=bye")
    assert not visit.is_signed_in
    reply = visit.userinfo(tokens["access_token"])
    assert 'error_description="user_session_not_found"' in reply.headers["www-authenticate"]
    assert refused(visit.refresh(tokens)) == (400, "invalid_grant", "Session not active")
    # And again, when there is nothing left to end.
    assert visit.log_out(**out).headers["location"] == LOGGED_OUT


def test_a_logout_may_be_posted(visit: Visit) -> None:
    form = {"id_token_hint": visit.log_in()["id_token"], "post_logout_redirect_uri": LOGGED_OUT}
    reply = visit.browser.post(visit.at("logout"), data=form)
    assert (reply.status_code, reply.headers["location"]) == (302, LOGGED_OUT)
    assert not visit.is_signed_in


def test_without_an_address_it_ends_on_a_page(visit: Visit) -> None:
    reply = visit.log_out(id_token_hint=visit.log_in()["id_token"])
    assert is_page(reply, 200, "You are logged out")
    assert not visit.is_signed_in


@pytest.mark.parametrize(
    ("query", "then"),
    [
        ({}, ""),
        ({"client_id": "hub1"}, ""),
        ({"client_id": "hub1", "post_logout_redirect_uri": LOGGED_OUT}, LOGGED_OUT),
    ],
)
def test_without_an_id_token_it_asks_first(visit: Visit, query: dict[str, str], then: str) -> None:
    visit.log_in()
    assert is_page(visit.log_out(**query), 200, "Do you want to log out?")
    assert visit.is_signed_in
    asked = visit.log_out(**query)  # anew, since a login in between makes the page expire
    done = visit.realm.confirm(visit.browser, asked)
    if then:
        assert (done.status_code, done.headers["location"]) == (302, then)
    else:
        assert is_page(done, 200, "You are logged out")
    assert not visit.is_signed_in


def test_somebody_elses_id_token_asks_first_and_ends_nothing(visit: Visit, realm: Realm) -> None:
    visit.log_in()
    with Visit(realm) as other:
        hint = other.log_in()["id_token"]
        asked = visit.log_out(id_token_hint=hint, post_logout_redirect_uri=LOGGED_OUT)
        assert is_page(asked, 200, "Do you want to log out?")
        assert visit.is_signed_in
        assert other.is_signed_in


def test_a_browser_without_a_session_is_asked_only_where_it_can_not_go_on(visit: Visit) -> None:
    assert is_page(visit.log_out(), 200, "Do you want to log out?")
    assert is_page(visit.log_out(client_id="hub1"), 200, "Do you want to log out?")
    reply = visit.log_out(client_id="hub1", post_logout_redirect_uri=LOGGED_OUT)
    assert (reply.status_code, reply.headers["location"]) == (302, LOGGED_OUT)


def test_an_id_token_ends_its_session_from_another_browser_too(visit: Visit, realm: Realm) -> None:
    hint = visit.log_in()["id_token"]
    with Visit(realm) as other:
        reply = other.log_out(id_token_hint=hint, post_logout_redirect_uri=LOGGED_OUT)
    assert (reply.status_code, reply.headers["location"]) == (302, LOGGED_OUT)
    assert not visit.is_signed_in


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"post_logout_redirect_uri": LOGGED_OUT}, "Missing parameters: id_token_hint"),
        (
            {"client_id": "hub1", "post_logout_redirect_uri": f"{LOGGED_OUT}/"},
            "Invalid redirect uri",
        ),
        ({"client_id": "hub1", "post_logout_redirect_uri": CALLBACK}, "Invalid redirect uri"),
        ({"client_id": "nobody", "post_logout_redirect_uri": LOGGED_OUT}, "Invalid redirect uri"),
        ({"id_token_hint": "nonsense"}, "Invalid parameter: id_token_hint"),
    ],
)
def test_a_wrong_logout_ends_on_a_page_and_ends_nothing(
    visit: Visit, query: dict[str, str], words: str
) -> None:
    visit.log_in()
    assert is_page(visit.log_out(**query), 400, words)
    assert visit.is_signed_in


def test_an_access_token_or_another_clients_id_token_is_no_hint(visit: Visit) -> None:
    visit.realm.add_client(OTHER)
    tokens = visit.log_in()
    words = "Invalid parameter: id_token_hint"
    assert is_page(visit.log_out(id_token_hint=tokens["access_token"]), 400, words)
    assert is_page(visit.log_out(id_token_hint=tokens["id_token"], client_id="hub2"), 400, words)


def test_where_no_address_is_registered_the_callback_counts(visit: Visit) -> None:
    visit.realm.add_client(replace(HUB, post_logout_redirect_uris=()))
    hint = visit.log_in()["id_token"]
    assert is_page(visit.log_out(id_token_hint=hint, post_logout_redirect_uri=LOGGED_OUT), 400)
    reply = visit.log_out(id_token_hint=hint, post_logout_redirect_uri=CALLBACK)
    assert (reply.status_code, reply.headers["location"]) == (302, CALLBACK)


def test_the_parameter_of_old_means_nothing(visit: Visit) -> None:
    visit.log_in()
    assert is_page(visit.log_out(redirect_uri=LOGGED_OUT), 200, "Do you want to log out?")


def test_a_refresh_token_ends_its_session(visit: Visit) -> None:
    tokens = visit.log_in()
    for _ in range(2):  # a second time, nothing is left to end
        assert visit.ask("logout", refresh_token=tokens["refresh_token"]).status_code == 204
    assert not visit.is_signed_in
    assert visit.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"client_secret": "wrong"}, (401, "unauthorized_client", WRONG)),
        ({"client_id": "", "client_secret": ""}, (401, "invalid_client", WRONG)),
        ({"refresh_token": "nonsense"}, (400, "invalid_grant", "Invalid refresh token")),
        (
            {"client_id": "hub2"},
            (
                400,
                "invalid_grant",
                "Invalid refresh token. Token client and authorized client don't match",
            ),
        ),
    ],
)
def test_a_refresh_token_ends_nothing_for_who_may_not(
    visit: Visit, given: dict[str, str], said: tuple[int, str, str]
) -> None:
    visit.realm.add_client(OTHER)
    tokens = visit.log_in()
    reply = visit.ask("logout", **{"refresh_token": tokens["refresh_token"], **given})
    assert refused(reply) == said
    assert visit.is_signed_in


def test_an_administrator_ends_sessions(visit: Visit) -> None:
    tokens = visit.log_in()
    visit.realm.end_sessions()
    assert not visit.is_signed_in
    assert visit.userinfo(tokens["access_token"]).status_code == 401
    assert refused(visit.refresh(tokens)) == (400, "invalid_grant", "Session not active")


@contextmanager
def listening() -> Iterator[tuple[str, Queue[tuple[str, str]]]]:
    """A hub's page for logout tokens, and what is posted there: content type and body."""
    told: Queue[tuple[str, str]] = Queue()

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send_response(200)
            self.end_headers()
            told.put((self.headers["Content-Type"], body))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/backchannel", told
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("how", ["browser", "refresh token", "administrator"])
def test_a_hub_is_told_of_a_logout(visit: Visit, how: str) -> None:
    with listening() as (page, told):
        visit.realm.add_client(replace(OTHER, backchannel_logout_uri=page))
        mine = visit.log_in()
        theirs = Visit(visit.realm, OTHER, visit).come_again()
        if how == "browser":
            visit.log_out(id_token_hint=mine["id_token"])
        elif how == "refresh token":
            visit.ask("logout", refresh_token=mine["refresh_token"])
        else:
            visit.realm.end_sessions()
        kind, body = told.get(timeout=PATIENCE)
    assert kind == "application/x-www-form-urlencoded"
    form = parse_qs(body)
    assert set(form) == {"logout_token"}
    (token,) = form["logout_token"]
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    key = jwt.PyJWKClient(visit.at("certs")).get_signing_key_from_jwt(token)
    said = jwt.decode(token, key.key, ["RS256"], audience="hub2", issuer=visit.issuer)
    assert set(said) == {"exp", "iat", "jti", "iss", "aud", "sub", "typ", "sid", "events"}
    assert (said["typ"], said["events"]) == ("Logout", {LOGOUT_EVENT: {}})
    assert said["exp"] - said["iat"] == 120
    assert said["sid"] == theirs["session_state"]


def test_a_withdrawn_token_tells_nobody(visit: Visit) -> None:
    with listening() as (page, told):
        visit.realm.add_client(replace(OTHER, backchannel_logout_uri=page))
        second = Visit(visit.realm, OTHER, visit)
        second.ask("revoke", token=second.log_in()["refresh_token"])
        # What comes after it is heard of, and nothing before.
        tokens = second.log_in()
        second.log_out(id_token_hint=tokens["id_token"])
        _, body = told.get(timeout=PATIENCE)
    (token,) = parse_qs(body)["logout_token"]
    said = jwt.decode(token, options={"verify_signature": False})
    assert said["sid"] == tokens["session_state"]
