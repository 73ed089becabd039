"""The sign-in page: who is offered, what a person may edit, and what the page never does."""

from __future__ import annotations

import html
import json
import re

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedhub.access.persona import Persona
from fedhub.idp.claims import parse_claims
from fedhub.idp.client import Client, Face
from fedhub.idp.server import IdentityProvider
from fedhub.idp.signin import institutions
from tests.providers import CALLBACK, CLAIMS, ENTITY, SECRET, authorize_url, callback_query

OTHER = "https://other.example.org/idp"
EVERY_AUTHORIZE = [
    ("cilogon", "/authorize"),
    ("keycloak", "/realms/hubtest/protocol/openid-connect/auth"),
    ("keycloak", "/auth/realms/hubtest/protocol/openid-connect/auth"),
    ("custos", "/auth/realms/10000007/protocol/openid-connect/auth"),
    ("github", "/login/oauth/authorize"),
    ("oidc", "/oidc/oidc/authorize"),
]


def somebody(name: str, idp: str = ENTITY, provider: str = "cilogon") -> Persona:
    return Persona(name, provider, idp, f"Home of {idp}", f"About {name}", dict(CLAIMS))


def offered(page: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r'name="persona" value="([^"]*)"', page)]


@pytest.mark.parametrize(("face", "path"), EVERY_AUTHORIZE)
def test_every_face_offers_its_own_personas_and_takes_one(
    web: FlaskClient, face: str, path: str
) -> None:
    address = authorize_url(path, face)
    assert offered(web.get(address).text) == [f"ada-{face}"]
    query = callback_query(web.post(address, data={"persona": f"ada-{face}"}))
    assert query["code"]
    assert query["state"] == "st1"


@pytest.mark.parametrize(("face", "path"), EVERY_AUTHORIZE)
def test_the_page_says_that_it_is_a_preview_and_of_what(
    web: FlaskClient, face: str, path: str
) -> None:
    names = {"cilogon": "CILogon", "keycloak": "Keycloak", "custos": "Custos", "github": "GitHub"}
    page = html.unescape(web.get(authorize_url(path, face)).text)
    assert "Preview identity provider" in page
    assert names.get(face, "OpenID Connect") in page


def test_the_page_works_without_scripts_or_foreign_files_and_cannot_be_framed(
    web: FlaskClient,
) -> None:
    reply = web.get(authorize_url("/authorize", "cilogon"))
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script" not in reply.text
    assert not re.findall(r'(?:src|href)="', reply.text)
    nonce = re.search(r'<style nonce="([^"]+)"', reply.text)
    assert nonce is not None
    assert f"'nonce-{nonce[1]}'" in policy


def test_a_persona_of_another_provider_is_neither_shown_nor_taken(web: FlaskClient) -> None:
    reply = web.post(authorize_url("/authorize", "cilogon"), data={"persona": "ada-github"})
    assert reply.status_code == 400
    assert 'role="alert"' in reply.text


def test_a_persona_named_in_the_query_is_not_signed_in(web: FlaskClient) -> None:
    address = authorize_url("/authorize", "cilogon", persona="ada-cilogon")
    assert web.get(address).status_code == 200


def test_edited_claims_are_sent_instead(web: FlaskClient) -> None:
    form = {"persona": "ada-cilogon", "claims": '{"email": "eve@example.org", "sub": "eve"}'}
    asked = authorize_url("/authorize", "cilogon", scope="openid email profile")
    code = callback_query(web.post(asked, data=form))["code"]
    token = web.post("/oauth2/token", data=code_form("cilogon:/client_id/1a2b", code)).json
    assert token is not None
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    told = web.get("/oauth2/userinfo", headers=headers).json
    assert told is not None
    assert (told["sub"], told["email"]) == ("eve", "eve@example.org")
    assert "name" not in told


def code_form(client_id: str, code: str) -> dict[str, str]:
    own = {"client_id": client_id, "client_secret": SECRET, "redirect_uri": CALLBACK}
    return own | {"grant_type": "authorization_code", "code": code}


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "3", '{"sub": ""}', '{"sub": 7}', '{"a": NaN}', '{"a": "\\ud800"}', "x" * 70000],
)
def test_unusable_claims_come_back_with_a_reason_and_the_text_kept(
    web: FlaskClient, text: str
) -> None:
    form = {"persona": "ada-cilogon", "claims": text}
    reply = web.post(authorize_url("/authorize", "cilogon"), data=form)
    assert reply.status_code == 400
    assert 'role="alert"' in reply.text
    assert text in html.unescape(reply.text)


@given(st.text(max_size=300))
def test_any_text_is_an_object_or_a_reason(text: str) -> None:
    try:
        claims = parse_claims(text)
    except ValueError as error:
        assert str(error)
    else:
        assert isinstance(claims, dict)
        assert json.loads(text) == claims


def test_deep_nesting_is_a_reason() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_claims("[" * 60000)


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=40))
@example('"><script>alert(1)</script>')
@example("<img src=x onerror=alert(1)>")
@example("</textarea><form>")
@example("{{ 7 * 7 }}' onfocus='x")
def test_whatever_a_persona_is_called_the_page_is_text_and_the_name_signs_in(name: str) -> None:
    provider = IdentityProvider(public_url="http://127.0.0.1:9")
    provider.add_client(Client("cilogon", "cilogon", "c", SECRET, (CALLBACK,)))
    strange = Persona(name, "cilogon", name, name, name, {"email": name})
    provider.set_personas([strange])
    web = provider.app.test_client()
    address = authorize_url("/authorize", "cilogon", client_id="c", idphint=name)
    page = web.get(address).text
    assert page.count("<form") == 2
    assert page.count("<button") == 2
    assert not re.search(
        r"<(?!/?(html|head|meta|title|style|body|p|main|h1|h2|strong|details"
        r"|summary|code|form|button|label|textarea|!doctype))[a-z!]",
        page,
    )
    if "\r" not in name and "\n" not in name and "\x00" not in name:
        assert offered(page) == [name]
    assert web.post(address, data={"persona": name}).status_code == 302


def test_hinted_institutions_come_first_and_the_others_are_set_apart() -> None:
    people = [somebody("ada"), somebody("bob", OTHER), somebody("eve", "https://third.example")]
    groups = institutions(people, wanted=["https://unknown.example", OTHER, ENTITY])
    assert [group.entity_id for group in groups] == [OTHER, ENTITY, "https://third.example"]
    assert [group.hidden for group in groups] == [False, False, True]
    assert all(group.preselected for group in groups)


def test_unknown_hints_are_dropped_and_then_all_are_shown() -> None:
    groups = institutions([somebody("ada")], wanted=["https://unknown.example"])
    assert [(g.entity_id, g.hidden, g.preselected) for g in groups] == [(ENTITY, False, True)]


def test_initialidp_only_preselects() -> None:
    people = [somebody("ada"), somebody("bob", OTHER)]
    groups = institutions(people, wanted=[], first=OTHER)
    assert [(g.entity_id, g.hidden, g.preselected) for g in groups] == [
        (ENTITY, False, False),
        (OTHER, False, True),
    ]


def test_idphint_wins_over_selected_idp(web: FlaskClient, provider: IdentityProvider) -> None:
    provider.set_personas([somebody("ada"), somebody("bob", OTHER)])
    hints = {"idphint": OTHER, "selected_idp": ENTITY}
    page = web.get(authorize_url("/authorize", "cilogon", **hints)).text
    visible, _, hidden = page.partition("asked not to offer")
    assert (offered(visible), offered(hidden)) == (["bob"], ["ada"])


def test_idplist_is_what_cilogon_publishes(web: FlaskClient, provider: IdentityProvider) -> None:
    provider.set_personas([somebody("ada"), somebody("bob", OTHER), somebody("x", "i", "github")])
    everybody = web.get("/idplist/").json
    assert everybody is not None
    assert [sorted(entry) for entry in everybody] == [
        ["DisplayName", "EntityID", "OrganizationName", "RandS"]
    ] * 2
    hinted = web.get("/idplist/", query_string={"idphint": OTHER}).json
    assert hinted is not None
    assert [entry["EntityID"] for entry in hinted] == [OTHER]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "c" * 43, "code_challenge_method": "S512"}, "invalid_request"),
    ],
)
def test_a_mistake_of_the_client_is_reported_to_its_callback(
    web: FlaskClient, change: dict[str, str], error: str
) -> None:
    for face, path in EVERY_AUTHORIZE:
        if face == "github" and "response_type" in change and not change["response_type"]:
            continue  # GitHub asks for none
        query = callback_query(web.get(authorize_url(path, face, **change)))
        assert (query["error"], query["state"]) == (error, "st1")
        # Keycloak leaves it at the code.
        said = face in ("keycloak", "custos") and error == "unsupported_response_type"
        assert ("error_description" in query) is not said


@pytest.mark.parametrize(("face", "path"), EVERY_AUTHORIZE)
def test_no_strange_callback_is_ever_redirected_to(web: FlaskClient, face: str, path: str) -> None:
    for strange in (f"{CALLBACK}/", f"{CALLBACK}?x=1", CALLBACK.upper(), "javascript:alert(1)"):
        for reply in (
            web.get(authorize_url(path, face, redirect_uri=strange)),
            web.post(authorize_url(path, face, redirect_uri=strange), data={"cancel": "1"}),
            web.post(
                authorize_url(path, face, redirect_uri=strange), data={"persona": f"ada-{face}"}
            ),
        ):
            assert not reply.headers.get("Location", "").startswith(strange + "?code")
            if face == "github":  # reported to the registered callback, as GitHub does
                assert callback_query(reply)["error"] == "redirect_uri_mismatch"
            else:
                assert reply.status_code == 400


@pytest.mark.parametrize("face", ["custos", "keycloak"])
def test_idplist_has_those_who_come_through_a_broker(
    web: FlaskClient, provider: IdentityProvider, face: Face
) -> None:
    entity_id = f"https://{face}.example.org/idp"
    provider.set_personas([Persona("eve", face, entity_id, face.title(), "", {})])
    listed = web.get("/idplist/").json or []
    assert [one["EntityID"] for one in listed] == [entity_id]
