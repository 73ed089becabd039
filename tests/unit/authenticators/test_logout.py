"""Logging out of the hub is logging out of the provider, as far as the provider offers it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from fedhub_authenticators.logout import LONGEST_HINT
from fedhub_authenticators.providers import find_class, ours
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.providers import CALLBACK, CLIENT_IDS, ENTITY, SECRET
from tests.unit.authenticators.faces import CLASSES, RULE, hub_at_face, log_in, query_of
from tests.unit.authenticators.logins import Visitor, running

ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}


@asynccontextmanager
async def logged_in(c: Config, face: str) -> AsyncIterator[tuple[Any, Visitor, dict[str, Any]]]:
    """A hub, a visitor who is logged in, and what the hub keeps of them."""
    async with running(c) as (hub, visitor):
        reply = await log_in(visitor, face)
        assert reply.status_code == 302, reply.text
        (user,) = hub.users.values()
        yield hub, visitor, await user.get_auth_state() or {}


async def is_out(visitor: Visitor) -> bool:
    return "login" in (await visitor.get("/hub/home")).headers.get("location", "")


async def is_worth_something(visitor: Visitor, userinfo: str, token: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as service:
        reply = await service.get(userinfo, headers={"Authorization": f"Bearer {token}"})
    return reply.status_code == 200


# --- there and back -----------------------------------------------------------------------


@pytest.mark.parametrize("face", ["oidc", "keycloak"])
def test_people_go_to_the_providers_logout_and_come_back(
    provider: IdentityProvider, face: str
) -> None:
    async def go() -> None:
        c = hub_at_face(provider, face, post_logout_redirect_uri="http://127.0.0.1:8000/hub/login")
        async with logged_in(c, face) as (_, visitor, kept):
            page = await visitor.get("/hub/logout")
            assert query_of(page.headers["location"]) == {
                "id_token_hint": kept["id_token"],
                "post_logout_redirect_uri": "http://127.0.0.1:8000/hub/login",
            }
            assert await is_out(visitor)
            back = await visitor.get(page.headers["location"])
            assert back.headers["location"] == "http://127.0.0.1:8000/hub/login"

    run_async(go())


def test_people_come_back_to_the_callback_url_unless_told_otherwise(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        async with logged_in(hub_at_face(provider, "oidc"), "oidc") as (_, visitor, _kept):
            address = (await visitor.get("/hub/logout")).headers["location"]
            assert query_of(address)["post_logout_redirect_uri"] == CALLBACK

    run_async(go())


def test_without_auth_state_the_provider_learns_which_client_it_is(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        c = hub_at_face(provider, "oidc", enable_auth_state=False)
        c.Authenticator.enable_auth_state = False
        async with logged_in(c, "oidc") as (_, visitor, kept):
            assert kept == {}
            query = query_of((await visitor.get("/hub/logout")).headers["location"])
            assert query["client_id"] == CLIENT_IDS["oidc"]
            assert "id_token_hint" not in query

    run_async(go())


def test_the_operators_own_page_comes_before_all(provider: IdentityProvider) -> None:
    async def go() -> None:
        c = hub_at_face(provider, "oidc", logout_redirect_url="https://www.example.org/bye")
        async with logged_in(c, "oidc") as (_, visitor, kept):
            page = await visitor.get("/hub/logout")
            assert page.headers["location"] == "https://www.example.org/bye"
            userinfo = f"{provider.url}/oidc/oidc/userinfo"
            assert not await is_worth_something(visitor, userinfo, kept["access_token"])

    run_async(go())


def test_an_id_token_too_long_for_an_address_stays_at_home(provider: IdentityProvider) -> None:
    found = ours(find_class("generic-oauth"))(client_id="hub", oauth_callback_url=CALLBACK)
    for token, name in (("t" * LONGEST_HINT, "id_token_hint"), ("t" * 9000, "client_id")):
        address = found.end_session_address("https://issuer.example.org/out?a=b", token, None)
        assert set(query_of(address)) == {"a", name, "post_logout_redirect_uri"}


@pytest.mark.parametrize(
    ("token_url", "endpoint", "taken"),
    [
        ("https://issuer.example.org/token", "https://issuer.example.org/out", True),
        ("https://issuer.example.org/token", "http://issuer.example.org/out", False),
        ("http://127.0.0.1:1/token", "http://127.0.0.1:1/out", True),
        ("http://127.0.0.1:1/token", "javascript:alert(1)", False),
        ("https://issuer.example.org/token", None, False),
        ("https://issuer.example.org/token", ["https://issuer.example.org/out"], False),
    ],
)
def test_a_discovery_document_is_not_taken_blindly(
    monkeypatch: pytest.MonkeyPatch, token_url: str, endpoint: Any, taken: bool
) -> None:
    found = ours(find_class("generic-oauth"))(token_url=token_url)

    async def metadata() -> dict[str, Any]:
        return {"end_session_endpoint": endpoint}

    monkeypatch.setattr(found, "metadata", metadata)
    assert run_async(found.end_session_page()) == (endpoint if taken else "")


# --- providers that lead nobody back ------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "face", "status", "where"),
    [
        ("if-it-leads-back", "oidc", 302, "/oidc/oidc/logout"),
        ("never", "oidc", 200, ""),
        ("always", "oidc", 302, "/oidc/oidc/logout"),
        ("if-it-leads-back", "cilogon", 200, ""),
        ("never", "cilogon", 200, ""),
        ("always", "cilogon", 302, "/logout/?skin=ours"),
        ("always", "github", 302, "/logout"),
        ("if-it-leads-back", "github", 200, ""),
    ],
)
def test_the_operator_chooses_how_far_a_logout_goes(
    provider: IdentityProvider, choice: str, face: str, status: int, where: str
) -> None:
    async def go() -> None:
        more = {"skin": "ours"} if face == "cilogon" else {}
        c = hub_at_face(provider, face, logout_of_provider=choice, **more)
        async with logged_in(c, face) as (_, visitor, _kept):
            page = await visitor.get("/hub/logout")
            assert page.status_code == status
            assert page.headers.get("location", "").startswith(
                provider.url + where if where else ""
            )
            assert await is_out(visitor)

    run_async(go())


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("cilogon", "https://cilogon.org/logout/"),
        ("github", "https://github.com/logout"),
        ("google", "https://accounts.google.com/Logout"),
        ("globus", "https://auth.globus.org/v2/web/logout"),
        ("generic-oauth", ""),
    ],
)
def test_the_provider_has_a_page_to_log_out_by_hand(name: str, page: str) -> None:
    traits = {"idps": {ENTITY: RULE}} if name == "cilogon" else {}
    assert ours(find_class(name))(**traits).provider_logout_url == page


@pytest.mark.parametrize(
    ("name", "traits", "called"),
    [
        ("cilogon", {"idps": {ENTITY: RULE}}, "CILogon"),
        ("github", {}, "GitHub"),
        ("google", {}, "Google"),
        ("custos", {"kc_idp_hint": ""}, "Custos"),
        ("custos", {}, "CILogon"),
        ("keycloak", {}, "Keycloak"),
        ("generic-oauth", {"authorize_url": "https://a.example.org/auth"}, "a.example.org"),
        ("generic-oauth", {}, "Staff account"),
    ],
)
def test_people_read_the_providers_own_name_not_the_buttons_words(
    name: str, traits: dict[str, Any], called: str
) -> None:
    found = ours(find_class(name))(login_service="Staff account", **traits)
    assert found.left_to_people()["provider_name"] == called


def test_the_page_after_a_logout_says_where_somebody_may_be_signed_in(
    provider: IdentityProvider,
) -> None:
    async def go() -> None:
        c = hub_at_face(provider, "github", login_service="Staff account")
        async with logged_in(c, "github") as (_, visitor, _kept):
            page = (await visitor.get("/hub/logout")).text
            assert "You may still be signed in at GitHub" in page
            assert "Log out of GitHub" in page
            assert "Staff account" not in page

    run_async(go())


# --- another site -------------------------------------------------------------------------


def test_another_sites_page_logs_people_out_of_the_hub_only(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with logged_in(hub_at_face(provider, "oidc"), "oidc") as (_, visitor, kept):
            page = await visitor.get("/hub/logout", headers=ELSEWHERE)
            assert page.status_code == 200, "a page, from where a person may go on"
            assert kept["id_token"] not in page.text
            assert await is_out(visitor)
            userinfo = f"{provider.url}/oidc/oidc/userinfo"
            assert await is_worth_something(visitor, userinfo, kept["access_token"])

    run_async(go())


@pytest.mark.parametrize(("subdomains", "status"), [("", 302), ("http://hub.example.org", 200)])
def test_other_peoples_servers_are_another_site_where_each_has_a_host(
    provider: IdentityProvider, subdomains: str, status: int
) -> None:
    async def go() -> None:
        async with logged_in(hub_at_face(provider, "oidc"), "oidc") as (hub, visitor, _):
            hub.tornado_application.settings["subdomain_host"] = subdomains
            page = await visitor.get("/hub/logout", headers={"Sec-Fetch-Site": "same-site"})
            assert page.status_code == status

    run_async(go())


# --- tokens -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("face", "userinfo"),
    [("oidc", "/oidc/oidc/userinfo"), ("cilogon", "/oauth2/userinfo")],
)
@pytest.mark.parametrize("wanted", [True, False])
def test_tokens_are_withdrawn(
    provider: IdentityProvider, face: str, userinfo: str, wanted: bool
) -> None:
    async def go() -> None:
        c = hub_at_face(provider, face, revoke_tokens_on_logout=wanted)
        async with logged_in(c, face) as (_, visitor, kept):
            address, token = provider.url + userinfo, kept["access_token"]
            assert await is_worth_something(visitor, address, token)
            await visitor.get("/hub/logout")
            assert await is_worth_something(visitor, address, token) is not wanted

    run_async(go())


@pytest.mark.parametrize("face", ["oidc", "cilogon"])
def test_upstream_withdraws_nothing_and_goes_nowhere(provider: IdentityProvider, face: str) -> None:
    """What these tests are for."""

    async def go() -> None:
        c = hub_at_face(provider, face)
        c.JupyterHub.authenticator_class = find_class(CLASSES[face])
        c.Authenticator.enable_auth_state = True
        async with logged_in(c, face) as (hub, visitor, kept):
            page = await visitor.get("/hub/logout")
            assert page.headers["location"].startswith("/hub/")
            token = kept["access_token"]
            assert await is_worth_something(visitor, hub.authenticator.userdata_url, token)

    run_async(go())


class Recorder:
    """Stands in for the network: keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def fetch(self, request: Any, **_: Any) -> Any:
        self.sent.append(request)
        return type("Answer", (), {"code": 200, "body": b""})()


def withdrawn(name: str, kept: dict[str, Any], **traits: Any) -> list[Any]:
    """What is sent when somebody's tokens are withdrawn."""
    found = ours(find_class(name))(client_id="Iv1/x", client_secret=SECRET, **traits)
    found.http_client = Recorder()
    run_async(found.revoke_tokens(kept))
    return list(found.http_client.sent)


KEPT = {"access_token": "at", "refresh_token": "rt"}
REVOKE = "https://issuer.example.org/revoke"


def test_both_tokens_are_named_for_what_they_are() -> None:
    sent = withdrawn("generic-oauth", KEPT, revocation_url=REVOKE)
    forms = [parse_qs(request.body.decode()) for request in sent]
    assert [form["token_type_hint"] + form["token"] for form in forms] == [
        ["refresh_token", "rt"],
        ["access_token", "at"],
    ]
    assert {form["client_secret"][0] for form in forms} == {SECRET}
    assert not any(request.follow_redirects for request in sent)


def test_the_client_is_named_where_the_token_endpoint_wants_it() -> None:
    (request,) = withdrawn(
        "generic-oauth", {"access_token": "at"}, revocation_url=REVOKE, basic_auth=True
    )
    assert "client_secret" not in parse_qs(request.body.decode())
    assert request.headers["Authorization"].startswith("Basic ")


def test_github_is_asked_in_its_own_way() -> None:
    (request,) = withdrawn("github", KEPT)
    assert request.method == "DELETE"
    assert request.url == "https://api.github.com/applications/Iv1%2Fx/token"
    assert json.loads(request.body) == {"access_token": "at"}
    pair = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == f"Iv1/x:{SECRET}"


def test_google_gets_one_token_and_no_secret() -> None:
    (request,) = withdrawn("google", KEPT, revocation_url="https://oauth2.googleapis.com/revoke")
    assert parse_qs(request.body.decode()) == {"token": ["rt"]}
    assert "Authorization" not in request.headers


def test_globus_own_address_stays_known() -> None:
    found = ours(find_class("globus"))()
    assert found.revocation_url == "https://auth.globus.org/v2/oauth2/token/revoke"


@pytest.mark.parametrize(
    "kept", [{}, {"access_token": None}, {"access_token": ""}, {"access_token": ["t"]}]
)
def test_what_is_no_token_is_sent_nowhere(kept: dict[str, Any]) -> None:
    assert withdrawn("generic-oauth", kept, revocation_url=REVOKE) == []


# --- a provider in trouble ----------------------------------------------------------------


@pytest.mark.parametrize("fault", ["server-error", "slow", "malformed-json", "html"])
@pytest.mark.parametrize("endpoint", ["discovery", "revoke"])
def test_a_provider_that_fails_keeps_nobody_logged_in_here(
    provider: IdentityProvider, fault: str, endpoint: str
) -> None:
    async def go() -> None:
        async with logged_in(hub_at_face(provider, "oidc"), "oidc") as (hub, visitor, _kept):
            hub.authenticator._issuer = None  # what it said of itself is asked for anew
            provider.inject(fault, endpoint=endpoint, seconds=30)
            page = await visitor.get("/hub/logout", timeout=20)
            assert page.status_code in (200, 302)
            assert await is_out(visitor)

    run_async(go())


def test_a_failure_is_logged_without_a_token(
    provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with logged_in(hub_at_face(provider, "oidc"), "oidc") as (hub, visitor, kept):
            provider.inject("server-error", endpoint="revoke")
            log = hub.authenticator.log
            log.addHandler(caplog.handler)
            log.setLevel(logging.DEBUG)
            await visitor.get("/hub/logout")
            log.removeHandler(caplog.handler)
            assert "logout failed provider=main" in caplog.text
            for secret in ("access_token", "refresh_token", "id_token"):
                assert kept[secret] not in caplog.text
            assert SECRET not in caplog.text

    run_async(go())


def test_everything_at_the_provider_happens_at_once(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        async with logged_in(hub_at_face(provider, "oidc"), "oidc") as (hub, visitor, _kept):
            begun, done = [], []
            both = asyncio.Event()

            async def meet(name: str) -> str:
                begun.append(name)
                if len(begun) == 2:
                    both.set()
                await both.wait()
                done.append(name)
                return ""

            # Each waits for the other: one after the other would end in the time limit.
            monkeypatch.setattr(hub.authenticator, "end_session_page", lambda: meet("page"))
            monkeypatch.setattr(hub.authenticator, "end_session", lambda kept: meet("tokens"))
            await visitor.get("/hub/logout")
            assert sorted(done) == ["page", "tokens"]

    run_async(go())


def test_somebody_who_is_not_logged_in_can_log_out_as_well(provider: IdentityProvider) -> None:
    async def go() -> None:
        async with running(hub_at_face(provider, "cilogon")) as (_, visitor):
            assert (await visitor.get("/hub/logout")).status_code == 200

    run_async(go())
