"""A site: one server as a client meets it, with its issuer, registrations and manners.

The base class speaks plain RFC 6749 and OpenID Connect, as most issuers do; each face overrides
what its real server does otherwise. One site is made per request and found by `current_site()`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

from flask import Response, g, jsonify, render_template

from fedhub.idp.claims import select_oidc
from fedhub.idp.client import Client, Face
from fedhub.idp.records import SignIn, Token
from fedhub.idp.refusals import Reason, Refused
from fedhub.idp.state import State, same_secret, username_of

S = TypeVar("S", bound="Site")
Refusal = tuple[int, str, str]
"""HTTP status, `error`, `error_description`."""


class Site:
    """What the core asks of a face.

    Args:
        state: the provider's memory.
        realm: the Keycloak realm, the Custos tenant or the OIDC provider's name.
    """

    face: ClassVar[Face] = "oidc"
    access_lifetime: ClassVar[float] = 3600.0
    refresh_lifetime: ClassVar[float] = 14 * 86400.0
    id_token_lifetime: ClassVar[float] = 900.0
    refresh_is_single_use: ClassVar[bool] = False
    splits_basic_at_last_colon: ClassVar[bool] = False
    strangers_use_codes_up: ClassVar[bool] = False
    """Whether a code is spent by another client's attempt."""
    logout_withdraws_tokens: ClassVar[bool] = True
    session_cookie: ClassVar[str] = "idp_session"
    understood_prompts: ClassVar[frozenset[str] | None] = None
    """The values of `prompt` it acts on, where it passes over the others; None for all."""
    institutions_have_sessions: ClassVar[bool] = False
    """Whether a session is one at an institution, and so of no use for another one's hint."""
    refusals: ClassVar[Mapping[Reason, Refusal]] = {
        # RFC 6749 section 5.2, RFC 7636 section 4.6
        Reason.UNKNOWN_CLIENT: (401, "invalid_client", "Client authentication failed"),
        Reason.NO_CREDENTIALS: (401, "invalid_client", "Client authentication failed"),
        Reason.WRONG_SECRET: (401, "invalid_client", "Client authentication failed"),
        Reason.CODE_MISSING: (400, "invalid_request", "The parameter code is missing"),
        Reason.CODE_UNKNOWN: (400, "invalid_grant", "The authorization code is invalid"),
        Reason.CODE_REUSED: (400, "invalid_grant", "The authorization code was already used"),
        Reason.CODE_EXPIRED: (400, "invalid_grant", "The authorization code has expired"),
        Reason.CODE_OF_ANOTHER_CLIENT: (400, "invalid_grant", "The code is invalid"),
        Reason.CALLBACK_MISMATCH: (400, "invalid_grant", "redirect_uri does not match"),
        Reason.VERIFIER_MISSING: (400, "invalid_grant", "The code verifier is missing"),
        Reason.VERIFIER_WRONG: (400, "invalid_grant", "The code verifier does not match"),
        Reason.VERIFIER_MALFORMED: (400, "invalid_grant", "The code verifier is malformed"),
        Reason.VERIFIER_UNEXPECTED: (400, "invalid_grant", "No code challenge was sent"),
        Reason.REFRESH_MISSING: (400, "invalid_request", "The parameter refresh_token is missing"),
        Reason.REFRESH_INVALID: (400, "invalid_grant", "The refresh token is invalid"),
        Reason.REFRESH_OF_ANOTHER_CLIENT: (400, "invalid_grant", "The refresh token is invalid"),
        Reason.REFRESH_NOT_ALLOWED: (400, "unauthorized_client", "Refresh is not allowed"),
        Reason.USER_DISABLED: (400, "invalid_grant", "The user is disabled"),
        Reason.GRANT_MISSING: (400, "invalid_request", "The parameter grant_type is missing"),
        Reason.GRANT_UNSUPPORTED: (400, "unsupported_grant_type", "Unsupported grant type"),
        Reason.SCOPE_INVALID: (400, "invalid_scope", "The scope is invalid"),
        Reason.REQUEST_INVALID: (400, "invalid_request", "The request is invalid"),
    }

    def __init__(self, state: State, realm: str = "") -> None:
        self.state = state
        self.realm = realm

    # Who it is

    @property
    def title(self) -> str:
        """What the sign-in page says it stands in for."""
        return f"the OpenID Connect issuer “{self.realm}”"

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens."""
        return f"{self.state.url}/oidc/{self.realm}"

    # Whom it remembers

    @property
    def session_scope(self) -> str:
        """Tells its sessions from those of other sites."""
        return f"{self.face}/{self.realm}"

    @property
    def cookie_paths(self) -> tuple[str, ...]:
        """Where the session cookie is sent; never to a hub on the same host."""
        return (f"/oidc/{self.realm}/",)

    # Who may talk to it

    def client(self, client_id: str) -> Client | None:
        """The registration with this id."""
        return self.state.client(self.face, client_id)

    def has_secret(self, client: Client, secret: str) -> bool:
        """Whether this is the client's secret; takes the same time for every answer."""
        return same_secret(secret, client.client_secret)

    # What it sends to the callback

    def callback_parameters(self, signin: SignIn, code: str, state: str) -> list[tuple[str, str]]:
        """The query of the redirect that brings the code (RFC 6749 section 4.1.2)."""
        return [("code", code), *([("state", state)] if state else [])]

    cancelled_words: ClassVar[str] = "The user denied the request"

    def deny(self, redirect_uri: str, error: str, words: str, state: str) -> Response:
        """Send the browser back with an error (RFC 6749 section 4.1.2.1)."""
        parameters = [("error", error), ("error_description", words)]
        return send_back(redirect_uri, parameters + ([("state", state)] if state else []))

    def granted_scope(self, scope: str) -> str:
        """The scopes a client gets for those it asked for."""
        return scope

    def refreshed_scope(self, asked: str, granted: str) -> str:
        """The scopes of a refresh (RFC 6749 section 6).

        Args:
            asked: those asked for; "" for all.
            granted: those of the refresh token.

        Raises:
            Refused: one was not granted before.
        """
        if not set(asked.split()) <= set(granted.split()):
            raise Refused(Reason.SCOPE_INVALID)
        return asked or granted

    def prompts(self, asked: set[str]) -> set[str]:
        """The values of `prompt` that count."""
        return asked if self.understood_prompts is None else asked & self.understood_prompts

    def refused_scope(self, scope: str, client: Client) -> str:
        """A sentence when a client may not ask for a scope; empty when all is well."""
        return ""

    # What is in its tokens

    def refused_person(self, claims: Mapping[str, Any]) -> str:
        """Why somebody who has signed in gets no further, for them to read; "" when they do."""
        return ""

    def refresh_lifetime_of(self, scope: str) -> float:
        """Seconds that a refresh token lives."""
        return self.refresh_lifetime

    def issued_together(self, token: Token, signin: SignIn) -> bool:
        """Whether a token goes when the code, or the refresh token, of a sign-in is withdrawn."""
        return token.signin.id == signin.id

    def claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """What userinfo and the ID token say of a person."""
        return select_oidc(signin.claims, scope)

    def id_token_claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """What the ID token says beside the protocol's own claims."""
        return self.claims(signin, scope)

    def hashed_access_token(self, access_token: str) -> str:
        """The access token that `at_hash` is made of."""
        return access_token

    def introspection(self, token: Token) -> dict[str, Any]:
        """What introspection says of a live access token (RFC 7662 section 2.2)."""
        return {
            "active": True,
            "sub": token.signin.claims.get("sub"),
            "username": username_of(token.signin.claims, token.signin.persona),
            "client_id": token.signin.client.client_id,
            "aud": token.signin.client.client_id,
            "scope": token.scope,
            "exp": int(token.expires_at),
            "iss": self.issuer,
            "token_type": "Bearer",
        }

    def may_introspect(self, client: Client, token: Token) -> bool:
        """Whether a client may ask about a token: about its own."""
        return token.signin.client.is_same_as(client)

    def new_code(self) -> str:
        """A fresh authorization code."""
        return secrets.token_urlsafe(32)

    def new_access_token(self, signin: SignIn, scope: str) -> str:
        """A fresh access token."""
        return secrets.token_urlsafe(32)

    def new_refresh_token(self) -> str:
        """A fresh refresh token."""
        return secrets.token_urlsafe(32)

    def token_extras(self, token: Token) -> dict[str, Any]:
        """What the token reply carries beside RFC 6749 section 5.1."""
        return {}

    # How it refuses

    def refuse_authorize(self, reason: Reason, redirect_uri: str) -> Response:
        """Answer a browser that must not be sent back to the client."""
        words = {
            Reason.UNKNOWN_CLIENT: "No client of this client_id is registered here.",
            Reason.WRONG_CALLBACK: "The redirect_uri is not one the client has registered.",
        }
        return error_page(self.title, words.get(reason, "The request is not valid."), 400)

    def refuse_token(self, reason: Reason, *, basic: bool) -> Response:
        """Answer a token request.

        Args:
            reason: what was wrong.
            basic: whether the client authenticated with HTTP Basic, which RFC 6749 section 5.2
                answers with a `WWW-Authenticate` header.
        """
        status, error, description = self.refusals[reason]
        reply = jsonify(error=error, error_description=description)
        reply.status_code = status
        if status == HTTPStatus.UNAUTHORIZED and basic:
            reply.headers["WWW-Authenticate"] = f'Basic realm="{self.face}"'
        return no_store(reply)

    def refuse_disabled(self) -> Response:
        """Answer a request with the access token of somebody whose account is disabled."""
        return self.refuse_bearer(given=True, description="The user is disabled")

    def dead_refresh(self, token: Token) -> Reason:
        """Why a refresh token may be used no more."""
        return Reason.REFRESH_INVALID

    def dead_token_words(self, token: Token) -> str:
        """What it says of a token that has expired or was withdrawn."""
        return "The access token has expired"

    def refuse_bearer(self, *, given: bool, description: str = "") -> Response:
        """Answer a request without a valid access token (RFC 6750 section 3)."""
        if not given:
            reply = Response(status=401)
            reply.headers["WWW-Authenticate"] = f'Bearer realm="{self.face}"'
            return reply
        words = description or "The access token is invalid or has expired"
        reply = jsonify(error="invalid_token", error_description=words)
        reply.status_code = 401
        reply.headers["WWW-Authenticate"] = (
            f'Bearer realm="{self.face}", error="invalid_token", error_description="{words}"'
        )
        return reply


def current_site() -> Site:
    """The site this request is for."""
    site: Site = g.site
    return site


def enter(site: S) -> S:
    """Make a site the one this request is for."""
    g.site = site
    return site


def error_page(
    title: str, message: str, status: int, *, heading: str = "We are sorry…", confirm: str = ""
) -> Response:
    """A page for a person whose login can't go on.

    Args:
        title: the server this stands in for.
        message: what happened, in a sentence.
        status: the HTTP status.
        heading: what the page opens with.
        confirm: where a "Log out" button posts to; none without it.
    """
    page = render_template(
        "message.html", title=title, heading=heading, message=message, confirm=confirm
    )
    return Response(page, status, mimetype="text/html")


def send_back(redirect_uri: str, parameters: list[tuple[str, str]]) -> Response:
    """Redirect the browser to a registered callback with these query parameters."""
    joint = "&" if "?" in redirect_uri else "?"
    reply = Response(status=302)
    reply.headers["Location"] = f"{redirect_uri}{joint}{urlencode(parameters)}"
    return no_store(reply)


def no_store(reply: Response) -> Response:
    """Forbid caching, as RFC 6749 section 5.1 demands of tokens."""
    reply.headers["Cache-Control"] = "no-store"
    reply.headers["Pragma"] = "no-cache"
    return reply
