"""What a provider, or code that fails, might repeat of a login is on no page and in no log."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from fedhub_authenticators.plain_words import without_secrets
from hypothesis import given
from hypothesis import strategies as st
from oauthenticator.tests.mocks import MockAsyncHTTPClient
from tornado.httpclient import HTTPResponse

from tests.asynchronous import run_async
from tests.unit.authenticators.log_lines import listening
from tests.unit.authenticators.logins import GENERIC, configured, one, running

SECRET = "of-the-hub-alone"
CONFIG = GENERIC | {
    "username_claim": "name",
    "allow_all": True,
    "scope": [],
    "client_id": "the-hub",
    "client_secret": SECRET,
}
CODE = "c0de"


@pytest.mark.parametrize("key", ["error_description", "message", "error"])
def test_a_provider_that_quotes_the_login_is_not_quoted_whole(key: str) -> None:
    def token(request: Any) -> HTTPResponse:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        verifier = form.get("code_verifier", "")
        words = f"Code {form['code']} is wrong for {form['client_secret']} and {verifier}, sorry"
        return HTTPResponse(request, 400, buffer=io.BytesIO(json.dumps({key: words}).encode()))

    async def go() -> None:
        async with running(configured(one("generic-oauth", CONFIG))) as (hub, visitor):
            begun = await visitor.begin("/hub/oauth_login")
            client = MockAsyncHTTPClient(force_instance=True)
            client.add_host("oidc.example.org", [("/token", token)])
            hub.authenticator.http_client = client
            with listening() as lines:
                query = {"code": CODE, "state": begun["state"]}
                reply = await visitor.get("/hub/oauth_callback", params=query)
            assert reply.status_code == 502
            assert "It says: “Code … is wrong for … and …, sorry”" in reply.text
            for text in (reply.text, "\n".join(lines)):
                assert CODE not in text
                assert SECRET not in text

    run_async(go())


def test_code_that_fails_in_a_login_is_logged_without_the_login() -> None:
    def hook(authenticator: Any, handler: Any, model: Any) -> Any:
        raise RuntimeError("the operator's mistake")

    async def go() -> None:
        c = configured(one("generic-oauth", CONFIG))
        c.Authenticator.post_auth_hook = hook
        async with running(c) as (hub, visitor):
            with listening() as lines:
                reply = await visitor.log_in(hub.authenticator, {"sub": "1", "name": "ada"})
            assert reply.status_code == 500
            assert any("the operator's mistake" in line for line in lines)
            code = parse_qs(reply.request.url.query.decode())["code"][0]
            assert not [line for line in lines if code in line]

    run_async(go())


def test_a_state_that_is_no_text_is_of_no_login_begun_here() -> None:
    async def go() -> None:
        async with running(configured(one("generic-oauth", CONFIG))) as (_, visitor):
            await visitor.begin("/hub/oauth_login")
            with listening() as lines:
                query = {"code": CODE, "state": "é"}
                reply = await visitor.get("/hub/oauth_callback", params=query)
            assert reply.status_code == 400
            assert "not begun in this browser" in reply.text
            assert not [line for line in lines if CODE in line]

    run_async(go())


def test_nobody_logs_in_through_the_hubs_api() -> None:
    async def go() -> None:
        async with running(configured(one("generic-oauth", CONFIG))) as (hub, visitor):
            client = MockAsyncHTTPClient(force_instance=True)
            hub.authenticator.http_client = client  # which knows no host
            page = "/hub/api/users/ada/tokens"
            reply = await visitor.post(page, params={"code": CODE}, json={"auth": {"code": CODE}})
            assert reply.status_code in (400, 403)

    run_async(go())


# --- what looks like a secret ---------------------------------------------------------------

PLAIN = [
    "Code not valid",
    "invalid_client_credentials_or_client_metadata",
    "The redirect_uri https://hub.example.org/hub/oauth_callback is not registered",
    "AADSTS50011: The reply URL does not match",
]


@pytest.mark.parametrize("words", PLAIN)
def test_words_stay_as_they_are(words: str) -> None:
    assert without_secrets(words, ["", SECRET]) == words


@given(
    st.text(max_size=40),
    st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_", min_size=20, max_size=80),
    st.text(max_size=40),
)
def test_what_looks_like_a_token_goes(before: str, token: str, after: str) -> None:
    token = f"{token}7"
    assert token not in without_secrets(f"{before} {token} {after}", [])


@given(st.text(max_size=40), st.text(min_size=1, max_size=20), st.text(max_size=40))
def test_a_known_secret_goes(before: str, secret: str, after: str) -> None:
    found = without_secrets(f"{before}{secret}{after}", [secret, secret[:1]])
    assert secret == "…" or secret not in found
