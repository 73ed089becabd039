"""A script gets in with a token that was made for this hub, by the rules of a login; no other."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fedhub_authenticators.exchange_page import LIVE_TOKENS, ExchangePage, narrowed
from fedhub_authenticators.failures import Failures
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub import orm
from jupyterhub.scopes import expand_scopes, has_scope, parse_scopes, scope_definitions
from prometheus_client import REGISTRY
from traitlets import TraitError

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import DOMAIN, authenticator_of, configured, running
from tests.unit.authenticators.token_provider import ADA, TokenProvider, token_provider

PATH = "/hub/api/fedhub/token_exchange"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
EVIL_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Hub:
    """A hub that scripts may come to."""

    def __init__(self, app: Any, provider: TokenProvider, script: httpx.AsyncClient) -> None:
        self.app = app
        self.provider = provider
        self.script = script

    @property
    def authenticator(self) -> Any:
        return self.app.authenticator

    async def exchange(self, token: str | None, **change: str | None) -> httpx.Response:
        """Do as RFC 8693 has it; a parameter that is None is left out."""
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            **change,
        }
        sent = {name: value for name, value in form.items() if value is not None}
        return await self.script.post(PATH, data=sent)

    async def assert_(self, assertion: str) -> httpx.Response:
        """Do as RFC 7523 has it."""
        return await self.script.post(PATH, data={"grant_type": BEARER, "assertion": assertion})

    async def as_script(self, token: str, path: str = "user") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.script.get(f"/hub/api/{path}", headers=headers)

    def users(self) -> list[str]:
        return [user.name for user in self.app.db.query(orm.User)]


@pytest.fixture(autouse=True)
def nothing_failed_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExchangePage, "failures", Failures(most=1000))


@asynccontextmanager
async def hub(**traits: Any) -> AsyncIterator[Hub]:
    async with token_provider() as provider:
        settings = provider.settings(**{"token_exchange": True, **traits})
        async with running(configured(settings)) as (app, visitor):
            yield Hub(app, provider, visitor)


def at_a_hub(test: Callable[[Hub], Awaitable[None]], **traits: Any) -> None:
    async def go() -> None:
        async with hub(**traits) as running_hub:
            await test(running_hub)

    run_async(go())


def refused(reply: httpx.Response, error: str = "invalid_request", status: int = 400) -> str:
    """Check that a reply is an error of RFC 6749 section 5.2; return what it says."""
    assert (reply.status_code, reply.json()["error"]) == (status, error), reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Type"].startswith("application/json")
    assert "set-cookie" not in reply.headers
    words: str = reply.json()["error_description"]
    assert all(0x20 <= ord(sign) <= 0x7E and sign not in '"\\' for sign in words)
    return words


# --- getting in -----------------------------------------------------------------------------

TOKENS: list[tuple[str, Callable[[TokenProvider], str]]] = [
    ("signed", lambda provider: provider.jwt()),
    ("signed, for the hub among others", lambda provider: provider.jwt(aud=["x", "the-hub"])),
    ("as Keycloak's", lambda provider: provider.jwt(aud="account", azp="the-hub", typ="Bearer")),
    ("as RFC 9068", lambda provider: provider.jwt(header={"typ": "at+jwt"}, nonce="n")),
    ("client_id", lambda provider: provider.jwt(aud="api", client_id="the-hub")),
    ("opaque", lambda provider: provider.opaque()),
    ("opaque, for the hub", lambda provider: provider.opaque(client_id="cli", aud=["the-hub"])),
]


@pytest.mark.parametrize(("kind", "make"), TOKENS, ids=[row[0] for row in TOKENS])
def test_a_token_made_for_the_hub_lets_a_script_in(
    kind: str, make: Callable[[TokenProvider], str]
) -> None:
    async def test(hub: Hub) -> None:
        reply = await hub.exchange(make(hub.provider))
        assert reply.status_code == 200, reply.text
        assert reply.headers["Cache-Control"] == "no-store"
        answer = reply.json()
        token = answer.pop("access_token")
        assert answer == {
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": "servers!user access:servers!user",
        }
        assert "set-cookie" not in reply.headers
        who = (await hub.as_script(token)).json()
        assert (who["name"], who["kind"]) == ("ada", "user")

    at_a_hub(test)


def test_an_assertion_for_the_hub_lets_a_script_in() -> None:
    async def test(hub: Hub) -> None:
        reply = await hub.assert_(hub.provider.jwt())
        assert (await hub.as_script(reply.json()["access_token"])).json()["name"] == "ada"
        assert "issued_token_type" not in reply.json()

    at_a_hub(test)


def test_audiences_that_the_operator_names_get_in() -> None:
    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt(aud="our-cli"))).status_code == 200
        assert (await hub.assert_(hub.provider.jwt(aud="our-cli"))).status_code == 200
        assert (await hub.exchange(hub.provider.opaque(client_id="our-cli"))).status_code == 200

    at_a_hub(test, token_exchange_audiences={"our-cli"})


def test_the_hubs_token_ends_soon_and_says_where_it_is_from() -> None:
    async def test(hub: Hub) -> None:
        token = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        kept = orm.APIToken.find(hub.app.db, token)
        assert kept.expires_in == pytest.approx(120, abs=30)
        assert "Exchanged by a script" in kept.note
        kept.expires_at = kept.created
        hub.app.db.commit()
        assert (await hub.as_script(token)).status_code == 403

    at_a_hub(test, token_exchange_lifetime=120)


def test_the_hubs_token_may_use_the_persons_servers_and_nothing_else() -> None:
    async def test(hub: Hub) -> None:
        hub.authenticator.admin_users = {"ada"}
        token = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        assert hub.app.users["ada"].admin
        assert (await hub.as_script(token, "users")).status_code == 403
        assert (await hub.as_script(token, "users/ada/tokens")).status_code in {403, 404}
        headers = {"Authorization": f"Bearer {token}"}
        made = await hub.script.post("/hub/api/users/eve", headers=headers)
        assert made.status_code == 403
        gone = await hub.script.delete("/hub/api/users/ada/server", headers=headers)
        assert gone.status_code in {204, 400}  # allowed, and there is none

    at_a_hub(test)


def test_groups_and_admin_are_those_of_a_login() -> None:
    rules = {
        "allow_all": False,
        "manage_groups": True,
        "auth_state_groups_key": "oauth_user.groups",
        "allowed_groups": {"staff"},
        "admin_groups": {"ops"},
    }

    async def test(hub: Hub) -> None:
        person = ADA | {"groups": ["staff", "ops"]}
        assert (await hub.exchange(hub.provider.jwt(person))).status_code == 200
        user = hub.app.users["ada"]
        assert ({group.name for group in user.groups}, user.admin) == ({"staff", "ops"}, True)
        refused(await hub.exchange(hub.provider.jwt(ADA | {"groups": ["students"]})))

    at_a_hub(test, **rules)


def test_the_operators_hook_sees_a_script_as_it_sees_a_login() -> None:
    seen = []

    def hook(authenticator: Any, handler: Any, model: dict[str, Any]) -> dict[str, Any]:
        seen.append((model["name"], handler.request.path))
        return model

    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt())).status_code == 200
        assert seen == [("ada", PATH)]

    at_a_hub(test, post_auth_hook=hook)


def test_of_several_providers_one_is_named() -> None:
    async def go() -> None:
        async with token_provider() as campus, token_provider() as lab, token_provider() as off:
            login = {
                name: {
                    "authenticator": "generic-oauth",
                    "config": provider.config(token_exchange=provider is not off),
                }
                for name, provider in (("campus", campus), ("lab", lab), ("off", off))
            }
            settings = {"domain": DOMAIN, "login": login}
            async with running(configured(settings)) as (app, script):
                hub = Hub(app, campus, script)
                words = refused(await hub.exchange(lab.jwt()))
                assert "campus, lab" in words
                reply = await hub.exchange(lab.jwt(), provider="lab")
                who = await hub.as_script(reply.json()["access_token"])
                assert who.json()["name"] == "lab:ada"
                refused(await hub.exchange(lab.jwt(), provider="campus"))
                refused(await hub.exchange(off.jwt(), provider="off"))
                assert hub.users() == ["lab:ada"]
                below = await script.get("/hub/lab/api/fedhub/token_exchange")
                assert below.status_code == 404

    run_async(go())


# --- the person's own login -----------------------------------------------------------------


def test_the_tokens_of_a_login_stay() -> None:
    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt())).status_code == 200
        user = hub.app.users["ada"]
        login = {
            "access_token": "of-the-login",
            "refresh_token": "of-the-login",
            "token_response": {"access_token": "of-the-login", "token_type": "Bearer"},
            "oauth_user": ADA,
        }
        await user.save_auth_state(login)
        user._auth_refreshed = 0
        token = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        assert await user.get_auth_state() == login
        # Just now the person was held against the rules, so nothing is refreshed yet.
        assert (await hub.as_script(token)).status_code == 200

    at_a_hub(test)


def test_whom_the_provider_logged_out_no_script_lets_back_in() -> None:
    """What a logout told by the provider leaves is who somebody is, and no token."""

    async def test(hub: Hub) -> None:
        own = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        user = hub.app.users["ada"]
        await user.save_auth_state({"oauth_user": ADA})
        user._auth_refreshed = None
        assert "ended your session" in refused(await hub.exchange(hub.provider.jwt()))
        assert (await hub.as_script(own)).status_code == 403

    at_a_hub(test)


def test_what_an_earlier_script_brought_is_replaced() -> None:
    async def test(hub: Hub) -> None:
        for token in (hub.provider.jwt(), hub.provider.jwt()):
            assert (await hub.exchange(token)).status_code == 200
            state = await hub.app.users["ada"].get_auth_state()
            assert (state["access_token"], state["refresh_token"]) == (token, None)

    at_a_hub(test)


def test_a_token_of_the_hub_ends_with_its_owners_rights() -> None:
    async def test(hub: Hub) -> None:
        token = (await hub.exchange(hub.provider.jwt())).json()["access_token"]
        hub.authenticator.blocked_users = {"ada"}
        hub.app.users["ada"]._auth_refreshed = 0
        assert (await hub.as_script(token)).status_code == 403

    at_a_hub(test)


def test_a_token_of_the_hub_outlives_a_refresh_while_the_providers_lives() -> None:
    async def test(hub: Hub) -> None:
        presented = hub.provider.jwt()
        token = (await hub.exchange(presented)).json()["access_token"]
        user = hub.app.users["ada"]
        user._auth_refreshed = 0
        assert (await hub.as_script(token)).status_code == 200
        replaced = hub.provider.jwt()
        assert (await hub.exchange(replaced)).status_code == 200
        assert (await user.get_auth_state())["access_token"] == replaced
        hub.provider.revoke(replaced)
        user._auth_refreshed = 0
        assert (await hub.as_script(token)).status_code == 403

    at_a_hub(test)


# --- tokens that are not believed -----------------------------------------------------------


def _unsigned(provider: TokenProvider) -> str:
    parts = provider.jwt().split(".")
    header = json.dumps({"alg": "none", "typ": "JWT"}).encode()
    parts[0] = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    return ".".join([parts[0], parts[1], ""])


ATTACKS: list[tuple[str, Callable[[TokenProvider], str], str]] = [
    ("another client's", lambda p: p.jwt(aud="other", azp="other"), "another application"),
    ("for nobody", lambda p: p.jwt(aud=None), "another application"),
    ("an audience of another type", lambda p: p.jwt(aud=[1, {}]), "another application"),
    ("part of the client id", lambda p: p.jwt(aud="the-hub-2"), "another application"),
    ("another client's, opaque", lambda p: p.opaque(client_id="x"), "another application"),
    ("opaque, for nobody", lambda p: p.opaque(client_id=None), "another application"),
    ("another issuer's", lambda p: p.jwt(iss="https://evil.example"), "does not hold"),
    ("nobody's", lambda p: p.jwt(iss=None), "does not hold"),
    ("another key's", lambda p: p.jwt(key=EVIL_KEY), "does not hold"),
    ("an unknown key's", lambda p: p.jwt(header={"kid": "key-2"}), "does not hold"),
    ("HS256", lambda p: p.jwt(key="s" * 64, alg="HS256"), "does not hold"),
    ("none", _unsigned, "does not hold"),
    ("expired", lambda p: p.jwt(exp=int(time.time()) - 120), "does not hold"),
    ("never ends", lambda p: p.jwt(exp=None), "does not hold"),
    ("not yet", lambda p: p.jwt(nbf=int(time.time()) + 600), "does not hold"),
    ("an ID token with a nonce", lambda p: p.jwt(nonce="n"), "not an access token"),
    ("an ID token with at_hash", lambda p: p.jwt(at_hash="h"), "not an access token"),
    ("an ID token as Keycloak's", lambda p: p.jwt(typ="ID"), "not an access token"),
    ("a refresh token as Keycloak's", lambda p: p.jwt(typ="Refresh"), "not an access token"),
    ("an ID token as Amazon's", lambda p: p.jwt(token_use="id"), "not an access token"),
    ("a logout token", lambda p: p.jwt(header={"typ": "logout+jwt"}), "not an access token"),
    ("an ID token that userinfo refuses", lambda p: p.jwt(known=False), "does not hold there"),
    ("bound to a key", lambda p: p.jwt(cnf={"jkt": "k"}), "proof"),
    ("bound to a key, opaque", lambda p: p.opaque(cnf={"x5t#S256": "k"}), "proof"),
    ("made up", lambda p: "made-up", "never was one"),
    ("revoked", lambda p: p.opaque(active=False), "never was one"),
    ("perhaps active", lambda p: p.opaque(active="true"), "never was one"),
    ("ended", lambda p: p.opaque(exp=int(time.time()) - 1), "has ended"),
    ("another issuer's, opaque", lambda p: p.opaque(iss="https://evil.example"), "issuer"),
]


def test_a_token_that_is_not_the_hubs_opens_nothing() -> None:
    async def test(hub: Hub) -> None:
        for kind, make, why in ATTACKS:
            words = refused(await hub.exchange(make(hub.provider)))
            assert why in words, kind
        assert hub.users() == []

    at_a_hub(test)


def test_an_assertion_must_name_the_hub() -> None:
    async def test(hub: Hub) -> None:
        for aud in ("account", None, "other"):
            token = hub.provider.jwt(aud=aud, azp="the-hub")
            refused(await hub.assert_(token), "invalid_grant")
        assert hub.users() == []

    at_a_hub(test)


def test_an_assertion_is_a_json_web_token() -> None:
    async def test(hub: Hub) -> None:
        refused(await hub.assert_(hub.provider.opaque()), "invalid_grant")
        assert hub.provider.asked == []

    at_a_hub(test)


def test_a_token_is_no_good_after_its_end() -> None:
    async def test(hub: Hub) -> None:
        token = hub.provider.opaque()
        assert (await hub.exchange(token)).status_code == 200
        hub.provider.revoke(token)
        refused(await hub.exchange(token))

    at_a_hub(test)


def test_a_signed_token_that_was_withdrawn_is_no_good() -> None:
    async def test(hub: Hub) -> None:
        token = hub.provider.jwt()
        assert (await hub.exchange(token)).status_code == 200
        hub.provider.revoke(token)
        refused(await hub.exchange(token))

    at_a_hub(test)


def test_nobody_is_asked_whom_the_token_itself_names() -> None:
    """An attacker's own issuer may name the hub's token endpoint as its own."""

    async def test(hub: Hub) -> None:
        async with token_provider() as evil:
            token = hub.provider.jwt(iss=evil.url)
            words = refused(await hub.exchange(token))
            assert "does not know its issuer" in words
            assert evil.asked == []
        assert hub.users() == []

    at_a_hub(test, issuer="")


def test_where_the_issuer_can_not_be_asked_no_opaque_token_is_taken() -> None:
    async def test(hub: Hub) -> None:
        hub.provider.introspects = False
        assert "who it was made for" in refused(await hub.exchange(hub.provider.opaque()))
        hub.authenticator.introspection_url = f"{hub.provider.url}/introspect"
        assert (await hub.exchange(hub.provider.opaque())).status_code == 200

    at_a_hub(test)


def test_a_provider_that_names_people_in_id_tokens_only_lets_no_script_in() -> None:
    async def test(hub: Hub) -> None:
        assert "ID tokens only" in refused(await hub.exchange(hub.provider.jwt()))

    at_a_hub(test, userdata_from_id_token=True, userdata_url="")


# --- people who are not let in --------------------------------------------------------------

OUT: list[tuple[str, dict[str, Any]]] = [
    ("blocked", {"blocked_users": {"ada"}}),
    ("no rule", {"allow_all": False}),
    ("another person's rule", {"allow_all": False, "allowed_users": {"bob"}}),
    ("a name that is none", {"username_claim": "nickname"}),
]


@pytest.mark.parametrize(("kind", "rules"), OUT, ids=[row[0] for row in OUT])
def test_whom_no_login_lets_in_no_script_is(kind: str, rules: dict[str, Any]) -> None:
    async def test(hub: Hub) -> None:
        for token in (hub.provider.jwt(), hub.provider.opaque()):
            refused(await hub.exchange(token))
        refused(await hub.assert_(hub.provider.jwt()), "invalid_grant")
        assert "ada" not in hub.users()

    at_a_hub(test, **rules)


def test_somebody_whom_a_hook_refuses_is_out() -> None:
    async def hook(*_: Any) -> None:
        return None

    async def test(hub: Hub) -> None:
        refused(await hub.exchange(hub.provider.jwt()))
        assert hub.users() == []

    at_a_hub(test, post_auth_hook=hook)


# --- scopes ---------------------------------------------------------------------------------


def test_a_script_may_ask_for_less() -> None:
    async def test(hub: Hub) -> None:
        token = hub.provider.jwt()
        for less in ("read:servers!user", "access:servers!server=ada/", "servers!user=ada"):
            reply = await hub.exchange(token, scope=less)
            assert reply.json()["scope"] == less, reply.text
            assert orm.APIToken.find(hub.app.db, reply.json()["access_token"]).scopes == [less]

    at_a_hub(test)


MORE = [
    *("inherit", "self", "servers", "admin:users", "admin-ui", "tokens!user", "servers!user=bob"),
    *("access:servers!server=bob/", "servers!user admin:users", "made-up", "servers!", "!user"),
    *("servers!group=g", "servers!server", "access:servers!server", "servers!user=", "é"),
    "custom:fedhub:provider-token!user",
]


def test_a_script_may_not_ask_for_more() -> None:
    async def test(hub: Hub) -> None:
        hub.authenticator.admin_users = {"ada"}  # who may do all of it with a login
        for more in MORE:
            reply = await hub.exchange(hub.provider.jwt(), scope=more)
            assert "servers!user" in refused(reply, "invalid_scope"), more
        assert not hub.app.users["ada"].api_tokens

    at_a_hub(test)


_SCOPES = st.builds(
    "{}{}".format,
    st.sampled_from(sorted(scope_definitions)),
    st.sampled_from(["", "!", "!user", "!user=ada", "!user=bob", "!server=ada/x", "!server"])
    | st.text(max_size=9),
)


@given(
    st.lists(_SCOPES, max_size=4),
    st.lists(st.sampled_from([*MORE[4:6], "servers!user"]), min_size=1),
)
def test_scopes_only_ever_narrow(asked: list[str], allowed: list[str]) -> None:
    ada = orm.User(name="ada")
    try:
        given_ = narrowed(" ".join(asked), allowed, ada)
    except ValueError:
        return
    may = parse_scopes(expand_scopes(allowed, owner=ada))
    assert all(has_scope(one, may) for one in expand_scopes(given_, owner=ada))
    assert given_ == list(dict.fromkeys(" ".join(asked).split())) or not " ".join(asked).split()


def test_what_the_person_may_not_do_no_script_may() -> None:
    async def test(hub: Hub) -> None:
        refused(await hub.exchange(hub.provider.jwt()), "invalid_scope")

    at_a_hub(test, token_exchange_scopes=["admin:users"])


@pytest.mark.parametrize(
    "traits",
    [
        {"token_exchange_scopes": ["inherit"]},
        {"token_exchange_scopes": []},
        {"token_exchange_lifetime": 3601},
        {"token_exchange_lifetime": 0},
    ],
)
def test_an_operator_can_not_give_away_everything(traits: dict[str, Any]) -> None:
    async def go() -> None:
        async with token_provider() as provider:
            with pytest.raises(TraitError):
                authenticator_of(configured(provider.settings(**traits)))

    run_async(go())


# --- requests that are not as they should be --------------------------------------------------

BAD: list[tuple[dict[str, str | None], str]] = [
    ({"grant_type": None}, "unsupported_grant_type"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
    ({"subject_token": None}, "invalid_request"),
    ({"subject_token": ""}, "invalid_request"),
    ({"subject_token_type": None}, "invalid_request"),
    ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
    ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
    ({"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
    ({"actor_token": "x"}, "invalid_request"),
    ({"audience": "https://elsewhere.example"}, "invalid_target"),
    ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ({"provider": "made-up"}, "invalid_request"),
]


def test_a_request_that_is_not_as_the_standard_has_it() -> None:
    async def test(hub: Hub) -> None:
        for change, error in BAD:
            form: dict[str, Any] = {"subject_token": hub.provider.jwt(), **change}
            refused(await hub.exchange(form.pop("subject_token"), **form), error)
        assert hub.users() == []

    at_a_hub(test)


def test_parameters_are_a_form_and_each_is_there_once() -> None:
    async def test(hub: Hub) -> None:
        form = {
            "grant_type": EXCHANGE,
            "subject_token": hub.provider.jwt(),
            "subject_token_type": ACCESS_TOKEN,
        }
        refused(await hub.script.post(PATH, json=form))
        refused(await hub.script.post(PATH, params=form))
        refused(await hub.script.post(PATH, params={"scope": "x"}, data=form))
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        for body in (b"\xff=\xff", b"a", b"a=1&a=2", b"&".join([b"a=1"] * 50)):
            refused(await hub.script.post(PATH, content=body, headers=kind))
        assert (await hub.script.post(PATH, data=form)).status_code == 200

    at_a_hub(test)


def test_only_a_post_will_do() -> None:
    async def test(hub: Hub) -> None:
        refused(await hub.script.get(PATH), status=405)

    at_a_hub(test)


def test_a_large_request_is_not_read() -> None:
    async def test(hub: Hub) -> None:
        refused(await hub.exchange("x" * 20_000), status=413)

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"a" * 1000

        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            reply = await hub.script.post(PATH, content=endless(), headers=kind)
        except httpx.TransportError:
            return
        assert reply.status_code in {400, 413}

    at_a_hub(test)


def test_a_browsers_cookie_counts_for_nothing() -> None:
    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt())).status_code == 200
        cookie = _login_cookie(hub, "ada")
        home = await hub.script.get("/hub/home", cookies=cookie)
        assert home.status_code == 200
        refused(await hub.script.post(PATH, data={"grant_type": EXCHANGE}, cookies=cookie))
        hub.script.cookies.update(cookie)
        reply = await hub.exchange(hub.provider.jwt(ADA | {"name": "bob"}))
        who = await hub.as_script(reply.json()["access_token"])
        assert who.json()["name"] == "bob"

    at_a_hub(test)


def _login_cookie(hub: Hub, name: str) -> dict[str, str]:
    from tornado.web import create_signed_value

    cookie = "jupyterhub-hub-login"
    signed = create_signed_value(hub.app.cookie_secret, cookie, hub.app.users[name].cookie_id)
    return {cookie: signed.decode()}


def test_it_is_off_by_default() -> None:
    async def test(hub: Hub) -> None:
        assert (await hub.exchange(hub.provider.jwt())).status_code == 404
        assert hub.provider.asked == []

    at_a_hub(test, token_exchange=False)


def test_a_request_for_a_token_of_jupyterhubs_own_is_no_way_in() -> None:
    """JupyterHub hands `auth` of that request to the authenticator."""

    async def test(hub: Hub) -> None:
        auth = {"subject_token": hub.provider.jwt(), "token": hub.provider.jwt(), "claims": {}}
        for sent in (auth, {"data": auth}, hub.provider.jwt()):
            reply = await hub.script.post("/hub/api/users/ada/tokens", json={"auth": sent})
            assert reply.status_code == 403
        assert hub.users() == []

    at_a_hub(test)


# --- a provider in trouble, and too many ------------------------------------------------------


TROUBLES = [
    *(("userinfo", 500), ("userinfo", 503), ("userinfo", 429), ("introspect", 500)),
    *(("jwks", 503), ("discovery", 503)),
]


@pytest.mark.parametrize(("asked", "status"), TROUBLES)
def test_a_provider_in_trouble_is_no_verdict(asked: str, status: int) -> None:
    async def test(hub: Hub) -> None:
        hub.provider.fails = {asked: status}
        token = hub.provider.opaque() if asked == "introspect" else hub.provider.jwt()
        reply = await hub.exchange(token)
        refused(reply, "temporarily_unavailable", 503)
        assert reply.headers["Retry-After"] == "60"
        assert hub.users() == []

    at_a_hub(test)


def test_a_hub_whose_client_may_not_ask_about_tokens_is_not_the_scripts_fault() -> None:
    async def test(hub: Hub) -> None:
        hub.provider.fails = {"introspect": 401}
        refused(await hub.exchange(hub.provider.opaque()), "temporarily_unavailable", 503)

    at_a_hub(test)


def test_whoever_fails_too_often_waits() -> None:
    async def test(hub: Hub) -> None:
        ExchangePage.failures = Failures(most=3)
        for _ in range(3):
            refused(await hub.exchange("made-up"))
        asked = len(hub.provider.asked)
        reply = await hub.exchange(hub.provider.jwt())
        refused(reply, "temporarily_unavailable", 429)
        assert len(hub.provider.asked) == asked

    at_a_hub(test)


def test_failures_are_forgotten_and_counted_by_place() -> None:
    now = [0.0]
    failures = Failures(most=2, seconds=60, clock=lambda: now[0])
    for _ in range(2):
        failures.note("here")
    assert failures.too_many("here")
    assert not failures.too_many("there")
    now[0] = 60.0
    assert not failures.too_many("here")


def test_a_loop_gone_wild_does_not_fill_the_database() -> None:
    async def test(hub: Hub) -> None:
        token = hub.provider.jwt()
        replies = [await hub.exchange(token) for _ in range(LIVE_TOKENS)]
        assert {reply.status_code for reply in replies} == {200}
        refused(await hub.exchange(token), "temporarily_unavailable", 429)
        tokens = list(hub.app.users["ada"].api_tokens)
        for old in tokens:
            old.expires_at = old.created
        hub.app.db.commit()
        assert (await hub.exchange(token)).status_code == 200
        assert len(list(hub.app.users["ada"].api_tokens)) == 1

    at_a_hub(test)


def test_a_crowd_of_scripts_gets_in_at_once() -> None:
    async def test(hub: Hub) -> None:
        people = [ADA | {"name": f"user-{number % 5}"} for number in range(15)]
        replies = await asyncio.gather(*(hub.exchange(hub.provider.jwt(one)) for one in people))
        assert {reply.status_code for reply in replies} == {200}
        assert sorted(hub.users()) == [f"user-{number}" for number in range(5)]

    at_a_hub(test)


# --- what operators see -----------------------------------------------------------------------


def _count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"{name}_total", labels) or 0.0


class Lines(logging.Handler):
    """All that a hub writes, with tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"


def test_operators_see_what_came_of_it_and_no_token() -> None:
    async def test(hub: Hub) -> None:
        lines = Lines()
        hub.app.log.addHandler(lines)
        hub.app.log.setLevel(logging.DEBUG)

        def ended() -> list[float]:
            outcomes = ("in", "refused", "failed")
            return [_count("fedhub_token_exchanges", provider="main", outcome=o) for o in outcomes]

        before = ended()
        refusals = _count("fedhub_refusals", provider="main", reason="token")
        good, bad = hub.provider.jwt(), hub.provider.jwt(aud="other")
        opaque, unknown = hub.provider.opaque(client_id="other"), hub.provider.jwt(known=False)
        answer = (await hub.exchange(good)).json()
        for token in (bad, opaque, unknown):
            refused(await hub.exchange(token))
        hub.provider.fails = {"userinfo": 500}
        await hub.exchange(hub.provider.jwt())
        hub.app.log.removeHandler(lines)
        assert [now - then for now, then in zip(ended(), before, strict=True)] == [1, 3, 1]
        assert _count("fedhub_refusals", provider="main", reason="token") == refusals + 3
        assert "exchange in provider=main user=ada" in lines.text
        assert "exchange refused provider=main reason=token" in lines.text
        assert "exchange failed provider=main reason=provider-failed" in lines.text
        for secret in (good, bad, opaque, unknown, answer["access_token"], "of-the-hub"):
            assert secret not in lines.text

    at_a_hub(test)
