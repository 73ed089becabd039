"""A hub at a face of the identity provider, and all that it says, at every level.

Hides: which traits point a class at which address, JupyterHub's loggers, the way of a login.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fedhub_authenticators import configure
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK, CLIENT_IDS, ENTITY, REALMS, SECRET, hub_at
from tests.unit.authenticators.logins import Visitor, running

PROVIDERS = ("cilogon", "keycloak", "custos", "custos-v1", "github", "oidc")
"""The identity provider's, and both of Custos'."""

EVERYWHERE = ("slow", "server-error", "rate-limited", "connection-reset", "answer-lost")
"""Faults that strike at every endpoint."""

BROKEN = (*EVERYWHERE, "malformed-json", "html")
"""Faults that spoil an answer, whatever it says."""

CUSTOS = {"authenticator": "custos", "manage_groups": True}


def persona_at(face: str) -> str:
    """Who logs in at a face; both of Custos' know the same people."""
    return f"ada-{face.removesuffix('-v1')}"


def name_of(face: str) -> str:
    """What the hub calls them."""
    return "ada@example.edu" if face == "cilogon" else "ada"


def hub_configuration(face: str, provider: IdentityProvider, **more: Any) -> Config:
    """A hub that lets everybody in whom the provider vouches for, unless `more` says otherwise."""
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
        "custos": CUSTOS | {"custos_url": url, "iam_url": f"{url}/auth", "client_secret": SECRET},
        "custos-v1": CUSTOS
        | {"custos_url": url, "iam_url": f"{url}/auth", "flavour": "v1"}
        | {"client_secret": provider.iam_secret(hub_at("custos"))},
        "github": {
            "authenticator": "github",
            "authorize_url": f"{url}/login/oauth/authorize",
            "token_url": f"{url}/login/oauth/access_token",
            "userdata_url": f"{url}/api/v3/user",
            "github_api": f"{url}/api/v3",
            "scope": ["read:org"],
            "manage_groups": True,
        },
        "oidc": {
            "authenticator": "generic-oauth",
            "authorize_url": f"{url}/oidc/oidc/authorize",
            "token_url": f"{url}/oidc/oidc/token",
            "userdata_url": f"{url}/oidc/oidc/userinfo",
            "username_claim": "preferred_username",
            "scope": ["openid", "profile"],
            "manage_groups": True,
            "auth_state_groups_key": "oauth_user.groups",
        },
    }
    client_id = CLIENT_IDS[face.removesuffix("-v1")]
    config = {"client_id": client_id, "client_secret": SECRET} | traits[face]
    config["oauth_callback_url"] = CALLBACK
    if face != "cilogon":
        config["allow_all"] = True
    config |= more
    authenticator = config.pop("authenticator")
    c = Config()
    # The shortest time that is not "never": tests ask for a refresh themselves.
    c.Authenticator.auth_refresh_age = 3600
    configure(c, {"login": {face: {"authenticator": authenticator, "config": config}}})
    return c


def forget_issuer(authenticator: Any) -> None:
    """Have the issuer asked for its addresses and keys anew."""
    authenticator._issuer = authenticator._candidate = None
    if hasattr(authenticator, "_tokens_issuer"):
        authenticator._tokens_issuer = None


class Secrets:
    """What must not be seen, and all that was said."""

    def __init__(self, provider: IdentityProvider) -> None:
        self.values: set[str] = {SECRET, provider.iam_secret(hub_at("custos"))}
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
    face: str, provider: IdentityProvider, secrets: Secrets, **more: Any
) -> AsyncIterator[tuple[Any, Visitor]]:
    """Run a hub at a face, and hear all that it says."""
    c = hub_configuration(face, provider, **more)
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
    reply = await visitor.post(reply.headers["location"], data={"persona": persona_at(face)})
    if reply.status_code != 302 or not reply.headers["location"].startswith(CALLBACK):
        return None
    query = urlsplit(reply.headers["location"]).query
    secrets.values |= set(parse_qs(query).get("code", []))
    reply = await visitor.get(f"/hub/oauth_callback?{query}")
    secrets.said += [reply.text, str(reply.headers)]
    return reply
