"""A hub registered at every face of the identity provider, and the way to log in there."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fedhub.access.persona import Persona
from fedhub.idp.client import Client, Face
from fedhub.idp.server import IdentityProvider

HUB = "http://127.0.0.1:8000"
CALLBACK = f"{HUB}/hub/oauth_callback"
LOGGED_OUT = f"{HUB}/hub/login"
SECRET = "s3cret"
ENTITY = "https://idp.example.edu/shibboleth"
FACES: tuple[Face, ...] = ("cilogon", "keycloak", "custos", "github", "oidc")
CLIENT_IDS = {
    "cilogon": "cilogon:/client_id/1a2b",
    "keycloak": "hub1",
    "custos": "custos-0123456789abcdefghij-10000007",
    "github": "Iv1.0123456789",
    "oidc": "hub.example.org",
}
REALMS = {"keycloak": "hubtest", "custos": "10000007"}
CLAIMS = {
    "sub": "ada-sub",
    "email": "ada@example.edu",
    "email_verified": True,
    "eppn": "ada@example.edu",
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "preferred_username": "ada",
    "hd": "example.edu",
}


def persona(face: str, **claims: Any) -> Persona:
    return Persona(f"ada-{face}", face, ENTITY, "Example University", "A student", CLAIMS | claims)


def hub_at(face: Face) -> Client:
    """The hub's registration; the login provider is named like the face."""
    return Client(
        provider=face,
        face=face,
        client_id=CLIENT_IDS[face],
        client_secret=SECRET,
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(LOGGED_OUT,),
        realm=REALMS.get(face, ""),
    )


class Clock:
    """The provider's time, which a test may move on."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


def furnish(provider: IdentityProvider) -> None:
    """Register the hub at every face, and one persona each."""
    groups = {"github": ["astro", "physics:lab"], "custos": ["group-1"], "oidc": ["team-a"]}
    for face in FACES:
        provider.add_client(hub_at(face))
    provider.set_personas([persona(face, groups=groups.get(face, [])) for face in FACES])


def authorize_url(endpoint: str, face: str, **more: str) -> str:
    """The address a hub sends a browser to; a parameter set to "" is left out."""
    asked = {
        "response_type": "code",
        "client_id": CLIENT_IDS[face],
        "redirect_uri": CALLBACK,
        "scope": "openid email profile",
        "state": "st1",
        **more,
    }
    return f"{endpoint}?{urlencode({name: value for name, value in asked.items() if value})}"


def callback_query(reply: Any) -> dict[str, str]:
    """The query with which a redirect reaches the hub's callback."""
    assert reply.status_code == 302, reply.text
    location = reply.headers["location"]
    assert location.startswith(CALLBACK), location
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))
