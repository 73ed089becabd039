"""Codes and tokens of the hub as an issuer: JupyterHub's own OAuth provider, and what it lacks.

JupyterHub's takes no nonce, and would redeem a code of this issuer at its own address without the
rules of this one; so codes are kept here and not in its database. Tokens are its own: they end with
the person's session at the hub.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from jupyterhub import orm
from jupyterhub.oauth.provider import JupyterHubOAuthServer, JupyterHubRequestValidator
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors
from tornado.log import app_log
from tornado.web import HTTPError

from fedhub_authenticators import events
from fedhub_authenticators.hub_sessions import has_ended
from fedhub_authenticators.oauth_provider import forget_named
from fedhub_authenticators.oidc_issuer import (
    TOKEN_SECONDS,
    Granted,
    HubIssuer,
    may_use,
    subject_of,
)
from fedhub_authenticators.pkce import challenge_of, check_challenge
from fedhub_authenticators.services import without_lost_roles

NOT_OF_THE_HUB = frozenset(
    {"openid", "profile", "email", "address", "phone", "offline_access", "groups"}
)
"""Scopes that say which claims are wanted, and nothing to JupyterHub."""

LONGEST_NONCE = 1000
"""Characters: it is kept with the code, and ten thousand codes are."""

_NOT_HERE = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
"""Parameters that an issuer may refuse, and the error that says so (Core 1.0 section 3.1.2.6)."""


def refused(client_id: str | None, reason: str) -> None:
    """Note in the hub's log why an application or a person got nothing."""
    app_log.warning("%s", events.line("oidc", "refused", client=client_id, reason=reason))


class Grants(JupyterHubOAuthServer):
    """The OAuth provider behind one request.

    Args:
        db: the hub's database session.
        issuer: what the pages share.
        logged_in: whether the browser's person is.
    """

    def __init__(self, db: Any, issuer: HubIssuer, *, logged_in: bool) -> None:
        super().__init__(db, _Validator(db, issuer), token_expires_in=TOKEN_SECONDS)
        self._issuer = issuer
        self._logged_in = logged_in
        self.asked: Request | None = None
        self.auth_grant.custom_validators.pre_auth.append(self._check)
        self.auth_grant.register_token_modifier(self._add_id_token)

    def _check(self, request: Request) -> dict[str, Any]:
        """Hold a request for authorization against the standard.

        oauthlib calls this once client and redirect address are known to be right.

        Raises:
            OAuth2Error: what the application is told.
        """
        self.asked = request
        # Of the address alone: the hub's form has several `scopes`.
        pairs = parse_qsl(urlsplit(request.uri).query, keep_blank_values=True)
        query = dict(pairs)
        if len(query) != len(pairs):
            raise errors.InvalidRequestError("A parameter is there twice.", request=request)
        for name, error in _NOT_HERE.items():
            if name in query:
                raise errors.CustomOAuth2Error(error, f"Do not send {name}.", request=request)
        check_challenge(request)
        # oauthlib asks this as well, but only when somebody is logged in.
        if request.code_challenge is None and self._issuer.clients.get(request.client_id, True):
            raise errors.InvalidRequestError("Code challenge required.", request=request)
        if len(request.nonce or "") > LONGEST_NONCE:
            raise errors.InvalidRequestError("The nonce is too long.", request=request)
        prompts = query.get("prompt", "").split()
        if "login" in prompts or "max_age" in query:
            # Core 1.0 section 3.1.2.1: who can't make somebody log in anew must say so.
            words = "This hub does not make people log in anew."
            raise errors.CustomOAuth2Error("login_required", words, request=request)
        if "none" in prompts and not self._logged_in:
            words = "Nobody is logged in to the hub."
            raise errors.CustomOAuth2Error("login_required", words, request=request)
        return {}

    def _add_id_token(self, token: dict[str, Any], _: Any, request: Request) -> dict[str, Any]:
        nonce = request.granted.nonce
        id_token = self._issuer.id_token(request.user, request.client, nonce)
        scope = " ".join(["openid", *sorted(request.scopes)])
        about = {"client": request.client_id, "user": request.user.name}
        app_log.info("%s", events.line("oidc", "in", **about))
        return {**token, "scope": scope, "id_token": id_token}


class _Validator(JupyterHubRequestValidator):
    """JupyterHub's rules, for the issuer's clients alone, with its codes."""

    def __init__(self, db: Any, issuer: HubIssuer) -> None:
        super().__init__(db)
        self._issuer = issuer

    # --- the client -----------------------------------------------------------------------

    def validate_client_id(self, client_id: str, request: Request, *_: Any, **__: Any) -> bool:
        """Return whether a client is one of ours."""
        forget_named(request)
        if client_id in self._issuer.clients and super().validate_client_id(client_id, request):
            return True
        refused(client_id, "no such client")
        return False

    def authenticate_client(self, request: Request, *_: Any, **__: Any) -> bool:
        """Return whether client id and secret are right, in the header or in the body."""
        try:
            basic = basic_credentials(request.headers)
        except ValueError:
            refused(request.client_id, "the Authorization header is not as RFC 6749 has it")
            return False
        if basic and (request.client_secret or request.client_id not in (None, basic[0])):
            refused(basic[0], "the client says in two ways who it is")
            return False
        if basic:
            request.client_id, request.client_secret = basic
        if request.client_id in self._issuer.clients and super().authenticate_client(request):
            return True
        refused(request.client_id, "the client secret is not the service's api_token")
        return False

    # --- the request for authorization ----------------------------------------------------

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Return whether a redirect address is the registered one, sign for sign."""
        if redirect_uri.isprintable() and super().validate_redirect_uri(
            client_id, redirect_uri, request
        ):
            return True
        refused(client_id, "the redirect address is not the service's oauth_redirect_uri")
        return False

    def get_default_redirect_uri(self, *_: Any, **__: Any) -> None:
        """Return none: OpenID Connect asks for one in every request (Core 1.0, 3.1.2.1)."""

    def validate_response_type(self, _: str, response_type: str, *__: Any, **___: Any) -> bool:
        """Return whether a code is asked for, and nothing else."""
        return bool(response_type == "code")

    def validate_scopes(
        self, client_id: str, scopes: Any, client: Any, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Return whether the client may ask for these; without one of the hub's, for all it may."""
        asked = [scope for scope in scopes if scope not in NOT_OF_THE_HUB]
        asked = asked or sorted(self.get_default_scopes(client_id, request))
        return bool(super().validate_scopes(client_id, asked, client, request))

    def is_pkce_required(self, client_id: str, _: Request) -> bool:
        """Return whether the operator asks for PKCE; on doubt, yes."""
        return self._issuer.clients.get(client_id, True)

    # --- codes ----------------------------------------------------------------------------

    def save_authorization_code(
        self, client_id: str, code: Mapping[str, str], request: Request, *_: Any, **__: Any
    ) -> None:
        """Keep what a code stands for.

        Raises:
            HTTPError: 403, the person may not use the service. The page has asked that before, in
                words for people.
        """
        user = request.user.orm_user
        if not may_use(user, request.client):
            refused(client_id, f"{user.name} may not use the service")
            raise HTTPError(
                HTTPStatus.FORBIDDEN,
                f"You do not have permission to access {request.client.description}",
            )
        granted = Granted(
            client_id=client_id,
            redirect_uri=request.redirect_uri,
            subject=subject_of(user),
            user_id=user.id,
            scopes=frozenset(request.scopes),
            session_id=request.session_id,
            cookie_id=user.cookie_id,
            nonce=request.nonce,
            challenge=request.code_challenge,
        )
        self._issuer.codes.put(_digest(code["code"]), granted)

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Use a code up, and return whether it is the client's and still lets the person in."""
        granted = self._issuer.codes.take(_digest(code))
        reason = ""
        if granted is None:
            reason = "there is no such code; it was used, or is older than a minute"
        elif granted.client_id != client_id:
            reason = "the code is another client's"
        elif not _proves(request.code_verifier, granted.challenge):
            reason = "the code_verifier does not fit the login's code_challenge"
        else:
            user = self.db.get(orm.User, granted.user_id)
            if user is None or subject_of(user) != granted.subject or not may_use(user, client):
                reason = "the person may not use the service any more"
            elif user.cookie_id != granted.cookie_id or has_ended(user, granted.session_id):
                reason = "the person has logged out since"
        if reason:
            refused(client_id, reason)
            return False
        assert granted is not None
        request.granted = granted
        request.user = user
        request.session_id = granted.session_id
        request.scopes = without_lost_roles(granted.scopes, user, client)
        return True

    def get_code_challenge(self, _: str, request: Request) -> str | None:
        """Return the challenge that the login began with."""
        challenge: str | None = request.granted.challenge
        return challenge

    def get_code_challenge_method(self, *_: Any) -> str:
        """Return the only one there is."""
        return "S256"

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Request
    ) -> bool:
        """Return whether it is the redirect address that the code was sent to."""
        if redirect_uri == request.granted.redirect_uri:
            return True
        refused(client_id, "the redirect address is not the one that the code was sent to")
        return False

    def invalidate_authorization_code(self, *_: Any, **__: Any) -> None:
        """Do nothing: `validate_code` has used it up."""


def basic_credentials(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return client id and secret of an Authorization header; None where there is none.

    Raises:
        ValueError: it is another kind of header, or not as RFC 6749 section 2.3.1 has it.
    """
    header = headers.get("Authorization")
    if header is None:
        return None
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        raise ValueError("not Basic")
    name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    if not colon:
        raise ValueError("no colon")
    return unquote_plus(name), unquote_plus(secret)


def _proves(verifier: str | None, challenge: str | None) -> bool:
    """Return whether who brings a code began the login (RFC 7636 section 4.6).

    oauthlib asks as well, with no word in the log, and takes a verifier of a login that was begun
    without a challenge, which RFC 9700 section 4.8.2 forbids.
    """
    if verifier is None or challenge is None:
        return verifier is challenge
    return hmac.compare_digest(challenge_of(verifier), challenge)


def _digest(code: str) -> str:
    """Return what a code is kept under: looking one up says nothing about others."""
    return hashlib.sha256(code.encode()).hexdigest()
