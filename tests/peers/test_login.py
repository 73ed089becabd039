"""Logging in at Keycloak: authorize, code, token; the embedded one as the real one."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from tests.peers.realms import ADA, HUB, Realm
from tests.peers.visit import CHALLENGE, PKCE, VERIFIER, Visit, is_page, refused
from tests.providers import CALLBACK, callback_query

WRONG = "Invalid client or Invalid client credentials"
CODE_NOT_VALID = (400, "invalid_grant", "Code not valid")
OTHER = replace(HUB, client_id="hub2")


def test_the_callback_gets_state_session_issuer_and_code(visit: Visit) -> None:
    reply = visit.realm.sign_in(visit.browser, visit.address())
    query = callback_query(reply)
    assert list(query) == ["state", "session_state", "iss", "code"]
    assert (query["state"], query["iss"]) == ("st1", visit.issuer)


def test_a_code_brings_tokens(visit: Visit) -> None:
    reply = visit.redeem(visit.code(nonce="n1"))
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert (reply.headers["cache-control"], reply.headers["pragma"]) == ("no-store", "no-cache")
    said = reply.json()
    assert set(said) == {
        *("access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type"),
        *("id_token", "not-before-policy", "session_state", "scope"),
    }
    assert (said["token_type"], said["expires_in"]) == ("Bearer", 300)
    assert said["refresh_expires_in"] == 1800
    assert set(said["scope"].split()) == {"openid", "email", "profile"}


def unverified(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_the_id_token_is_signed_and_says_who_it_is(visit: Visit) -> None:
    token = visit.log_in(nonce="n1")["id_token"]
    key = jwt.PyJWKClient(visit.at("certs")).get_signing_key_from_jwt(token)
    said = jwt.decode(token, key.key, ["RS256"], audience="hub1", issuer=visit.issuer)
    assert jwt.get_unverified_header(token).keys() == {"alg", "kid", "typ"}
    assert said["exp"] - said["iat"] == 300
    protocol = {"exp", "iat", "auth_time", "jti", "iss", "sub", "sid", "at_hash"}
    assert set(said) - protocol == {"aud", "typ", "azp", "nonce", "acr", *ADA}
    assert {name: said[name] for name in ADA} == ADA
    assert (said["typ"], said["azp"], said["nonce"], said["acr"]) == ("ID", "hub1", "n1", "1")


def test_the_access_token_says_who_it_is_and_what_for(visit: Visit) -> None:
    said = unverified(visit.log_in()["access_token"])
    protocol = {"exp", "iat", "auth_time", "jti", "iss", "sub", "sid"}
    meant = {"aud", "typ", "azp", "acr", "scope", "allowed-origins"}
    assert set(said) - protocol == {*meant, "realm_access", "resource_access", *ADA}
    assert (said["aud"], said["typ"], said["azp"]) == ("account", "Bearer", "hub1")
    assert said["allowed-origins"] == ["http://127.0.0.1:8000"]
    roles = said["realm_access"]["roles"]  # type: ignore[index]
    assert set(roles) == {"default-roles-hubtest", "offline_access", "uma_authorization"}


def test_not_every_key_is_for_signatures(visit: Visit) -> None:
    keys = visit.browser.get(visit.at("certs")).json()["keys"]
    uses = sorted((key["use"], key["alg"]) for key in keys)
    assert uses == [("enc", "RSA-OAEP"), ("sig", "RS256")]
    assert {"kid", "kty", "n", "e"} <= set(keys[0]) & set(keys[1])


@pytest.mark.parametrize("basic", [True, False])
def test_credentials_travel_in_the_header_or_in_the_form(visit: Visit, basic: bool) -> None:
    form = {"grant_type": "authorization_code", "code": visit.code(), "redirect_uri": CALLBACK}
    own = {} if basic else visit.own
    auth = (HUB.client_id, HUB.client_secret) if basic else None
    assert visit.browser.post(visit.at("token"), data=form | own, auth=auth).status_code == 200


@pytest.mark.parametrize("basic", [True, False])
@pytest.mark.parametrize(
    ("client_id", "error"), [("hub1", "unauthorized_client"), ("nobody", "invalid_client")]
)
def test_wrong_credentials_are_refused_and_the_code_still_works(
    visit: Visit, client_id: str, error: str, basic: bool
) -> None:
    code = visit.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    own = {} if basic else {"client_id": client_id, "client_secret": "wrong"}
    auth = (client_id, "wrong") if basic else None
    reply = visit.browser.post(visit.at("token"), data=form | own, auth=auth)
    assert refused(reply) == (401, error, WRONG)
    assert "www-authenticate" not in reply.headers
    assert visit.redeem(code).status_code == 200


def test_without_credentials_nobody_is_known(visit: Visit) -> None:
    reply = visit.redeem("any", client_id="", client_secret="")
    assert refused(reply) == (401, "invalid_client", WRONG)
    assert refused(visit.redeem("any", client_secret="")) == (401, "unauthorized_client", WRONG)


@pytest.mark.parametrize("method", ["S256", "plain", ""])
def test_pkce_binds_a_code_to_its_verifier(visit: Visit, method: str) -> None:
    challenge = CHALLENGE if method == "S256" else VERIFIER
    asked = {"code_challenge": challenge, "code_challenge_method": method}
    assert visit.redeem(visit.code(**asked), code_verifier=VERIFIER).status_code == 200


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "PKCE code verifier not specified"),
        (VERIFIER[::-1], "PKCE verification failed: Code mismatch"),
        ("short", "PKCE verification failed: Invalid code verifier"),
    ],
)
def test_a_wrong_verifier_uses_the_code_up(visit: Visit, given: str, words: str) -> None:
    code = visit.code(**PKCE)
    assert refused(visit.redeem(code, code_verifier=given)) == (400, "invalid_grant", words)
    assert refused(visit.redeem(code, code_verifier=VERIFIER)) == CODE_NOT_VALID


def test_a_verifier_that_was_not_announced_is_refused(visit: Visit) -> None:
    words = "PKCE code verifier specified but challenge not present in authorization"
    reply = visit.redeem(visit.code(), code_verifier=VERIFIER)
    assert refused(reply) == (400, "invalid_grant", words)


@pytest.mark.parametrize("given", [f"{CALLBACK}/", ""])
def test_another_callback_uses_the_code_up(visit: Visit, given: str) -> None:
    code = visit.code()
    reply = visit.redeem(code, redirect_uri=given)
    assert refused(reply) == (400, "invalid_grant", "Incorrect redirect_uri")
    assert refused(visit.redeem(code)) == CODE_NOT_VALID


def test_another_client_uses_the_code_up(visit: Visit) -> None:
    visit.realm.add_client(OTHER)
    code = visit.code()
    words = "Auth error: Found different client_id in clientSession"
    assert refused(visit.redeem(code, client_id="hub2")) == (400, "invalid_grant", words)
    assert refused(visit.redeem(code)) == CODE_NOT_VALID


@pytest.mark.parametrize("client_id", ["hub1", "hub2"])
def test_a_code_used_twice_withdraws_what_the_hub_got_in_this_session(
    visit: Visit, client_id: str
) -> None:
    visit.realm.add_client(OTHER)
    before, others = visit.log_in(), Visit(visit.realm, OTHER, visit).come_again()
    code = callback_query(visit.begin())["code"]
    tokens = visit.redeem(code).json()
    assert refused(visit.redeem(code, client_id=client_id)) == CODE_NOT_VALID
    for one in (before, tokens):
        assert "user_session_not_found" in challenge_of(visit, one)
    words = "Session doesn't have required client"
    assert refused(visit.refresh(tokens)) == (400, "invalid_grant", words)
    assert visit.userinfo(others["access_token"]).status_code == 200
    assert visit.is_signed_in


def challenge_of(visit: Visit, tokens: dict[str, str]) -> str:
    reply = visit.userinfo(tokens["access_token"])
    assert (reply.status_code, reply.text) == (401, "")
    return str(reply.headers["www-authenticate"])


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"code": "nonsense"}, CODE_NOT_VALID),
        ({"code": ""}, (400, "invalid_request", "Missing parameter: code")),
        (
            {"grant_type": "odd"},
            (400, "unsupported_grant_type", "Unsupported grant_type"),
        ),
        (
            {"grant_type": ""},
            (400, "invalid_request", "Missing form parameter: grant_type"),
        ),
    ],
)
def test_a_request_that_makes_no_sense_is_told_why(
    visit: Visit, form: dict[str, str], said: tuple[int, str, str]
) -> None:
    assert refused(visit.redeem(**{"code": "any", **form})) == said


def test_a_parameter_sent_twice_is_refused(visit: Visit) -> None:
    form = {"grant_type": ["authorization_code"] * 2, "code": "any", **visit.own}
    reply = visit.browser.post(visit.at("token"), data=form)
    assert refused(reply) == (400, "invalid_request", "duplicated parameter")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"redirect_uri": f"{CALLBACK}/"}, "Invalid parameter: redirect_uri"),
        ({"redirect_uri": f"{CALLBACK}?x=1"}, "Invalid parameter: redirect_uri"),
        ({"redirect_uri": ""}, "Invalid parameter: redirect_uri"),
        ({"client_id": "nobody"}, "Client not found."),
        ({"client_id": ""}, "Invalid Request"),
    ],
)
def test_a_wrong_callback_or_client_ends_on_a_page(
    visit: Visit, wrong: dict[str, str], words: str
) -> None:
    assert is_page(visit.begin(**wrong), 400, words)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"response_type": ""}, "invalid_request", "Missing parameter: response_type"),
        ({"response_type": "odd"}, "unsupported_response_type", ""),
        (
            {**PKCE, "code_challenge_method": "odd"},
            "invalid_request",
            "Invalid parameter: code_challenge_method",
        ),
        (
            {**PKCE, "code_challenge": "short"},
            "invalid_request",
            "Invalid parameter: code_challenge",
        ),
        (
            {"code_challenge_method": "S256"},
            "invalid_request",
            "Missing parameter: code_challenge",
        ),
        ({"prompt": "none"}, "login_required", ""),
        ({"prompt": "none login"}, "login_required", ""),
    ],
)
def test_any_other_mistake_is_told_to_the_callback(
    visit: Visit, wrong: dict[str, str], error: str, words: str
) -> None:
    said = list(callback_query(visit.begin(**wrong)).items())
    described = [("error_description", words)] if words else []
    assert said == [("error", error), *described, ("state", "st1"), ("iss", visit.issuer)]


def test_a_parameter_that_is_repeated_is_told_to_the_callback(visit: Visit) -> None:
    reply = visit.browser.get(visit.address() + "&state=st2")
    assert callback_query(reply)["error_description"] == "duplicated parameter"


def test_somebody_who_signed_in_is_not_asked_again(visit: Visit) -> None:
    first = visit.log_in()
    assert callback_query(visit.begin())["session_state"] == first["session_state"]


@pytest.mark.parametrize(("prompt", "asks"), [("login", True), ("select_account", False)])
def test_of_prompts_that_ask_again_only_login_is_known(
    visit: Visit, prompt: str, asks: bool
) -> None:
    visit.log_in()
    assert (visit.begin(prompt=prompt).status_code == 200) is asks


def test_two_hubs_share_the_session(visit: Visit) -> None:
    visit.realm.add_client(OTHER)
    first, second = visit.log_in(), Visit(visit.realm, OTHER, visit).come_again()
    assert first["session_state"] == second["session_state"]
    assert unverified(second["id_token"])["aud"] == "hub2"


def test_another_browser_is_asked(visit: Visit, realm: Realm) -> None:
    visit.log_in()
    with Visit(realm) as stranger:
        assert is_page(stranger.begin(), 200)
        assert not stranger.is_signed_in


def test_the_callback_keeps_what_the_hub_did_not_send_out_of_it(visit: Visit) -> None:
    reply = visit.realm.sign_in(visit.browser, visit.address(state=""))
    query = dict(parse_qsl(urlsplit(reply.headers["location"]).query))
    assert set(query) == {"session_state", "iss", "code"}
