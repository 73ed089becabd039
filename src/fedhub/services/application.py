"""A service's application, played: a login begun, and the hub's answer made into a person.

As RFC 6749 section 4.1 with PKCE (RFC 7636) has it and, where the hub is an issuer, OpenID Connect
Core 1.0 section 3.1. Authlib and joserfc speak and verify.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from fedhub.errors import FedhubError
from fedhub.services.connection import UNREACHED, ask, connection, said_in
from fedhub.services.declared import roles_in, texts
from fedhub.services.handover import Handover

_ALGORITHM = "RS256"
"""What the hub signs ID tokens with (fedhub_authenticators/oidc_keys.py)."""
_ODD = (AuthlibBaseError, JoseError, AttributeError, LookupError, TypeError, ValueError)
"""What the libraries raise on what another wrote."""
_NEEDED = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
_FIXES = {
    "invalid_client": "deploy the hub as its values are: it has another secret of the service",
    "invalid_grant": "begin again: the code is used up or too old, or what answers at the callback "
    "URL was first",
}


@dataclass(frozen=True)
class Told:
    """Whom the hub names to an application.

    Attributes:
        user: the user name.
        groups: those that the application learns of.
        roles: those of the service's own that the user has.
        claims: of the ID token, verified; empty without OpenID Connect.
    """

    user: str
    groups: tuple[str, ...]
    roles: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Issuer:
    """The hub as an OpenID Connect issuer.

    Attributes:
        metadata: what discovery says.
        keys: those that sign.
    """

    metadata: Mapping[str, Any]
    keys: KeySet


def discovered(address: str) -> Issuer:
    """Ask an issuer for all that an application needs (OpenID Connect Discovery 1.0 section 4).

    Args:
        address: the issuer's.

    Raises:
        FedhubError: it does not answer, is another, or what it says is not what the standard asks.
    """
    metadata = OpenIDProviderMetadata(_json(f"{address}/.well-known/openid-configuration"))
    if metadata.get("issuer") != address:
        raise FedhubError(
            f"the issuer {address} says that it is {metadata.get('issuer')!r}",
            fix="give the hub's address as browsers know it; it follows from global.fedhub.domain",
        )
    try:
        metadata.validate()
        # The client secret goes there: to nobody but the issuer.
        if not all(str(metadata.get(name)).startswith(f"{address}/") for name in _NEEDED):
            raise ValueError("an address is not below its own")
        keys = KeySet.import_key_set(_json(metadata["jwks_uri"]))  # type: ignore[arg-type]  # it raises on what is none
        if not keys.keys:
            raise ValueError("no keys")
    except _ODD as error:
        raise FedhubError(
            f"the issuer {address} is not as the standard has it ({error})",
            fix="look at the hub's log",
        ) from None
    return Issuer(metadata, keys)


class Application:
    """An application that logs one person in.

    Args:
        found: what its owner is handed.
        issuer: the hub as an issuer, to log in by OpenID Connect; None for JupyterHub's own OAuth.
    """

    def __init__(self, found: Handover, issuer: Issuer | None = None) -> None:
        self._found = found
        self._issuer = issuer
        self._state = secrets.token_urlsafe(16)
        self._nonce = secrets.token_urlsafe(16)
        self._verifier = secrets.token_urlsafe(48)

    @property
    def address(self) -> str:
        """Where it sends the person's browser."""
        at, more = self._found.authorization_url, {}
        if self._issuer:
            at = self._issuer.metadata["authorization_endpoint"]
            more = {"nonce": self._nonce}
        address = prepare_grant_uri(
            at,
            client_id=self._found.client_id,
            response_type="code",
            redirect_uri=self._found.redirect_uri,
            scope="openid" if self._issuer else " ".join(self._found.scopes) or None,
            state=self._state,
            code_challenge=create_s256_code_challenge(self._verifier),
            code_challenge_method="S256",
            **more,
        )
        return str(address)

    def is_back(self, address: str) -> bool:
        """Return whether the browser has come to the callback URL."""
        return address.partition("?")[0] == self._found.redirect_uri.partition("?")[0]

    def told(self, answer: str) -> Told:
        """Return whom the hub names, in exchange for the code.

        Args:
            answer: the address that the browser was sent back to; a person may have pasted it.

        Raises:
            FedhubError: it is no answer to this login, or the hub does not stand by it.
        """
        code = self._code(answer)
        try:
            # With no cookies: it is the application that asks now, and not the browser.
            with httpx.Client(**connection(self._found.home)) as http:
                return self._exchanged(http, code)
        except UNREACHED as error:
            raise self._wrong(f"does not answer ({type(error).__name__})") from None

    def _code(self, answer: str) -> str:
        try:
            query = parse_qs(urlsplit(answer).query)
        except ValueError:
            query = {}
        said = {name: values[0] for name, values in query.items()}
        if not secrets.compare_digest(said.get("state", "").encode(), self._state.encode()):
            raise FedhubError(
                "this is no answer to the login that was begun",
                fix="paste the whole address, with code and state",
            )
        if "code" not in said:
            raise self._wrong(f"answers {said.get('error', 'without a code')!r}")
        return said["code"]

    def _exchanged(self, http: httpx.Client, code: str) -> Told:
        at, about, name = self._found.token_url, self._found.userinfo_url, "name"
        if self._issuer:
            metadata = self._issuer.metadata
            at, about = metadata["token_endpoint"], metadata["userinfo_endpoint"]
            name = "preferred_username"
        token = self._token(http.post(at, data=self._grant(code)))
        claims = self._claims(token) if self._issuer else {}
        reply = http.get(about, headers={"Authorization": f"Bearer {token['access_token']}"})
        said = said_in(reply)
        if not isinstance(said.get(name), str):
            raise self._wrong(f"does not say who has logged in ({reply.status_code})")
        if claims and said.get("sub") != claims["sub"]:
            raise self._wrong("names two people, in the ID token and for the access token")
        roles = (
            texts(claims.get("roles"))
            if self._issuer
            else roles_in(self._found.service, texts(said.get("scopes")))
        )
        return Told(said[name], texts(said.get("groups")), roles, claims)

    def _grant(self, code: str) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._found.redirect_uri,
            "client_id": self._found.client_id,
            "client_secret": self._found.secret.get_secret_value(),
            "code_verifier": self._verifier,
        }

    def _token(self, reply: httpx.Response) -> dict[str, Any]:
        said = said_in(reply)
        token = said.get("access_token")
        if not (isinstance(token, str) and token.isascii() and token.isprintable()):
            error = str(said.get("error", reply.status_code))
            raise self._wrong(
                f"answers {error!r} to its code and client secret", _FIXES.get(error, "")
            )
        return said

    def _claims(self, token: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what an ID token claims, verified (OpenID Connect Core 1.0 section 3.1.3.7)."""
        assert self._issuer is not None
        exactly = {"iss": self._issuer.metadata["issuer"], "aud": self._found.client_id}
        try:
            signed = jwt.decode(str(token.get("id_token")), self._issuer.keys, [_ALGORITHM])
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                {name: {"essential": True, "value": value} for name, value in exactly.items()},
                {**token, "nonce": self._nonce, "client_id": self._found.client_id},
            )
            claims.validate()
        except _ODD as error:
            raise self._wrong(f"makes an ID token that can't be believed ({error})") from None
        return dict(claims)

    def _wrong(self, what: str, fix: str = "") -> FedhubError:
        return FedhubError(
            f"the hub {what} when {self._found.service} logs somebody in",
            fix=fix or "look at the hub's log",
        )


def _json(address: str) -> dict[str, Any]:
    try:
        reply = ask("GET", address)
    except UNREACHED as error:
        raise FedhubError(
            f"{address} does not answer ({type(error).__name__})",
            fix="see that the hub runs and is reached from here",
        ) from None
    if not reply.is_success or not (said := said_in(reply)):
        raise FedhubError(
            f"{address} answers {reply.status_code}, and not as an issuer",
            fix="deploy the hub with global.fedhub.oidc.enabled",
        )
    return said
