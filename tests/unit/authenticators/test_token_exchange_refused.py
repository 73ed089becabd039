"""A token that was not made for this hub lets no script in, nor does one of somebody who is out."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.authenticators.scripts import (
    EVIL_KEY,
    Hub,
    at_a_hub,
    refused,
)
from tests.unit.authenticators.token_provider import TokenProvider, token_provider

# --- tokens that are not believed ---------------------------------------------------------


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


# --- people who are not let in ------------------------------------------------------------

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
