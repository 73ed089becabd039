"""Every fault of the identity provider, at every endpoint, against a real hub with our classes.

Whatever happens, nobody gets in under a name that is not theirs, nobody reads an internal error,
and no code, token or secret stands in a log, on a page or in the metrics.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import product
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fedhub_authenticators import configure, issuer
from traitlets.config import Config

from fedhub.idp.faults import FAULTS
from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.providers import CALLBACK, CLIENT_IDS, ENTITY, REALMS, SECRET
from tests.unit.authenticators.logins import Visitor, running

PROVIDERS = ("cilogon", "keycloak", "custos", "github", "oidc")
ENDPOINTS = ("token", "userinfo", "certs", "discovery", "groups")


def hub_configuration(face: str, provider: IdentityProvider) -> Config:
    """A hub that lets everybody in whom the provider vouches for."""
    url = provider.url
    realm = f"{url}/realms/{REALMS['keycloak']}/protocol/openid-connect"
    traits: dict[str, dict[str, Any]] = {
        "cilogon": {
            "authenticator": "cilogon",
            "authorize_url": f"{url}/authorize",
            "token_url": f"{url}/oauth2/token",
            "userdata_url": f"{url}/oauth2/userinfo",
            "issuer": url,
            "idps": {
                ENTITY: {"allow_all": True, "username_derivation": {"username_claim": "email"}}
            },
        },
        "keycloak": {
            "authenticator": "generic-oauth",
            "authorize_url": f"{realm}/auth",
            "token_url": f"{realm}/token",
            "userdata_url": f"{realm}/userinfo",
            "username_claim": "preferred_username",
            "scope": ["openid", "profile"],
        },
        "custos": {
            "authenticator": "custos",
            "custos_url": url,
            "iam_url": f"{url}/auth",
            "manage_groups": True,
        },
        "github": {
            "authenticator": "github",
            "authorize_url": f"{url}/login/oauth/authorize",
            "token_url": f"{url}/login/oauth/access_token",
            "userdata_url": f"{url}/api/v3/user",
            "github_api": f"{url}/api/v3",
        },
        "oidc": {
            "authenticator": "generic-oauth",
            "authorize_url": f"{url}/oidc/oidc/authorize",
            "token_url": f"{url}/oidc/oidc/token",
            "userdata_url": f"{url}/oidc/oidc/userinfo",
            "username_claim": "preferred_username",
            "scope": ["openid", "profile"],
        },
    }
    config = traits[face] | {"client_id": CLIENT_IDS[face], "client_secret": SECRET}
    config["oauth_callback_url"] = CALLBACK
    if face != "cilogon":
        config["allow_all"] = True
    authenticator = config.pop("authenticator")
    c = Config()
    # The shortest time that is not "never": tests ask for a refresh themselves.
    c.Authenticator.auth_refresh_age = 3600
    configure(c, {"login": {face: {"authenticator": authenticator, "config": config}}})
    return c


class Secrets:
    """What must not be seen, and all that was said."""

    def __init__(self) -> None:
        self.values: set[str] = {SECRET}
        self.said: list[str] = []

    def check(self) -> None:
        everything = "\n".join(self.said)
        found = [value for value in self.values if value in everything]
        where = [line for line in self.said for value in found if value in line]
        assert not found, where[0][:2000]


@contextmanager
def listening(secrets: Secrets) -> Iterator[None]:
    """Hear every logger that a hub has, at every level."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            secrets.said.append(logging.Formatter().format(record))

    ear = Ear(logging.DEBUG)
    # Loggers that do not pass on what they say, and libraries of the tests themselves.
    loggers = [logging.getLogger(), logging.getLogger("JupyterHub")]
    loggers += [logging.getLogger(f"tornado.{name}") for name in ("access", "application")]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.addHandler(ear)
        logger.setLevel(logging.DEBUG)
    # The visitor and the identity provider are in this process too.
    visitors = [logging.getLogger(name) for name in ("httpx", "httpcore", "authlib", "fedhub.idp")]
    for logger in visitors:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in before:
            logger.removeHandler(ear)
            logger.setLevel(level)


def overhear(authenticator: Any, secrets: Secrets) -> None:
    """Learn the tokens that the provider sends."""
    client = authenticator.http_client
    fetch = client.fetch

    async def fetched(request: Any, **options: Any) -> Any:
        response = await fetch(request, **options)
        try:
            answer = json.loads(response.body)
        except ValueError:
            answer = {}
        for name in ("access_token", "refresh_token", "id_token"):
            if isinstance(answer, dict) and isinstance(answer.get(name), str):
                secrets.values.add(answer[name])
        return response

    client.fetch = fetched


@asynccontextmanager
async def a_hub(
    face: str, provider: IdentityProvider, secrets: Secrets
) -> AsyncIterator[tuple[Any, Visitor]]:
    c = hub_configuration(face, provider)
    c.JupyterHub.log_level = "DEBUG"
    c.JupyterHub.authenticate_prometheus = False
    async with running(c) as (hub, visitor):
        # A hub that starts sets up logging anew.
        with listening(secrets):
            overhear(hub.authenticator, secrets)
            yield hub, visitor
            assert secrets.said


async def log_in(visitor: Visitor, face: str, secrets: Secrets) -> Any:
    """Go all the way to the hub's answer; None where the provider's own page is the end."""
    reply = await visitor.get("/hub/oauth_login")
    if reply.status_code != 302:
        return reply
    reply = await visitor.post(reply.headers["location"], data={"persona": f"ada-{face}"})
    if reply.status_code != 302 or not reply.headers["location"].startswith(CALLBACK):
        return None
    query = urlsplit(reply.headers["location"]).query
    secrets.values |= set(parse_qs(query).get("code", []))
    reply = await visitor.get(f"/hub/oauth_callback?{query}")
    secrets.said += [reply.text, str(reply.headers)]
    return reply


def names(face: str) -> set[str]:
    return {"ada@example.edu" if face == "cilogon" else "ada"}


def everything_that_can_go_wrong() -> Iterator[tuple[str, str]]:
    return product(FAULTS, ENDPOINTS)


@pytest.mark.parametrize("face", PROVIDERS)
def test_faults_at_login(provider: IdentityProvider, face: str) -> None:
    secrets = Secrets()

    async def go() -> None:
        async with a_hub(face, provider, secrets) as (hub, visitor):
            for fault, endpoint in everything_that_can_go_wrong():
                provider.inject(fault, endpoint=endpoint, seconds=0.01)
                visitor.cookies.clear()
                reply = await log_in(visitor, face, secrets)
                provider.clear_faults()
                if reply is not None:
                    assert reply.status_code in (302, 400, 403, 502, 503), (fault, endpoint)
                    assert "Internal" not in reply.text, (fault, endpoint)
                known = {user.name for user in hub.users.values()}
                assert known <= names(face), (fault, endpoint)
            metrics = (await visitor.get("/hub/metrics")).text
            assert "fedhub_logins_total" in metrics
            secrets.said.append(metrics)

    run_async(go())
    secrets.check()


@pytest.mark.parametrize("face", PROVIDERS)
def test_faults_at_refresh(
    provider: IdentityProvider, face: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A real issuer publishes a key before it uses it; this one has not got the minute.
    monkeypatch.setattr(issuer, "REFETCH_AFTER", 0)
    secrets = Secrets()

    async def go() -> None:
        async with a_hub(face, provider, secrets) as (hub, visitor):
            assert (await log_in(visitor, face, secrets)).status_code == 302
            (name,) = names(face)
            user = hub.users[name]
            for fault, endpoint in everything_that_can_go_wrong():
                provider.inject(fault, endpoint=endpoint, seconds=0.01)
                model = await hub.authenticator.refresh_user(user)
                provider.clear_faults()
                assert model is False or model["name"] == name, (fault, endpoint)
            # And all is well when the provider is.
            visitor.cookies.clear()
            assert (await log_in(visitor, face, secrets)).status_code == 302
            assert await hub.authenticator.refresh_user(user)

    run_async(go())
    secrets.check()


LIES = {
    "wrong-nonce": "id-token",
    "wrong-issuer": "id-token",
    "wrong-audience": "id-token",
    "bad-signature": "id-token",
    "expired-id-token": "id-token",
    "wrong-azp": "id-token",
    "extra-audience": "id-token",
    "unknown-kid": "id-token",
    "alg-none": "id-token",
    "hs256": "id-token",
    "no-id-token": "id-token",
    "different-sub": "subject",
}


@pytest.mark.parametrize("face", ["cilogon", "keycloak", "oidc"])
def test_a_lie_lets_nobody_in_and_the_operator_learns_which(
    provider: IdentityProvider, face: str
) -> None:
    secrets = Secrets()

    async def go() -> None:
        async with a_hub(face, provider, secrets) as (hub, visitor):
            for fault, reason in LIES.items():
                secrets.said.clear()
                provider.inject(fault)
                visitor.cookies.clear()
                reply = await log_in(visitor, face, secrets)
                provider.clear_faults()
                assert reply.status_code == 403, fault
                assert not list(hub.users), fault
                said = [line for line in secrets.said if line.startswith("login refused")]
                assert said == [f"login refused provider={face} reason={reason}"], fault

    run_async(go())


def test_the_net_catches_what_it_is_for() -> None:
    secrets = Secrets()
    with listening(secrets):
        logging.getLogger("tornado.application").debug("the secret is %s", SECRET)
    with pytest.raises(AssertionError):
        secrets.check()
