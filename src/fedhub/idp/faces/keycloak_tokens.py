"""Revocation and introspection as Keycloak has them (RFC 7009, RFC 7662)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request

from fedhub.idp.authorization import Server
from fedhub.idp.faces.keycloak_site import KeycloakSite
from fedhub.idp.faces.keycloak_words import WRONG_CREDENTIALS
from fedhub.idp.protocol import AUTH_METHODS, ProtocolRequest, Registration
from fedhub.idp.refusals import Reason, Refused


class _RefusedError(Exception):
    """The answer to a request that is refused."""

    def __init__(self, status: int, error: str, words: str) -> None:
        super().__init__(words)
        self.reply = jsonify(error=error, error_description=words)
        self.reply.status_code = status


def revoke(site: KeycloakSite, server: Server) -> Response:
    """Withdraw a token; a refresh token takes the client out of its session."""
    try:
        registration = _authenticated(server, "unauthorized_client", WRONG_CREDENTIALS)
        value = request.form.get("token", "")
        if not value:
            raise _RefusedError(400, "invalid_request", "Token not provided")
        _withdraw(site, registration, value)
    except _RefusedError as refused:
        return refused.reply
    return _empty(HTTPStatus.OK)


def _withdraw(site: KeycloakSite, registration: Registration, value: str) -> None:
    refresh = site.state.refresh(value)
    token = refresh or site.state.token(value)
    if token is None and site.state.keys.read(value) is not None:
        raise _RefusedError(400, "unsupported_token_type", "Unsupported token type")
    if token is None or (refresh and refresh.refresh_revoked):
        raise _RefusedError(200, "invalid_token", "Invalid token")
    if not token.check_client(registration):
        raise _RefusedError(400, "invalid_request", "Unmatching clients")
    if refresh is None:
        token.revoked = True
        return
    withdrawn = token.signin
    site.state.revoke(lambda other: site.issued_together(other, withdrawn))
    if not token.is_offline:
        site.state.leave_session(token.signin)


def introspect(site: KeycloakSite, server: Server) -> Response:
    """Say what a token is worth, to a client that is in its audience."""
    try:
        registration = _authenticated(server, "invalid_client", "Client authentication failed.")
    except _RefusedError as refused:
        return refused.reply
    value = request.form.get("token", "")
    if not value:
        return _RefusedError(400, "invalid_request", "Token not provided.").reply
    reply = jsonify(_said(site, registration, value))
    reply.headers["Cache-Control"] = "no-cache"
    return reply


def _said(site: KeycloakSite, registration: Registration, value: str) -> dict[str, Any]:
    nothing = {"active": False}
    claims = site.state.keys.read(value)
    if claims is None or claims.get("iss") != site.issuer:
        return nothing
    token = site.state.token(value)
    if not site.introspects_for_all and registration.client.client_id not in _audience(claims):
        return nothing
    if token is not None:
        live = site.state.is_live(token)
        return claims | site.introspected(token) if live else nothing
    live = site.state.session(site.session_scope, str(claims.get("sid", ""))) is not None
    if not live or claims.get("exp", 0) <= site.state.clock():
        return nothing
    names = {"client_id": claims.get("azp"), "username": claims.get("preferred_username")}
    return claims | names | {"token_type": "ID", "active": True}


def _audience(claims: dict[str, Any]) -> list[str]:
    audience = claims.get("aud", [])
    return audience if isinstance(audience, list) else [audience]


def _authenticated(server: Server, error: str, words: str) -> Registration:
    """The client that asks; each endpoint has its own way to tell of a wrong secret."""
    form = {name: request.form.getlist(name) for name in request.form}
    try:
        return server.authenticate_client(ProtocolRequest(form, request.headers), AUTH_METHODS)
    except Refused as refused:
        if refused.reason is Reason.WRONG_SECRET:
            raise _RefusedError(401, error, words) from None
        raise _RefusedError(401, "invalid_client", WRONG_CREDENTIALS) from None


def _empty(status: int) -> Response:
    reply = Response(status=status)
    del reply.headers["Content-Type"]
    return reply
