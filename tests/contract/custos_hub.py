"""The hub of Custos' tutorial at the identity provider's faces, and the way to log in there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from fedhub_authenticators import configure
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.providers import (
    CALLBACK,
    CLIENT_IDS,
    SECRET,
    hub_at,
)
from tests.unit.authenticators.logins import Visitor, running

TUTORIAL = """
from custosauthenticator.custos import CustosOAuthenticator
c.JupyterHub.authenticator_class = CustosOAuthenticator
c.CustosOAuthenticator.client_id = CLIENT_ID
c.CustosOAuthenticator.client_secret = SECRET
c.CustosOAuthenticator.oauth_callback_url = CALLBACK
c.CustosOAuthenticator.login_service = "Custos Login"
c.CustosOAuthenticator.allowed_groups = ["group-1"]
"""
"""The Custos tutorial's block."""


def hub_configuration(provider: IdentityProvider, **traits: Any) -> Config:
    """The tutorial's hub, with the preview's addresses."""
    c = Config()
    configure(c, {})
    names = {"CLIENT_ID": CLIENT_IDS["custos"], "SECRET": SECRET, "CALLBACK": CALLBACK}
    exec(TUTORIAL, {"c": c, **names})
    c.Authenticator.enable_auth_state = True
    c.CustosOAuthenticator.custos_url = provider.url
    c.CustosOAuthenticator.iam_url = f"{provider.url}/auth"
    for name, value in traits.items():
        c.CustosOAuthenticator[name] = value
    return c


def keycloak_flavour(provider: IdentityProvider) -> dict[str, Any]:
    secret = provider.iam_secret(hub_at("custos"))
    return {"flavour": "keycloak", "client_secret": secret, "custos_client_secret": SECRET}


def v1_flavour(provider: IdentityProvider) -> dict[str, Any]:
    return {"flavour": "v1", "client_secret": provider.iam_secret(hub_at("custos"))}


async def log_in(visitor: Visitor, name: str = "ada-custos", **form: str) -> httpx.Response:
    """Press the button, choose a persona, and follow back to the hub."""
    begun = await visitor.get("/hub/oauth_login")
    assert begun.status_code == 302, begun.text
    page = begun.headers["location"]
    assert parse_qs(urlsplit(page).query)["kc_idp_hint"] == ["oidc"]
    return await come_back(visitor, await visitor.post(page, data={"persona": name, **form}))


async def come_back(visitor: Visitor, reply: httpx.Response) -> httpx.Response:
    """Follow a provider's redirect to the hub, which is registered under another address."""
    assert reply.status_code == 302, reply.text
    assert reply.headers["location"].startswith(CALLBACK)
    return await visitor.get("/hub/oauth_callback?" + urlsplit(reply.headers["location"]).query)


@asynccontextmanager
async def logged_in(c: Config) -> AsyncIterator[tuple[Any, Visitor, Any]]:
    """A hub, a visitor who is logged in as ada, and the hub's user."""
    async with running(c) as (hub, visitor):
        reply = await log_in(visitor)
        assert reply.status_code == 302, reply.text
        yield hub, visitor, hub.users["ada"]


FLAVOURS: dict[str, Any] = {
    "legacy": lambda provider: {},
    "keycloak": keycloak_flavour,
    "v1": v1_flavour,
}
