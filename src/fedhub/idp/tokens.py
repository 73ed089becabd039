"""Access tokens, ID tokens and userinfo: what is issued, and every lie a fault tells."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any, get_args

from fedhub.idp.faults import Faults
from fedhub.idp.keys import Forgery
from fedhub.idp.records import SignIn, Token
from fedhub.idp.site import Site


def issue(site: Site, signin: SignIn, scope: str, *, refreshable: bool) -> dict[str, Any]:
    """Make tokens, remember them, and return the token reply (RFC 6749 section 5.1)."""
    now = site.state.clock()
    token = Token(
        access_token=site.new_access_token(signin, scope),
        refresh_token=site.new_refresh_token() if refreshable else "",
        signin=signin,
        scope=scope,
        expires_at=now + site.access_lifetime,
        refresh_expires_at=now + site.refresh_lifetime_of(scope) if refreshable else now,
    )
    site.state.add_token(token)
    reply: dict[str, Any] = {"access_token": token.access_token}
    if refreshable:
        reply["refresh_token"] = token.refresh_token
    reply |= {"token_type": "Bearer", "expires_in": int(site.access_lifetime), "scope": scope}
    return reply | site.token_extras(token)


def id_token(site: Site, signin: SignIn, scope: str, access_token: str, nonce: str) -> str:
    """An ID token (OpenID Connect Core 1.0 section 2), false where a fault says so."""
    faults = site.state.faults
    now = int(site.state.clock())
    expired = faults.strike("expired-id-token", "token")
    issued = now - 2 * 3600 if expired else now
    claims = site.id_token_claims(signin, scope) | {
        "iss": site.issuer,
        "aud": signin.client.client_id,
        "exp": issued + int(site.id_token_lifetime),
        "iat": issued,
        "auth_time": int(signin.auth_time),
        "at_hash": _half_hash(site.hashed_access_token(access_token)),
    }
    if nonce:
        claims["nonce"] = nonce
    if faults.strike("wrong-nonce", "token"):
        claims["nonce"] = secrets.token_urlsafe(8)
    if faults.strike("wrong-issuer", "token"):
        claims["iss"] = "https://issuer.invalid"
    if faults.strike("wrong-audience", "token"):
        claims["aud"] = "another-client"
    if faults.strike("wrong-azp", "token"):
        claims["azp"] = "another-client"
    if faults.strike("extra-audience", "token"):
        claims["aud"] = [signin.client.client_id, "another-client"]
        claims.pop("azp", None)
    if missing := faults.strike("missing-claim", "token"):
        claims.pop(missing.claim, None)
    faults.spoil_groups(claims, "token")
    return site.state.keys.sign(claims, forged=_forgery(faults))


def _forgery(faults: Faults) -> Forgery | None:
    forgeries: tuple[Forgery, ...] = get_args(Forgery)
    return next((name for name in forgeries if faults.strike(name, "token")), None)


def userinfo(site: Site, token: Token) -> dict[str, Any]:
    """What userinfo says (OpenID Connect Core 1.0 section 5.3), false where a fault says so."""
    claims = site.claims(token.signin, token.scope)
    if site.state.faults.strike("different-sub", "userinfo"):
        claims["sub"] = f"not-{claims.get('sub', '')}"
    if missing := site.state.faults.strike("missing-claim", "userinfo"):
        claims.pop(missing.claim, None)
    site.state.faults.spoil_groups(claims, "userinfo")
    return claims


def _half_hash(access_token: str) -> str:
    """`at_hash`, OpenID Connect Core 1.0 section 3.1.3.6."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
