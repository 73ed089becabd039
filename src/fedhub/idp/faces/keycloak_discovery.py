"""What a realm tells of itself: its addresses, what it supports, its keys."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from fedhub.idp.faces.keycloak_site import KeycloakSite

PROTOCOL = "protocol/openid-connect"
DISCOVERY_CACHING = "no-cache, must-revalidate, no-transform, no-store"
MODULUS_BYTES = 256
SCOPES = (
    *("openid", "email", "acr", "organization", "address", "basic", "profile", "web-origins"),
    *("phone", "roles", "offline_access", "service_account", "microprofile-jwt"),
)
"""Those of every new realm."""
CLAIMS = (
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "name", "given_name", "family_name"),
    *("preferred_username", "email", "acr", "azp", "nonce"),
)


def keycloak_metadata(site: KeycloakSite) -> dict[str, Any]:
    """Discovery, the keys a client of ours may use (OpenID Connect Discovery 1.0 section 3)."""
    base = f"{site.issuer}/{PROTOCOL}"
    return {
        "issuer": site.issuer,
        "authorization_endpoint": f"{base}/auth",
        "token_endpoint": f"{base}/token",
        "introspection_endpoint": f"{base}/token/introspect",
        "userinfo_endpoint": f"{base}/userinfo",
        "end_session_endpoint": f"{base}/logout",
        "jwks_uri": f"{base}/certs",
        "revocation_endpoint": f"{base}/revoke",
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": list(SCOPES),
        "claims_supported": list(CLAIMS),
        "code_challenge_methods_supported": ["plain", "S256"],
        "prompt_values_supported": ["none", "login", "consent"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }


def encryption_key() -> dict[str, str]:
    """The key that Keycloak publishes before the one it signs with.

    Whoever takes the first key for that of signatures fails here as there. Nobody can decrypt with
    it, and nobody asks to.
    """
    modulus = bytearray(secrets.token_bytes(MODULUS_BYTES))
    modulus[0] |= 0x80
    modulus[-1] |= 1
    return {
        "kid": secrets.token_urlsafe(32),
        "kty": "RSA",
        "alg": "RSA-OAEP",
        "use": "enc",
        "n": base64.urlsafe_b64encode(modulus).rstrip(b"=").decode(),
        "e": "AQAB",
    }
