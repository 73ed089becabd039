"""The scopes granted decide which claims a client gets, each face by its own rule."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from fedhub.idp.claims import CILOGON_SCOPES, OIDC_SCOPES, select_cilogon, select_oidc
from tests.providers import (
    CALLBACK,
    CLAIMS,
    CLIENT_IDS,
    ENTITY,
    SECRET,
    authorize_url,
    callback_query,
)

FACES = {
    "cilogon": ("/authorize", "/oauth2/token", "/oauth2/userinfo"),
    "keycloak": tuple(
        f"/realms/hubtest/protocol/openid-connect/{name}" for name in ("auth", "token", "userinfo")
    ),
    "oidc": ("/oidc/oidc/authorize", "/oidc/oidc/token", "/oidc/oidc/userinfo"),
}
CLAIM_SETS = st.dictionaries(
    st.sampled_from([*CLAIMS, "groups", "idp", "eptid", "phone_number"]), st.just("value")
)
SCOPES = st.lists(st.sampled_from([*OIDC_SCOPES, "openid", "org.cilogon.userinfo"])).map(" ".join)


def log_in(web: FlaskClient, face: str, scope: str) -> dict[str, Any]:
    """The token reply after a login with this scope."""
    address, token, _ = FACES[face]
    asked = authorize_url(address, face, scope=scope)
    code = callback_query(web.post(asked, data={"persona": f"ada-{face}"}))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    reply = web.post(token, data=form | {"client_id": CLIENT_IDS[face], "client_secret": SECRET})
    issued = reply.json
    assert isinstance(issued, dict), reply.text
    return issued


def told(web: FlaskClient, face: str, scope: str) -> dict[str, Any]:
    """What userinfo says after a login with this scope."""
    headers = {"Authorization": f"Bearer {log_in(web, face, scope)['access_token']}"}
    claims = web.get(FACES[face][2], headers=headers).json
    assert isinstance(claims, dict)
    return claims


@pytest.mark.parametrize(
    ("scope", "present", "absent"),
    [
        ("openid", {"sub", "iss", "aud"}, {"email", "name", "eppn", "idp"}),
        ("openid email", {"email"}, {"name", "eppn", "idp"}),
        ("openid profile", {"name", "preferred_username"}, {"email", "eppn", "idp"}),
        ("openid org.cilogon.userinfo", {"eppn", "idp", "idp_name"}, {"email", "name"}),
    ],
)
def test_cilogon_gives_a_claim_for_its_scope_only(
    web: FlaskClient, scope: str, present: set[str], absent: set[str]
) -> None:
    claims = set(told(web, "cilogon", scope))
    assert present <= claims
    assert not absent & claims


def test_cilogon_names_the_institution(web: FlaskClient) -> None:
    claims = told(web, "cilogon", "openid org.cilogon.userinfo")
    assert (claims["idp"], claims["idp_name"]) == (ENTITY, "Example University")


@given(CLAIM_SETS, SCOPES)
def test_cilogon_never_gives_more_than_its_table(claims: dict[str, str], scope: str) -> None:
    ruled = {claim: name for name, ruled in CILOGON_SCOPES.items() for claim in ruled}
    for claim in select_cilogon(claims, scope):
        assert ruled.get(claim, "org.cilogon.userinfo") in scope.split()


@given(CLAIM_SETS, SCOPES)
def test_an_issuer_withholds_standard_claims_and_nothing_else(
    claims: dict[str, str], scope: str
) -> None:
    needed = {claim: name for name, ruled in OIDC_SCOPES.items() for claim in ruled}
    expected = {c for c in claims if c not in needed or needed[c] in scope.split()}
    assert set(select_oidc(claims, scope)) == expected


def test_an_issuer_withholds_the_address_without_its_scope(web: FlaskClient) -> None:
    assert "email" not in told(web, "oidc", "openid")
    assert "email" in told(web, "oidc", "openid email")


def test_empty_attributes_are_omitted_by_cilogon() -> None:
    empty = {"eppn": "", "affiliation": None, "isMemberOf": [], "ou": "x"}
    assert select_cilogon(empty, "org.cilogon.userinfo") == {"ou": "x"}


def test_keycloak_gives_email_and_profile_unasked(web: FlaskClient) -> None:
    claims = told(web, "keycloak", "openid")
    assert (claims["email"], claims["name"]) == ("ada@example.edu", "Ada Lovelace")
    assert log_in(web, "keycloak", "openid")["scope"] == "openid email profile"


def test_keycloak_refuses_userinfo_without_openid(web: FlaskClient) -> None:
    issued = log_in(web, "keycloak", "email")
    assert "id_token" not in issued
    headers = {"Authorization": f"Bearer {issued['access_token']}"}
    reply = web.get(FACES["keycloak"][2], headers=headers)
    assert reply.status_code == 403
    assert 'error="insufficient_scope"' in reply.headers["WWW-Authenticate"]


@pytest.mark.parametrize("face", ["cilogon", "oidc"])
def test_without_openid_there_is_no_id_token(web: FlaskClient, face: str) -> None:
    assert "id_token" not in log_in(web, face, "email")
    assert "id_token" in log_in(web, face, "openid email")


def test_a_person_cannot_edit_the_protocols_own_claims(web: FlaskClient) -> None:
    lies = {"iss": "https://evil.example", "aud": "x", "exp": 1, "nonce": "n"}
    address, token, _ = FACES["oidc"]
    asked = authorize_url(address, "oidc", nonce="mine")
    form = {"persona": "ada-oidc", "claims": json.dumps(lies)}
    code = callback_query(web.post(asked, data=form))["code"]
    own = {"client_id": CLIENT_IDS["oidc"], "client_secret": SECRET, "redirect_uri": CALLBACK}
    given = own | {"grant_type": "authorization_code", "code": code}
    issued = web.post(token, data=given).json
    assert isinstance(issued, dict)
    body = json.loads(base64.urlsafe_b64decode(issued["id_token"].split(".")[1] + "=="))
    assert (body["iss"], body["aud"]) == ("http://127.0.0.1:9/oidc/oidc", CLIENT_IDS["oidc"])
    assert (body["nonce"], body["exp"] > 1) == ("mine", True)
