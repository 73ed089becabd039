"""Who has signed in goes on without the page, unless `prompt` asks for it, or forbids it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from fedhub.access.persona import Persona
from fedhub.idp.server import IdentityProvider
from tests.providers import CLAIMS, ENTITY, authorize_url, callback_query, persona

OTHER = "https://other.example.org/idp"
REALM = "/realms/hubtest/protocol/openid-connect"
EVERY_AUTHORIZE = [
    ("cilogon", "/authorize"),
    ("keycloak", f"{REALM}/auth"),
    ("keycloak", f"/auth{REALM}/auth"),
    ("custos", "/auth/realms/10000007/protocol/openid-connect/auth"),
    ("github", "/login/oauth/authorize"),
    ("oidc", "/oidc/oidc/authorize"),
]
EVERY_FACE = pytest.mark.parametrize(("face", "path"), EVERY_AUTHORIZE)


def sign_in(web: FlaskClient, face: str, path: str, name: str = "") -> None:
    form = {"persona": name or f"ada-{face}"}
    assert callback_query(web.post(authorize_url(path, face), data=form))["code"]


@EVERY_FACE
def test_a_browser_that_signed_in_goes_on_at_once(web: FlaskClient, face: str, path: str) -> None:
    assert web.get(authorize_url(path, face)).status_code == 200
    sign_in(web, face, path)
    assert callback_query(web.get(authorize_url(path, face)))["code"]


@EVERY_FACE
def test_another_browser_is_asked(
    web: FlaskClient, provider: IdentityProvider, face: str, path: str
) -> None:
    sign_in(web, face, path)
    assert provider.app.test_client().get(authorize_url(path, face)).status_code == 200


@EVERY_FACE
@pytest.mark.parametrize("prompt", ["login", "select_account", "consent select_account"])
def test_whoever_is_to_be_asked_again_is_asked(
    web: FlaskClient, face: str, path: str, prompt: str
) -> None:
    sign_in(web, face, path)
    reply = web.get(authorize_url(path, face, prompt=prompt))
    unknown = {"github": "login", "keycloak": "select_account", "custos": "select_account"}
    if prompt.removeprefix("consent ") == unknown.get(face):
        assert callback_query(reply)["code"]
    else:
        assert (reply.status_code, "Sign in" in reply.text) == (200, True)


@EVERY_FACE
def test_prompt_none_signs_in_or_says_that_nobody_is_there(
    web: FlaskClient, face: str, path: str
) -> None:
    silent = authorize_url(path, face, prompt="none")
    if face == "github":
        assert web.get(silent).status_code == 200
        return
    refused = callback_query(web.get(silent))
    assert (refused["error"], refused["state"]) == ("login_required", "st1")
    sign_in(web, face, path)
    assert callback_query(web.get(silent))["code"]


@pytest.mark.parametrize("prompt", ["none login", "none select_account", "none none consent"])
def test_none_goes_with_nothing_else(web: FlaskClient, prompt: str) -> None:
    sign_in(web, "oidc", "/oidc/oidc/authorize")
    reply = web.get(authorize_url("/oidc/oidc/authorize", "oidc", prompt=prompt))
    assert callback_query(reply)["error"] == "invalid_request"


def test_who_signs_in_anew_is_who_is_remembered(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    bob = Persona("bob", "oidc", ENTITY, "Example University", "", CLAIMS | {"sub": "bob-sub"})
    provider.set_personas([persona("oidc"), bob])
    path = "/oidc/oidc/authorize"
    sign_in(web, "oidc", path)
    sign_in(web, "oidc", path, "bob")
    assert callback_query(web.get(authorize_url(path, "oidc")))["code"]
    scope = "oidc/oidc"
    value = web.get_cookie("idp_session", path="/oidc/oidc/")
    assert value is not None
    session = provider._state.session_in(scope, value.value)
    assert session is not None
    assert session.signin.persona == "bob"


def test_a_session_at_one_institution_is_of_no_use_for_another_ones_hint(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    bob = Persona("bob", "cilogon", OTHER, "Other", "", dict(CLAIMS))
    provider.set_personas([persona("cilogon"), bob])
    sign_in(web, "cilogon", "/authorize")
    for hint, goes_on in ((ENTITY, True), (f"{OTHER},{ENTITY}", True), (OTHER, False)):
        address = authorize_url("/authorize", "cilogon", idphint=hint)
        assert (web.get(address).status_code == 302) is goes_on, hint
    # Nobody there has that institution: CILogon drops the hint.
    unknown = authorize_url("/authorize", "cilogon", idphint="https://unknown.example")
    assert web.get(unknown).status_code == 302
    silent = authorize_url("/authorize", "cilogon", idphint=OTHER, prompt="none")
    assert callback_query(web.get(silent))["error"] == "interaction_required"


def test_choosing_an_account_at_cilogon_leaves_a_session_good_for_its_institution(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    """`select_account` shows the list of institutions, and no more; `login` ends a session."""
    bob = Persona("bob", "cilogon", ENTITY, "Example University", "", CLAIMS | {"sub": "bob-sub"})
    eve = Persona("eve", "cilogon", OTHER, "Other", "", CLAIMS | {"sub": "eve-sub"})
    provider.set_personas([persona("cilogon"), bob, eve])
    sign_in(web, "cilogon", "/authorize")
    asked = authorize_url("/authorize", "cilogon", prompt="select_account")
    page = web.get(asked).text
    assert re.findall('name="persona" value="([^"]*)"', page) == ["ada-cilogon", "eve"]
    assert "Go on as ada-cilogon" in page
    assert who(provider, web.post(asked, data={"persona": "bob"})) == "ada-cilogon"
    assert who(provider, web.post(asked, data={"persona": "eve"})) == "eve"
    assert who(provider, web.post(asked, data={"persona": "bob"})) == "bob"
    anew = authorize_url("/authorize", "cilogon", prompt="login")
    assert "Sign in as ada-cilogon" in web.get(anew).text
    assert who(provider, web.post(anew, data={"persona": "ada-cilogon"})) == "ada-cilogon"
    web.get("/logout/")
    assert who(provider, web.post(asked, data={"persona": "bob"})) == "bob"


def who(provider: IdentityProvider, reply: Any) -> str:
    """The persona whom a code was given for."""
    code = provider._state.peek_code(callback_query(reply)["code"])
    assert code is not None
    return code.signin.persona


def test_a_persona_signed_in_without_asking_can_still_be_asked(
    web: FlaskClient, provider: IdentityProvider
) -> None:
    provider.sign_in_as("ada-cilogon")
    asked = authorize_url("/authorize", "cilogon", prompt="select_account")
    assert web.get(asked).status_code == 200
    silent = authorize_url("/authorize", "cilogon", prompt="none")
    assert callback_query(provider.app.test_client().get(silent))["code"]


@EVERY_FACE
def test_the_cookie_goes_to_the_sites_pages_only_and_tells_clients_nothing(
    web: FlaskClient, face: str, path: str
) -> None:
    reply = web.post(authorize_url(path, face), data={"persona": f"ada-{face}"})
    cookies = reply.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        value, *attributes = cookie.split("; ")
        assert {"HttpOnly", "SameSite=Lax"} <= set(attributes)
        assert "Path=/" not in attributes
        assert value.partition("=")[2] not in reply.headers["Location"]
    session = callback_query(reply).get("session_state")
    if session:  # what a client knows of the session does not open it
        strange = web.application.test_client()
        name = cookies[0].partition("=")[0]
        for forged in (session, f"{session}.", f"{session}.x"):
            strange.set_cookie(name, forged, path="/")
            assert strange.get(authorize_url(path, face)).status_code == 200
