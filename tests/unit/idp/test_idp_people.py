"""What becomes of a person while the provider runs shows at the next request; requests count."""

from __future__ import annotations

import base64

import pytest
from flask.testing import FlaskClient

from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK, CLIENT_IDS, authorize_url, callback_query
from tests.unit.idp.logins import PAGES, claims_of, is_signed_in, log_in, own, refresh, userinfo

EVERY_FACE = pytest.mark.parametrize("face", PAGES)
MEMBERS = "/apiserver/group-management/v1.0.0/user/group/memberships?profile.username=ada"


# --- claims -------------------------------------------------------------------------------


@pytest.mark.parametrize("face", ["oidc", "keycloak"])
def test_groups_taken_away_are_gone_from_userinfo_and_at_the_next_refresh(
    web: FlaskClient, provider: IdentityProvider, face: str
) -> None:
    provider.update_claims(f"ada-{face}", groups=["a", "b"])
    tokens = log_in(web, face)
    assert claims_of(tokens["id_token"])["groups"] == ["a", "b"]
    provider.update_claims(f"ada-{face}", groups=["b"])
    assert userinfo(web, face, tokens).get_json()["groups"] == ["b"]
    renewed = refresh(web, face, tokens).get_json()
    assert claims_of(renewed["id_token"])["groups"] == ["b"]
    provider.update_claims(f"ada-{face}", groups=None)
    assert "groups" not in userinfo(web, face, renewed).get_json()
    assert userinfo(web, face, renewed).get_json()["email"] == "ada@example.edu"


def test_a_code_not_yet_redeemed_brings_what_is_known_then(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    reply = web.post(authorize_url(PAGES["oidc"].authorize, "oidc"), data={"persona": "ada-oidc"})
    provider.update_claims("ada-oidc", groups=["new"])
    form = {"grant_type": "authorization_code", "code": callback_query(reply)["code"]}
    form |= own("oidc") | {"redirect_uri": CALLBACK}
    issued = web.post(PAGES["oidc"].token, data=form).get_json()
    assert claims_of(issued["id_token"])["groups"] == ["new"]


def test_a_change_leaves_edited_claims_and_other_people_alone(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    form = {"persona": "ada-oidc", "claims": '{"sub": "eve", "locale": null}'}
    web.post(authorize_url(PAGES["oidc"].authorize, "oidc"), data=form)
    provider.update_claims("ada-oidc", hd="new.example")
    (session,) = provider._state._sessions.values()
    assert session.signin.claims == {"sub": "eve", "locale": None, "hd": "new.example"}
    tokens = log_in(provider.app.test_client(), "keycloak")
    assert userinfo(web, "keycloak", tokens).get_json()["hd"] == "example.edu"


def test_githubs_organisations_and_custos_memberships_change_too(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    tokens = log_in(web, "github", scope="read:org")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    provider.update_claims("ada-github", groups=["chemistry"])
    orgs = web.get("/api/v3/user/orgs", headers=headers).get_json()
    assert [org["login"] for org in orgs] == ["chemistry"]

    realm = "/auth/realms/10000007/protocol/openid-connect/auth"
    assert web.post(authorize_url(realm, "custos"), data={"persona": "ada-custos"})
    provider.update_claims("ada-custos", groups=["group-2"])
    pair = base64.b64encode(f"{CLIENT_IDS['custos']}:s3cret".encode()).decode()
    said = web.get(MEMBERS, headers={"Authorization": f"Bearer {pair}"}).get_json()
    assert [group["id"] for group in said["groups"]] == ["group-2"]


def test_an_unknown_persona_is_an_error(provider: IdentityProvider) -> None:
    for act in (provider.update_claims, provider.disable, provider.enable):
        with pytest.raises(ValueError, match="nobody"):
            act("nobody")


# --- disabled accounts --------------------------------------------------------------------


@EVERY_FACE
def test_a_disabled_account_is_refused_as_that_server_does(
    web: FlaskClient, provider: IdentityProvider, face: str
) -> None:
    words = {
        "cilogon": (400, "no+transaction+for+the+access+token"),
        "keycloak": (401, ""),
        "oidc": (401, "disabled"),
        "github": (403, "Your account was suspended"),
    }
    tokens = log_in(web, face)
    provider.disable(f"ada-{face}")
    reply = userinfo(web, face, tokens)
    status, text = words[face]
    assert (reply.status_code, text in reply.text) == (status, True)
    if face == "keycloak":
        assert "User disabled" in reply.headers["WWW-Authenticate"]
    if face != "github":
        refused = refresh(web, face, tokens)
        assert (refused.status_code, refused.get_json()["error"]) == (400, "invalid_grant")
        form = {"token": tokens["access_token"]} | own(face)
        assert web.post(PAGES[face].introspect, data=form).get_json() == {"active": False}
    assert not is_signed_in(web, face)
    again = web.post(authorize_url(PAGES[face].authorize, face), data={"persona": f"ada-{face}"})
    assert (again.status_code, "disabled" in again.text) == (400, True)


@EVERY_FACE
def test_an_account_enabled_again_works(
    web: FlaskClient, provider: IdentityProvider, face: str
) -> None:
    tokens = log_in(web, face)
    provider.disable(f"ada-{face}")
    provider.enable(f"ada-{face}")
    assert userinfo(web, face, tokens).status_code == 200
    assert is_signed_in(web, face)


def test_an_account_disabled_before_the_code_is_redeemed_gets_no_token(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    reply = web.post(
        authorize_url(PAGES["keycloak"].authorize, "keycloak"), data={"persona": "ada-keycloak"}
    )
    provider.disable("ada-keycloak")
    form = {"grant_type": "authorization_code", "code": callback_query(reply)["code"]}
    form |= own("keycloak") | {"redirect_uri": CALLBACK}
    refused = web.post(PAGES["keycloak"].token, data=form)
    assert refused.get_json() == {"error": "invalid_grant", "error_description": "User disabled"}


def test_disabling_one_person_leaves_others_alone(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.disable("ada-oidc")
    tokens = log_in(web, "keycloak")
    assert userinfo(web, "keycloak", tokens).status_code == 200


# --- counters -----------------------------------------------------------------------------


def test_every_request_counts_at_its_endpoint(web: FlaskClient, provider: IdentityProvider) -> None:
    tokens = log_in(web, "oidc")
    for _ in range(3):
        userinfo(web, "oidc", tokens)
    userinfo(web, "keycloak", {"access_token": "refused"})
    web.get("/oidc/oidc/jwks")
    counts = {name: provider.requests(name) for name in ("authorize", "token", "userinfo")}
    assert counts == {"authorize": 1, "token": 1, "userinfo": 4}
    assert (provider.requests("certs"), provider.requests("discovery")) == (1, 0)
    assert provider.requests() == 7
    provider.reset_counters()
    assert (provider.requests(), provider.requests("userinfo")) == (0, 0)


def test_a_request_that_a_fault_spoils_counts_and_one_for_a_fault_does_not(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.inject("server-error")
    web.get("/oidc/oidc/jwks")
    web.delete("/_fedhub/faults", headers={"Authorization": "Bearer let-me-in"})
    assert (provider.requests("certs"), provider.requests()) == (1, 1)
