"""A real hub whose people sign in at a face of the embedded identity provider.

Hides: which traits point a class at which address, and the way of a login over HTTP.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK, CLIENT_IDS, ENTITY, SECRET
from tests.unit.authenticators.logins import Visitor, configured, one

CLASSES = {
    "cilogon": "cilogon",
    "github": "github",
    "oidc": "generic-oauth",
    "keycloak": "keycloak",
}
RULE = {"username_derivation": {"username_claim": "email"}, "allow_all": True}


def hub_at_face(provider: IdentityProvider, face: str, **traits: Any) -> Config:
    """A hub registered at a face; everybody gets in unless `traits` say otherwise."""
    url = provider.url
    issuer = f"{url}/oidc/oidc"
    addresses: dict[str, dict[str, Any]] = {
        "cilogon": {
            "authorize_url": f"{url}/authorize",
            "token_url": f"{url}/oauth2/token",
            "userdata_url": f"{url}/oauth2/userinfo",
            "issuer": url,
            "idps": {ENTITY: RULE},
        },
        "github": {
            "github_url": url,
            "github_api": f"{url}/api/v3",
            "authorize_url": f"{url}/login/oauth/authorize",
            "token_url": f"{url}/login/oauth/access_token",
            "userdata_url": f"{url}/api/v3/user",
            "allow_all": True,
        },
        "oidc": {
            "authorize_url": f"{issuer}/authorize",
            "token_url": f"{issuer}/token",
            "userdata_url": f"{issuer}/userinfo",
            "issuer": issuer,
            "username_claim": "preferred_username",
            "scope": ["openid", "email", "profile"],
            "allow_all": True,
        },
        "keycloak": {"iam_url": url, "realm": "hubtest", "allow_all": True},
    }
    client = {
        "client_id": CLIENT_IDS[face],
        "client_secret": SECRET,
        "oauth_callback_url": CALLBACK,
    }
    return configured(one(CLASSES[face], addresses[face] | client | traits))


async def come_back(visitor: Visitor, reply: httpx.Response) -> httpx.Response:
    """Follow a provider's redirect to the hub, which is registered under another address."""
    assert reply.status_code == 302, reply.text
    assert reply.headers["location"].startswith(CALLBACK), reply.headers["location"]
    return await visitor.get("/hub/oauth_callback?" + urlsplit(reply.headers["location"]).query)


async def log_in(visitor: Visitor, face: str, begin: str = "/hub/oauth_login") -> httpx.Response:
    """Press the button and choose ada; return the hub's answer."""
    begun = await visitor.get(begin)
    assert begun.status_code == 302, begun.text
    page = begun.headers["location"]
    return await come_back(visitor, await visitor.post(page, data={"persona": f"ada-{face}"}))


def query_of(address: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
