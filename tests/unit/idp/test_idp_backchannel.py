"""Who loses a session at a provider loses it at the hubs that asked to be told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qs

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet

from fedhub.idp import backchannel
from fedhub.idp.client import Client
from fedhub.idp.server import IdentityProvider
from tests.providers import CLIENT_IDS, LOGGED_OUT, authorize_url, hub_at
from tests.unit.idp.logins import PAGES, claims_of, is_signed_in, log_in, redeem, refresh, userinfo

ISSUERS = {
    "keycloak": "http://127.0.0.1:9/realms/hubtest",
    "oidc": "http://127.0.0.1:9/oidc/oidc",
}
FACES = pytest.mark.parametrize("face", ISSUERS)


@dataclass
class Listener:
    """A hub's back-channel logout page; answers `status`, once `gate` is open."""

    address: str
    status: int = 200
    told: Queue[dict[str, list[str]]] = field(default_factory=Queue)
    gate: threading.Event = field(default_factory=threading.Event)

    def token(self) -> str:
        (token,) = self.told.get(timeout=10)["logout_token"]
        return token


@contextmanager
def listening() -> Iterator[Listener]:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.told.put(parse_qs(body.decode()))
            listener.gate.wait(30)
            self.send_response(listener.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        listener = Listener(f"http://127.0.0.1:{server.server_port}/hub/backchannel_logout")
        listener.gate.set()
        try:
            yield listener
        finally:
            listener.gate.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def hub() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def registered(face: str, hub: Listener, **more: Any) -> Client:
    known = hub_at("keycloak" if face == "keycloak" else "oidc")
    return replace(known, backchannel_logout_uri=hub.address, **more)


def log_out(web: FlaskClient, face: str, tokens: dict[str, Any]) -> None:
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": LOGGED_OUT}
    assert web.get(PAGES[face].logout, query_string=asked).status_code == 302


@FACES
def test_the_logout_token_says_what_the_standard_wants(
    web: FlaskClient, provider: IdentityProvider, hub: Listener, face: str
) -> None:
    provider.add_client(registered(face, hub))
    tokens = log_in(web, face, nonce="n")
    log_out(web, face, tokens)
    certs = {"keycloak": "/realms/hubtest/protocol/openid-connect/certs"}
    keys = KeySet.import_key_set(web.get(certs.get(face, "/oidc/oidc/jwks")).get_json())
    told = jwt.decode(hub.token(), keys, ["RS256"])
    assert told.header["typ"] == "logout+jwt"
    claims = told.claims
    known = claims_of(tokens["id_token"])
    assert (claims["iss"], claims["aud"]) == (ISSUERS[face], CLIENT_IDS[face])
    assert (claims["sub"], claims["sid"]) == (known["sub"], known["sid"])
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert 0 < claims["exp"] - claims["iat"] <= 120
    assert claims["jti"]
    assert "nonce" not in claims


@FACES
def test_every_client_of_the_session_has_been_told_when_the_browser_goes_on(
    web: FlaskClient, provider: IdentityProvider, hub: Listener, face: str
) -> None:
    with listening() as other:
        provider.add_client(registered(face, hub))
        provider.add_client(registered(face, other, client_id="hub2"))
        provider.add_client(registered(face, other, client_id="hub3"))
        tokens = log_in(web, face)
        redeem(
            web, face, web.get(authorize_url(PAGES[face].authorize, face, client_id="hub2")), "hub2"
        )
        log_in(provider.app.test_client(), face, client_id="hub3")
        log_out(web, face, tokens)
        assert (hub.told.qsize(), other.told.qsize()) == (1, 1)
        assert claims_of(hub.token())["aud"] == CLIENT_IDS[face]
        assert claims_of(other.token())["aud"] == "hub2"


@FACES
def test_an_administrator_ends_every_session_of_a_person(
    web: FlaskClient, provider: IdentityProvider, hub: Listener, face: str
) -> None:
    provider.add_client(registered(face, hub))
    browsers = [web, provider.app.test_client()]
    tokens = [log_in(browser, face) for browser in browsers]
    answers = provider.end_sessions(f"ada-{face}")
    assert [answer.result(10) for answer in answers] == [200, 200]
    told = {claims_of(hub.token())["sid"] for _ in browsers}
    assert told == {claims_of(each["id_token"])["sid"] for each in tokens}
    assert not any(is_signed_in(browser, face) for browser in browsers)
    assert {userinfo(web, face, each).status_code for each in tokens} == {401}
    assert {refresh(web, face, each).status_code for each in tokens} == {400}
    assert provider.end_sessions(f"ada-{face}") == []


def test_an_administrators_act_is_about_one_person(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    for face in PAGES:
        log_in(web, face)
    provider.end_sessions("ada-oidc")
    assert [face for face in PAGES if not is_signed_in(web, face)] == ["oidc"]
    provider.end_sessions("ada-github")
    assert not is_signed_in(web, "github")


def test_a_session_ended_by_its_refresh_token_is_told_of(
    web: FlaskClient, provider: IdentityProvider, hub: Listener
) -> None:
    provider.add_client(registered("keycloak", hub))
    tokens = log_in(web, "keycloak")
    form = {"client_id": CLIENT_IDS["keycloak"], "client_secret": "s3cret"}
    form["refresh_token"] = tokens["refresh_token"]
    assert web.post(PAGES["keycloak"].logout, data=form).status_code == 204
    assert claims_of(hub.token())["sid"] == claims_of(tokens["id_token"])["sid"]


def test_a_hub_that_refuses_or_is_away_is_reported_and_hinders_nobody(
    web: FlaskClient, provider: IdentityProvider, hub: Listener
) -> None:
    hub.status = 400
    away = "http://127.0.0.1:9/away"
    provider.add_client(registered("oidc", hub))
    provider.add_client(registered("oidc", Listener(away), client_id="hub2"))
    provider.add_client(registered("oidc", Listener("no address"), client_id="hub3"))
    log_in(web, "oidc")
    for name in ("hub2", "hub3"):
        web.get(authorize_url(PAGES["oidc"].authorize, "oidc", client_id=name))
    answers = [answer.result(10) for answer in provider.end_sessions("ada-oidc")]
    assert answers == [400, 0, 0]


def test_a_hub_that_does_not_answer_is_given_up(
    web: FlaskClient,
    provider: IdentityProvider,
    hub: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backchannel, "PATIENCE", 0.05)
    hub.gate.clear()
    provider.add_client(registered("oidc", hub))
    log_out(web, "oidc", log_in(web, "oidc"))
    assert not is_signed_in(web, "oidc")
    assert hub.token()
