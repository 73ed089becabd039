"""Authlib's grants over the provider's memory: authorization code with PKCE, and refresh.

Authlib decides what is valid; this module tells it what is registered and remembered, and gives
each refusal a name that the site turns into its server's own words.
"""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote_plus

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import InvalidGrantError, OAuth2Error
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode, OpenIDToken
from flask import Response, jsonify, request
from werkzeug.datastructures import Headers

from fedhub.idp import tokens
from fedhub.idp.client import Client
from fedhub.idp.records import Code, SignIn, Token
from fedhub.idp.refusals import Reason, Refused, reason_of
from fedhub.idp.site import current_site, no_store, send_back
from fedhub.idp.state import CODE_LIFETIME

NOTHING: Mapping[str, str] = MappingProxyType({})
AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


class Registration:
    """A client as Authlib asks about it (its `ClientMixin`)."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get_client_id(self) -> str:
        """The client's id."""
        return self.client.client_id

    def get_default_redirect_uri(self) -> str | None:
        """The callback used when a request names none: only a single one is unambiguous."""
        uris = self.client.redirect_uris
        return uris[0] if len(uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str:
        """The scopes granted: those asked for."""
        return current_site().granted_scope(scope or "")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exact comparison (RFC 9700 section 2.1)."""
        return redirect_uri in self.client.redirect_uris

    def check_client_secret(self, secret: str) -> bool:
        """In constant time."""
        return current_site().has_secret(self.client, secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Every client is confidential."""
        return method in AUTH_METHODS

    def check_response_type(self, response_type: str) -> bool:
        """Codes only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Refresh only where the registration allows it."""
        return grant_type == "authorization_code" or (
            grant_type == "refresh_token" and self.client.refresh_tokens
        )


class Parameters(OAuth2Payload):  # type: ignore[misc]  # Authlib is untyped
    """The parameters of a request, wherever the server reads them from."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = defaultdict(list, values)

    @property
    def data(self) -> dict[str, str]:
        """Each parameter's first value."""
        return {name: values[0] for name, values in self._values.items() if values}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        """Each parameter's values."""
        return self._values


class ProtocolRequest(OAuth2Request):  # type: ignore[misc]  # Authlib is untyped
    """A request as Authlib reads it.

    Args:
        parameters: name → values; from the query, a form or JSON, as the server has it.
        headers: those that may carry client credentials.
    """

    def __init__(self, parameters: Mapping[str, list[str]], headers: Headers) -> None:
        # Authlib insists on TLS; a preview on this machine speaks plain HTTP to itself.
        super().__init__(request.method, "https://localhost/", headers=headers)
        self.payload = Parameters(parameters)

    @property
    def args(self) -> dict[str, str]:
        """All parameters."""
        data: dict[str, str] = self.payload.data
        return data

    @property
    def form(self) -> dict[str, str]:
        """All parameters."""
        return self.args


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib is untyped
    """The authorization code grant."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def create_authorization_response(self, redirect_uri: str, grant_user: SignIn) -> Any:
        """Issue a code and send it to the callback in the site's manner."""
        self.request.user = grant_user
        code = current_site().new_code()
        self.save_authorization_code(code, self.request)
        state = self.request.payload.state or ""
        parameters = current_site().callback_parameters(grant_user, code, state)
        return 302, "", list(send_back(redirect_uri, parameters).headers)

    def save_authorization_code(self, code: str, request: ProtocolRequest) -> None:
        """Remember a code and what it was asked for with."""
        data = request.payload.data
        state = current_site().state
        state.add_code(
            Code(
                code=code,
                signin=request.user,
                redirect_uri=data.get("redirect_uri", ""),
                scope=request.scope or "",
                nonce=data.get("nonce", ""),
                code_challenge=data.get("code_challenge", ""),
                code_challenge_method=data.get("code_challenge_method"),
                expires_at=state.clock() + CODE_LIFETIME,
            )
        )

    def query_authorization_code(self, value: str, registration: Registration) -> Code:
        """Take the code.

        Raises:
            Refused: it is unknown, used, expired, another client's or another callback's.
        """
        site = current_site()
        state = site.state
        peeked = state.peek_code(value)
        if peeked is None:
            raise Refused(Reason.CODE_UNKNOWN)
        stranger = not peeked.signin.client.is_same_as(registration.client)
        if stranger and not site.strangers_use_codes_up:
            raise Refused(Reason.CODE_OF_ANOTHER_CLIENT)
        code, first_use = state.redeem(value, site.issued_together)
        if code is None:
            raise Refused(Reason.CODE_UNKNOWN)
        if not first_use:
            raise Refused(Reason.CODE_REUSED)
        if stranger:
            raise Refused(Reason.CODE_OF_ANOTHER_CLIENT)
        if state.clock() >= code.expires_at:
            raise Refused(Reason.CODE_EXPIRED)
        if code.redirect_uri and self.request.payload.redirect_uri != code.redirect_uri:
            raise Refused(Reason.CALLBACK_MISMATCH)
        return code

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing to do: `redeem` used it up, and it stays known so that reuse is seen."""

    def authenticate_user(self, authorization_code: Code) -> SignIn:
        """Who signed in.

        Raises:
            Refused: their account was disabled since.
        """
        signin: SignIn = authorization_code.signin
        if current_site().state.is_disabled(signin.persona):
            raise Refused(Reason.USER_DISABLED)
        return signin


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib is untyped
    """The refresh token grant; every refresh brings a new refresh token."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token:
        """Find a refresh token that may still be used.

        Raises:
            Refused: it may not.
        """
        site = current_site()
        state = site.state
        token = state.refresh(refresh_token)
        if token is None:
            raise Refused(Reason.REFRESH_INVALID)
        if not token.check_client(self.request.client):
            raise Refused(Reason.REFRESH_OF_ANOTHER_CLIENT)
        if not state.is_refreshable(token):
            raise Refused(site.dead_refresh(token))
        if state.is_disabled(token.signin.persona):
            raise Refused(Reason.USER_DISABLED)
        return token

    def authenticate_user(self, refresh_token: Token) -> SignIn:
        """Who signed in.

        Raises:
            Refused: another request spent the token since it was looked up.
        """
        site = current_site()
        if site.refresh_is_single_use and not site.state.spend_refresh(refresh_token):
            raise Refused(Reason.REFRESH_INVALID)
        return refresh_token.signin

    def issue_token(self, user: SignIn, refresh_token: Token) -> dict[str, Any]:
        """The reply, with the scopes that the site grants."""
        asked = self.request.payload.scope or ""
        scope = current_site().refreshed_scope(asked, refresh_token.scope)
        issued: dict[str, Any] = self.generate_token(
            user=user, scope=scope, include_refresh_token=self.INCLUDE_NEW_REFRESH_TOKEN
        )
        return issued

    def _validate_token_scope(self, token: Token) -> None:
        """Nothing to do: `issue_token` asks the site."""

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """Nothing more to do: single-use tokens were spent above."""


class Challenge(CodeChallenge):  # type: ignore[misc]  # Authlib is untyped
    """PKCE (RFC 7636), with a name for each way to fail it."""

    def validate_code_verifier(self, grant: CodeGrant, result: Any) -> None:
        """Check the verifier.

        Raises:
            Refused: it is missing, wrong or unexpected.
        """
        try:
            super().validate_code_verifier(grant, result)
        except InvalidGrantError:
            raise Refused(Reason.VERIFIER_WRONG) from None
        except OAuth2Error:
            if not grant.request.authorization_code.code_challenge:
                raise Refused(Reason.VERIFIER_UNEXPECTED) from None
            given = grant.request.form.get("code_verifier")
            raise Refused(Reason.VERIFIER_MALFORMED if given else Reason.VERIFIER_MISSING) from None


class RefreshedIdToken(OpenIDToken):  # type: ignore[misc]  # Authlib is untyped
    """Adds an ID token to the reply for a refresh token."""

    def process_token(self, grant: Any, response: Any) -> dict[str, Any]:
        """Add it, except where a fault has it missing."""
        reply: dict[str, Any] = super().process_token(grant, response)
        if current_site().state.faults.strike("no-id-token", "token"):
            reply.pop("id_token", None)
        return reply

    def encode_id_token(self, token: dict[str, Any], request: ProtocolRequest) -> str:
        """The signed token, with the nonce the code was asked for with."""
        code: Code | None = request.authorization_code
        nonce = code.nonce if code else ""  # Keycloak and OA4MP leave it out after a refresh
        site = current_site()
        return tokens.id_token(site, request.user, token["scope"], token["access_token"], nonce)


class IdToken(RefreshedIdToken, OpenIDCode):  # type: ignore[misc]  # Authlib is untyped
    """Adds an ID token to the reply for a code."""

    def exists_nonce(self, nonce: str, request: ProtocolRequest) -> bool:
        """None of the real servers remembers nonces; clients check them."""
        return False


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib is untyped
    """Authlib's authorization server, answering for whichever site the request is for."""

    def __init__(self) -> None:
        super().__init__()
        self._query_client = self._find
        self._save_token = lambda token, request: None  # tokens.issue has remembered it
        self.register_token_generator("default", _issue)
        self.register_client_auth_method("client_secret_basic", _authenticate_basic)
        self.register_grant(CodeGrant, [IdToken(), Challenge(required=False)])
        self.register_grant(RefreshGrant, [RefreshedIdToken()])

    def create_oauth2_request(self, request: ProtocolRequest) -> ProtocolRequest:
        """Requests come ready."""
        return request

    def authenticate_client(
        self, request: ProtocolRequest, methods: list[str], endpoint: str = "token"
    ) -> Registration:
        """Authenticate by HTTP Basic or by form.

        Raises:
            Refused: naming what was wrong, which some servers tell and others don't.
        """
        basic_id, _ = basic_credentials(request.headers)
        client_id = basic_id or request.form.get("client_id")
        if not client_id:
            raise Refused(Reason.NO_CREDENTIALS)
        if not self.query_client(client_id):
            raise Refused(Reason.UNKNOWN_CLIENT)
        try:
            registration: Registration = super().authenticate_client(request, methods, endpoint)
        except OAuth2Error:
            raise Refused(Reason.WRONG_SECRET) from None
        return registration

    def handle_error_response(self, request: ProtocolRequest, error: OAuth2Error) -> Response:
        """Refuse in the site's words."""
        reason = reason_of(error)
        basic = request.headers.get("Authorization", "").lower().startswith("basic ")
        form = request.form
        if reason is Reason.GRANT_UNSUPPORTED and not form.get("grant_type"):
            reason = Reason.GRANT_MISSING
        if reason is Reason.REQUEST_INVALID and form.get("grant_type") == "authorization_code":
            reason = Reason.REQUEST_INVALID if form.get("code") else Reason.CODE_MISSING
        if reason is Reason.REQUEST_INVALID and form.get("grant_type") == "refresh_token":
            reason = Reason.REFRESH_MISSING
        return current_site().refuse_token(reason, basic=basic)

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> Response:
        """Make Flask's reply of Authlib's."""
        if isinstance(payload, dict):
            reply = no_store(jsonify(payload))
            reply.status_code = status_code
            return reply
        return Response(payload, status=status_code, headers=headers)

    @staticmethod
    def _find(client_id: str) -> Registration | None:
        client = current_site().client(client_id)
        return Registration(client) if client else None


def basic_credentials(headers: Headers) -> tuple[str, str]:
    """Client id and secret from HTTP Basic; empty when there are none.

    RFC 6749 section 2.3.1 has them URL-encoded, which oauthenticator and others don't do: both
    are understood. CILogon's ids contain colons, and OA4MP splits at the last one.
    """
    kind, _, value = headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    site = current_site()
    split = text.rpartition if site.splits_basic_at_last_colon else text.partition
    client_id, _, secret = split(":")
    if site.client(client_id) is None:
        client_id = unquote_plus(client_id)
    return client_id, secret


def _authenticate_basic(
    query_client: Callable[[str], Registration | None], request: ProtocolRequest
) -> Registration | None:
    client_id, secret = basic_credentials(request.headers)
    registration = query_client(client_id)
    if registration is None:
        return None
    raw = registration.check_client_secret(secret)
    return registration if registration.check_client_secret(unquote_plus(secret)) or raw else None


def token_response(server: Server, implied: Mapping[str, str] = NOTHING) -> Response:
    """Answer a form-encoded token request in the current site's manner.

    Args:
        server: issues the tokens.
        implied: parameters a server does not ask for, such as GitHub's `grant_type`.
    """
    parameters = {name: [value] for name, value in implied.items()}
    parameters |= {name: request.form.getlist(name) for name in request.form}
    reply: Response = server.create_token_response(ProtocolRequest(parameters, request.headers))
    return reply


def _issue(
    grant_type: str,
    client: Registration,
    user: SignIn,
    scope: str = "",
    expires_in: int | None = None,
    include_refresh_token: bool = True,
) -> dict[str, Any]:
    refreshable = include_refresh_token and client.client.refresh_tokens
    return tokens.issue(current_site(), user, scope or "", refreshable=refreshable)
