"""Authlib's authorization server: who may ask it for tokens, and in whose words it refuses."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749.errors import OAuth2Error
from flask import Response, jsonify, request
from werkzeug.datastructures import Headers

from fedhub.idp import tokens
from fedhub.idp.grants import Challenge, CodeGrant, IdToken, RefreshedIdToken, RefreshGrant
from fedhub.idp.protocol import NOTHING, ProtocolRequest, Registration
from fedhub.idp.records import SignIn
from fedhub.idp.refusals import Reason, Refused, reason_of
from fedhub.idp.site import current_site, no_store


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
