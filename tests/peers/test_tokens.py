"""What tokens are worth at Keycloak: userinfo, refresh, revocation, introspection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.peers.realms import ADA, HUB
from tests.peers.visit import Visit, refused

OTHER = replace(HUB, client_id="hub2")
WRONG = "Invalid client or Invalid client credentials"
NO_SUCH_TOKEN = 'Bearer realm="hubtest", error="invalid_token", error_description="{}"'


def test_userinfo_says_who_it_is(visit: Visit) -> None:
    reply = visit.userinfo(visit.log_in()["access_token"])
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store, no-cache"
    said = reply.json()
    assert set(said) == {"sub", *ADA}
    assert {name: said[name] for name in ADA} == ADA


def test_userinfo_takes_the_token_from_a_form_and_not_from_the_query(visit: Visit) -> None:
    given = {"access_token": visit.log_in()["access_token"]}
    assert visit.browser.post(visit.at("userinfo"), data=given).status_code == 200
    reply = visit.browser.get(visit.at("userinfo"), params=given)
    assert reply.headers["www-authenticate"] == 'Bearer realm="hubtest"'


@pytest.mark.parametrize(
    ("which", "challenge"),
    [
        ("", 'Bearer realm="hubtest"'),
        ("nonsense", NO_SUCH_TOKEN.format("Token verification failed")),
        ("id_token", NO_SUCH_TOKEN.format("Token verification failed")),
        ("refresh_token", NO_SUCH_TOKEN.format("Token verification failed")),
    ],
)
def test_userinfo_refuses_in_a_header(visit: Visit, which: str, challenge: str) -> None:
    tokens = {"": "", "nonsense": "nonsense", **visit.log_in()}
    reply = visit.userinfo(tokens[which])
    assert (reply.status_code, reply.text) == (401, "")
    assert reply.headers["content-type"] == "text/plain;charset=utf-8"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["www-authenticate"] == challenge


def test_without_the_scope_openid_there_is_no_id_token_and_no_userinfo(visit: Visit) -> None:
    tokens = visit.log_in(scope="email")
    assert "id_token" not in tokens
    assert set(tokens["scope"].split()) == {"email", "profile"}
    reply = visit.userinfo(tokens["access_token"])
    words = 'error="insufficient_scope", error_description="Missing openid scope"'
    assert reply.status_code == 403
    assert reply.headers["www-authenticate"] == f'Bearer realm="hubtest", {words}'


def test_email_and_profile_need_not_be_asked_for(visit: Visit) -> None:
    tokens = visit.log_in(scope="openid")
    assert set(tokens["scope"].split()) == {"openid", "email", "profile"}
    assert visit.userinfo(tokens["access_token"]).json()["email"] == ADA["email"]


def test_a_refresh_brings_new_tokens_and_leaves_the_old_ones_alone(visit: Visit) -> None:
    before = visit.log_in(nonce="n1")
    after = visit.refresh(before).json()
    assert set(after) == set(before)
    assert after["session_state"] == before["session_state"]
    for name in ("access_token", "refresh_token", "id_token"):
        assert after[name] != before[name]
    assert visit.userinfo(before["access_token"]).status_code == 200
    assert visit.userinfo(after["access_token"]).status_code == 200
    assert visit.refresh(before).status_code == 200


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("openid", {"openid", "email", "profile"}),
        ("openid phone", {"openid", "email", "profile", "phone"}),
        ("openid offline_access", {"openid", "email", "profile"}),
        ("phone", {"email", "profile", "phone"}),
    ],
)
def test_a_refresh_grants_what_was_granted_and_the_default_scopes(
    visit: Visit, asked: str, granted: set[str]
) -> None:
    tokens = visit.log_in(scope="openid email phone")
    assert set(visit.refresh(tokens, scope=asked).json()["scope"].split()) == granted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"refresh_token": ""}, (400, "invalid_request", "No refresh token")),
        ({"refresh_token": "nonsense"}, (400, "invalid_grant", "Invalid refresh token")),
        ({"client_secret": "wrong"}, (401, "unauthorized_client", WRONG)),
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
def test_a_refresh_that_is_refused_is_told_why(
    visit: Visit, given: dict[str, str], said: tuple[int, str, str]
) -> None:
    visit.realm.add_client(OTHER)
    tokens = visit.log_in()
    assert refused(visit.refresh(tokens, **given)) == said
    assert visit.refresh(tokens).status_code == 200


def test_an_access_token_refreshes_nothing(visit: Visit) -> None:
    reply = visit.ask("token", grant_type="refresh_token", refresh_token=access(visit))
    assert refused(reply) == (400, "invalid_grant", "Invalid refresh token")


def access(visit: Visit) -> str:
    return str(visit.log_in()["access_token"])


def test_offline_access_outlives_the_session(visit: Visit) -> None:
    tokens = visit.log_in(scope="openid offline_access")
    assert tokens["refresh_expires_in"] == 0
    visit.log_out(id_token_hint=tokens["id_token"])
    assert not visit.is_signed_in
    assert visit.userinfo(tokens["access_token"]).status_code == 200
    assert visit.refresh(tokens).status_code == 200
    assert visit.ask("revoke", token=tokens["refresh_token"]).status_code == 200
    said = refused(visit.refresh(tokens))
    assert said == (400, "invalid_grant", "Offline user session not found")


def test_an_access_token_is_revoked_alone(visit: Visit) -> None:
    tokens = visit.log_in()
    other = visit.refresh(tokens).json()
    assert_revoked(visit.ask("revoke", token=tokens["access_token"]))
    challenge = visit.userinfo(tokens["access_token"]).headers["www-authenticate"]
    assert challenge == NO_SUCH_TOKEN.format("Token verification failed")
    assert visit.userinfo(other["access_token"]).status_code == 200
    assert visit.refresh(tokens).status_code == 200
    assert visit.is_signed_in


def assert_revoked(reply: Any) -> None:
    assert (reply.status_code, reply.content) == (200, b"")
    assert "content-type" not in reply.headers


def test_a_refresh_token_is_revoked_with_all_that_the_hub_has(visit: Visit) -> None:
    tokens = visit.log_in()
    other = visit.refresh(tokens).json()
    assert_revoked(visit.ask("revoke", token=tokens["refresh_token"]))
    for one in (tokens, other):
        challenge = visit.userinfo(one["access_token"]).headers["www-authenticate"]
        assert challenge == NO_SUCH_TOKEN.format("user_session_not_found")
        assert refused(visit.refresh(one)) == (400, "invalid_grant", "Session not active")
    assert not visit.is_signed_in


def test_a_revoked_refresh_token_leaves_the_session_to_other_hubs(visit: Visit) -> None:
    visit.realm.add_client(OTHER)
    mine = visit.log_in()
    second = Visit(visit.realm, OTHER, visit)
    theirs = second.come_again()
    visit.ask("revoke", token=mine["refresh_token"])
    assert visit.userinfo(mine["access_token"]).status_code == 401
    words = "Session doesn't have required client"
    assert refused(visit.refresh(mine)) == (400, "invalid_grant", words)
    assert second.userinfo(theirs["access_token"]).status_code == 200
    assert second.refresh(theirs).status_code == 200
    assert visit.is_signed_in


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": "nonsense"}, (200, "invalid_token", "Invalid token")),
        ({"token": ""}, (400, "invalid_request", "Token not provided")),
        ({"client_secret": "wrong"}, (401, "unauthorized_client", WRONG)),
        ({"client_id": "nobody"}, (401, "invalid_client", WRONG)),
        ({"client_id": "hub2"}, (400, "invalid_request", "Unmatching clients")),
    ],
)
def test_a_revocation_that_is_refused_is_told_why(
    visit: Visit, given: dict[str, str], said: tuple[int, str, str]
) -> None:
    visit.realm.add_client(OTHER)
    tokens = visit.log_in()
    reply = visit.ask("revoke", **{"token": tokens["refresh_token"], **given})
    assert refused(reply) == said
    assert visit.refresh(tokens).status_code == 200


def test_an_id_token_can_not_be_revoked(visit: Visit) -> None:
    reply = visit.ask("revoke", token=visit.log_in()["id_token"])
    assert refused(reply) == (400, "unsupported_token_type", "Unsupported token type")


def test_introspection_tells_a_client_of_tokens_that_are_meant_for_it(visit: Visit) -> None:
    tokens = visit.log_in()
    said = visit.ask("token/introspect", token=tokens["id_token"])
    assert said.headers["cache-control"] == "no-cache"
    told = said.json()
    assert (told["active"], told["client_id"], told["username"]) == (True, "hub1", "ada")
    # Its audience is `account`.
    assert visit.ask("token/introspect", token=tokens["access_token"]).json() == {"active": False}
    visit.log_out(id_token_hint=tokens["id_token"])
    assert visit.ask("token/introspect", token=tokens["id_token"]).json() == {"active": False}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": ""}, (400, "invalid_request", "Token not provided.")),
        ({"client_secret": "wrong"}, (401, "invalid_client", "Client authentication failed.")),
        ({"client_id": "nobody"}, (401, "invalid_client", WRONG)),
    ],
)
def test_an_introspection_that_is_refused_is_told_why(
    visit: Visit, given: dict[str, str], said: tuple[int, str, str]
) -> None:
    assert refused(visit.ask("token/introspect", **{"token": "any", **given})) == said


def test_nobody_elses_id_token_is_told_of(visit: Visit) -> None:
    visit.realm.add_client(OTHER)
    reply = visit.ask("token/introspect", token=visit.log_in()["id_token"], client_id="hub2")
    assert reply.json() == {"active": False}
