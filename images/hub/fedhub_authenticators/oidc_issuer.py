"""The hub as an OpenID Connect issuer, for applications that take nothing else.

    an application → /hub/oidc/.well-known/openid-configuration, /hub/oidc/jwks
    a person       → /hub/oidc/authorize → the hub's own authorization page (`oidc_pages`), whose
                     rule `access:services!service=<name>` decides → the application's callback URL
    an application → /hub/oidc/token: a code, once, for an ID token and a token of the hub
                     (`oidc_grants`) → /hub/oidc/userinfo

It runs inside the hub: who is logged in, who may use a service and which tokens are good is the
hub's to say, and the key that signs leaves the process nowhere. Its clients are the services of
`global.fedhub.services`, and nobody else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyterhub import orm
from jupyterhub.scopes import access_scopes, expand_scopes, get_scopes_for, has_scope
from traitlets.config.loader import LazyConfigValue

from fedhub_authenticators.hub_sessions import CODE_SECONDS
from fedhub_authenticators.oidc_keys import ALGORITHM, SigningKeys
from fedhub_authenticators.services import client_id_of, role_scope
from fedhub_authenticators.short_memory import ShortMemory

KEYS = frozenset({"enabled", "privateKey", "nextPrivateKey", "requirePkce"})
"""What stands at `global.fedhub.oidc`."""

PATH = "/oidc"
"""Where it is, below the hub's prefix."""

DISCOVERY = f"{PATH}/.well-known/openid-configuration"
JWKS = f"{PATH}/jwks"
AUTHORIZE = f"{PATH}/authorize"
TOKEN = f"{PATH}/token"
USERINFO = f"{PATH}/userinfo"

TOKEN_SECONDS = 600
"""How long ID tokens and access tokens are good."""

MOST_CODES = 10_000
"""How many codes wait at a time."""


@dataclass(frozen=True)
class Granted:
    """What a code stands for (RFC 6749 section 4.1.2, RFC 7636, OpenID Connect Core 1.0)."""

    client_id: str
    redirect_uri: str
    subject: str
    user_id: int
    scopes: frozenset[str]
    session_id: str
    cookie_id: str
    nonce: str | None
    challenge: str | None


class HubIssuer:
    """What the pages of the issuer share.

    Attributes:
        address: the issuer's identifier, an address without a slash at its end.
        clients: the client ids that it serves, and whether a login of each needs PKCE.
        keys: what it signs with.
        codes: those not yet used, by their hash. The hub is one process, so that taking one out
            of memory is what makes it good for once.
    """

    def __init__(self, address: str, clients: Mapping[str, bool], keys: SigningKeys) -> None:
        self.address = address
        self.clients = clients
        self.keys = keys
        self.codes = ShortMemory[Granted](seconds=CODE_SECONDS, most=MOST_CODES)

    def metadata(self) -> dict[str, Any]:
        """Return what discovery tells (OpenID Connect Discovery 1.0 section 3)."""
        at = self.address.removesuffix(PATH)
        return {
            "issuer": self.address,
            "authorization_endpoint": at + AUTHORIZE,
            "token_endpoint": at + TOKEN,
            "userinfo_endpoint": at + USERINFO,
            "jwks_uri": at + JWKS,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile", "groups"],
            "claims_supported": [
                *("iss", "sub", "aud", "exp", "iat", "nonce"),
                *("name", "preferred_username", "groups", "roles"),
            ],
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }

    def id_token(self, user: orm.User, client: orm.OAuthClient, nonce: str | None) -> str:
        """Return an ID token (OpenID Connect Core 1.0 section 2)."""
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": client.identifier,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            **claims_about(user, client),
        }
        return self.keys.sign(claims if nonce is None else {**claims, "nonce": nonce})


def claims_about(user: orm.User, client: orm.OAuthClient) -> dict[str, Any]:
    """Return what an application learns about somebody.

    Groups only where it may read them; roles, those of its own that the person has now, only where
    it has any.
    """
    found = {"sub": subject_of(user), "preferred_username": user.name, "name": user.name}
    own = role_scope(client.service.name, "")
    if scopes := sorted(scope for scope in client.allowed_scopes if scope.startswith(own)):
        held = get_scopes_for(user)
        found["roles"] = [scope.removeprefix(own) for scope in scopes if has_scope(scope, held)]
    if may_read_groups(user, client):
        return {**found, "groups": sorted(group.name for group in user.groups)}
    return found


def may_read_groups(user: orm.User, client: orm.OAuthClient) -> bool:
    """Return whether the scopes that an application is allowed tell it somebody's groups."""
    allowed = expand_scopes(set(client.allowed_scopes), owner=user, oauth_client=client)
    return bool(has_scope(f"read:users:groups!user={user.name}", allowed))


def subject_of(user: orm.User) -> str:
    """Return the `sub` of a user of the hub: never anybody else's, and kept when renamed.

    sqlite may give the id of a deleted user to a new one, so when they came is part of it.
    """
    session = orm.object_session(user)
    if session is not None:
        session.refresh(user, ["created"])  # in the precision that the database keeps
    return hashlib.sha256(f"{user.id} {user.created.isoformat()}".encode()).hexdigest()


def may_use(user: orm.User, client: orm.OAuthClient) -> bool:
    """Return whether the hub's rules let somebody use a service, now."""
    wanted = access_scopes(client)
    return bool(wanted) and all(has_scope(scope, get_scopes_for(user)) for scope in wanted)


def add_issuer(
    c: Any,
    settings: Mapping[str, Any],
    services: Mapping[str, Mapping[str, Any]],
    domain: str | None,
) -> None:
    """Make the hub an issuer, where `global.fedhub.oidc.enabled` says so.

    Args:
        c: JupyterHub's configuration object.
        settings: `global.fedhub.oidc`.
        services: `global.fedhub.services`.
        domain: `global.fedhub.domain`.

    Raises:
        ValueError: the hub has no domain, or no key that signs.
    """
    if not settings.get("enabled"):
        return
    if not domain:
        raise ValueError(
            "global.fedhub.oidc needs an address, which follows from global.fedhub.domain; set "
            "domain to the hub's host name"
        )
    if not settings.get("privateKey"):
        raise ValueError(
            "global.fedhub.oidc has no privateKey, which signs ID tokens; `fedhub secrets "
            "generate` makes one in the encrypted values file"
        )
    from fedhub_authenticators.oidc_pages import pages

    issuer = HubIssuer(
        address_of(c, f"https://{domain}"),
        {
            client_id_of(name, entry): _needs_pkce(entry, settings)
            for name, entry in services.items()
        },
        SigningKeys(settings["privateKey"], settings.get("nextPrivateKey")),
    )
    others = [entry for entry in _handlers(c) if not entry[0].startswith(PATH)]
    c.JupyterHub.extra_handlers = [*others, *pages(issuer)]


def _needs_pkce(service: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Return what a service says of itself, else what holds for all."""
    own = service.get("requirePkce")
    return bool(settings.get("requirePkce") if own is None else own)


def address_of(c: Any, origin: str) -> str:
    """Return an issuer's identifier.

    Args:
        c: JupyterHub's configuration object.
        origin: scheme, host and port under which browsers know the hub.
    """
    base = str(c.JupyterHub.get("base_url", "")).strip("/")
    return "/".join(part for part in (origin, base, "hub") if part) + PATH


def move_issuer(c: Any, origin: str) -> None:
    """Have the issuer, where there is one, at another origin: a preview is at none of its domain.

    Args:
        c: JupyterHub's configuration object.
        origin: see `address_of`.
    """
    for entry in _handlers(c):
        if entry[0].startswith(PATH):
            entry[2]["issuer"].address = address_of(c, origin)


def _handlers(c: Any) -> list[Any]:
    found = c.JupyterHub.get("extra_handlers")
    if isinstance(found, LazyConfigValue):
        found = found.get_value([])
    return list(found or [])
