"""A logout ends the browser's session, and leads only to where the client is registered."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fedhub.idp.keys import Keys
from fedhub.idp.server import IdentityProvider
from tests.providers import CLIENT_IDS, LOGGED_OUT, Clock, authorize_url, hub_at
from tests.unit.idp.logins import (
    PAGES,
    claims_of,
    is_signed_in,
    log_in,
    redeem,
    refresh,
    userinfo,
)

RP_INITIATED = pytest.mark.parametrize("face", ["keycloak", "oidc"])


def out(web: FlaskClient, face: str, method: str = "GET", **asked: str) -> TestResponse:
    page = PAGES[face].logout
    return web.get(page, query_string=asked) if method == "GET" else web.post(page, data=asked)


def hint(tokens: dict[str, Any]) -> dict[str, str]:
    return {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": LOGGED_OUT}


# --- there and back -----------------------------------------------------------------------


@RP_INITIATED
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_with_an_id_token_a_logout_is_one_and_leads_back(
    web: FlaskClient, face: str, method: str
) -> None:
    tokens = log_in(web, face)
    reply = out(web, face, method, **hint(tokens), state="bye", client_id=CLIENT_IDS[face])
    assert (reply.status_code, reply.headers["Location"]) == (302, f"{LOGGED_OUT}?state=bye")
    assert not is_signed_in(web, face)
    assert userinfo(web, face, tokens).status_code == 401
    assert refresh(web, face, tokens).status_code == 400


@RP_INITIATED
def test_an_expired_id_token_will_do(web: FlaskClient, face: str, clock: Clock) -> None:
    tokens = log_in(web, face)
    clock.offset = 7200
    assert out(web, face, **hint(tokens)).headers["Location"] == LOGGED_OUT
    assert not is_signed_in(web, face)


@RP_INITIATED
def test_without_an_id_token_the_person_is_asked_first(web: FlaskClient, face: str) -> None:
    log_in(web, face)
    asked = {"client_id": CLIENT_IDS[face], "post_logout_redirect_uri": LOGGED_OUT, "state": "x"}
    page = out(web, face, **asked)
    assert page.status_code == 200
    assert is_signed_in(web, face)
    form = re.search(r'action="([^"]+)"', page.text)
    assert form is not None
    done = web.post(form[1].replace("&amp;", "&"), data={"confirm": "yes"})
    assert done.headers["Location"] == f"{LOGGED_OUT}?state=x"
    assert not is_signed_in(web, face)


@RP_INITIATED
def test_the_id_token_of_another_session_does_not_end_this_one_unasked(
    web: FlaskClient, provider: IdentityProvider, face: str
) -> None:
    other = log_in(provider.app.test_client(), face)
    log_in(web, face)
    assert out(web, face, **hint(other)).status_code == 200
    assert is_signed_in(web, face)


@RP_INITIATED
def test_a_logout_without_a_target_ends_on_a_page(web: FlaskClient, face: str) -> None:
    tokens = log_in(web, face)
    reply = out(web, face, id_token_hint=tokens["id_token"])
    assert (reply.status_code, "You are logged out" in reply.text) == (200, True)
    assert not is_signed_in(web, face)


# --- nowhere else -------------------------------------------------------------------------


@RP_INITIATED
@pytest.mark.parametrize(
    "target", ["https://evil.example/", f"{LOGGED_OUT}/", f"{LOGGED_OUT}?x=1", "//evil.example"]
)
def test_a_target_that_is_not_registered_is_refused_and_nobody_logged_out(
    web: FlaskClient, face: str, target: str
) -> None:
    tokens = log_in(web, face)
    for named in ({"id_token_hint": tokens["id_token"]}, {"client_id": CLIENT_IDS[face]}, {}):
        reply = out(web, face, **named, post_logout_redirect_uri=target)
        assert (reply.status_code, reply.headers.get("Location")) == (400, None)
    assert is_signed_in(web, face)


@RP_INITIATED
def test_a_target_of_another_client_is_refused(
    web: FlaskClient, provider: IdentityProvider, face: str
) -> None:
    theirs = "https://theirs.example/out"
    other = replace(hub_at(face), client_id="other", post_logout_redirect_uris=(theirs,))  # type: ignore[arg-type]  # a face's name
    provider.add_client(other)
    tokens = log_in(web, face)
    reply = out(web, face, id_token_hint=tokens["id_token"], post_logout_redirect_uri=theirs)
    assert reply.status_code == 400
    crossed = out(web, face, **hint(tokens), client_id="other")
    assert crossed.status_code == 400
    assert is_signed_in(web, face)


@RP_INITIATED
def test_a_hint_that_is_no_id_token_of_this_issuer_is_refused(
    web: FlaskClient, provider: IdentityProvider, face: str
) -> None:
    tokens = log_in(web, face)
    claims = claims_of(tokens["id_token"])
    keys = provider._state.keys
    forged = [
        "a.b.c",
        tokens["access_token"],
        Keys().sign(claims),
        keys.sign(claims, forged="bad-signature"),
        keys.sign(claims | {"iss": "https://elsewhere.example"}),
    ]
    for token in forged:
        reply = out(web, face, id_token_hint=token, post_logout_redirect_uri=LOGGED_OUT)
        assert reply.status_code == 400
    assert is_signed_in(web, face)


# --- sessions and tokens ------------------------------------------------------------------


@RP_INITIATED
def test_every_client_of_a_session_learns_its_sid_and_loses_its_tokens(
    web: FlaskClient, provider: IdentityProvider, face: str
) -> None:
    provider.add_client(replace(hub_at(face), client_id="hub2"))  # type: ignore[arg-type]  # a face's name
    first = log_in(web, face)
    silently = web.get(authorize_url(PAGES[face].authorize, face, client_id="hub2"))
    second = redeem(web, face, silently, "hub2")
    sids = {claims_of(tokens["id_token"])["sid"] for tokens in (first, second)}
    assert len(sids) == 1
    elsewhere = log_in(provider.app.test_client(), face)
    assert claims_of(elsewhere["id_token"])["sid"] not in sids
    out(web, face, **hint(first))
    assert userinfo(web, face, second).status_code == 401
    assert userinfo(web, face, elsewhere).status_code == 200


@RP_INITIATED
def test_tokens_for_offline_access_outlive_the_session(web: FlaskClient, face: str) -> None:
    tokens = log_in(web, face, scope="openid offline_access")
    out(web, face, **hint(tokens))
    assert userinfo(web, face, tokens).status_code == 200
    assert refresh(web, face, tokens).status_code == 200


def test_cilogons_logout_ends_its_session_and_leaves_tokens_alone(web: FlaskClient) -> None:
    tokens = log_in(web, "cilogon")
    assert is_signed_in(web, "cilogon")
    reply = web.get("/logout/?skin=ours")
    assert (reply.status_code, "You are logged out" in reply.text) == (200, True)
    assert not is_signed_in(web, "cilogon")
    assert userinfo(web, "cilogon", tokens).status_code == 200


def test_a_stolen_cookie_is_worth_nothing_after_the_logout(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    log_in(web, "cilogon")
    cookie = web.get_cookie("PHPSESSID", path="/authorize")
    assert cookie is not None
    web.get("/logout/")
    thief = provider.app.test_client()
    thief.set_cookie("PHPSESSID", cookie.value, path="/authorize")
    assert not is_signed_in(thief, "cilogon")


def test_githubs_logout_is_a_page_for_people_which_asks(web: FlaskClient) -> None:
    tokens = log_in(web, "github")
    assert web.get("/logout").status_code == 200
    assert is_signed_in(web, "github")
    assert web.post("/logout", data={"confirm": "yes"}).status_code == 200
    assert not is_signed_in(web, "github")
    assert userinfo(web, "github", tokens).status_code == 200


def test_a_logout_at_one_face_leaves_the_others_alone(web: FlaskClient) -> None:
    for face in PAGES:
        log_in(web, face)
    web.get("/logout/")
    assert [face for face in PAGES if is_signed_in(web, face)] == ["keycloak", "oidc", "github"]


# --- discovery ----------------------------------------------------------------------------


TOKENS = {"introspection_endpoint", "revocation_endpoint"}
SESSIONS = {
    "end_session_endpoint",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
}


@pytest.mark.parametrize(
    ("face", "offered"),
    [("cilogon", TOKENS), ("keycloak", TOKENS | SESSIONS), ("oidc", TOKENS | SESSIONS)],
    ids=["cilogon", "keycloak", "oidc"],
)
def test_discovery_names_what_the_real_server_offers(
    web: FlaskClient, face: str, offered: set[str]
) -> None:
    said = web.get(f"{PAGES[face].issuer}/.well-known/openid-configuration").json
    assert said is not None
    assert offered == (TOKENS | SESSIONS) & set(said)
    for name in TOKENS:
        path = said[name].removeprefix("http://127.0.0.1:9")
        assert web.post(path).status_code in (400, 401), "it exists, and wants credentials"
