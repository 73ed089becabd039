"""Custos v1 (2025), at `/api/v1`: a Spring service over the same Keycloak realms.

Behaviour from apache/airavata-custos@ed5c1c20f. Access tokens are signed anew with the user's
groups; most errors are plain text; a `code_verifier` makes the service forget the client's secret.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, jsonify, redirect, request
from werkzeug.datastructures import Headers

from fedhub.idp import bearer, tokens
from fedhub.idp.claims import groups_of
from fedhub.idp.client import Client
from fedhub.idp.faces.custos_legacy import tenant_credentials
from fedhub.idp.faces.keycloak import PROTOCOL, CustosRealmSite, keycloak_metadata
from fedhub.idp.grants import ProtocolRequest, Server
from fedhub.idp.logout import end_by_refresh_token
from fedhub.idp.records import SignIn
from fedhub.idp.site import enter
from fedhub.idp.state import State, same_secret

IDENTITY = "/identity-management"
USERS = "/user-management"
DISCOVERY = f"{IDENTITY}/tenant/<tenant>/.well-known/openid-configuration"
TEXT = "text/plain;charset=UTF-8"


class CustosV1Site(CustosRealmSite):
    """The tenant's realm, as the v1 service presents it."""

    @property
    def tenant_issuer(self) -> str:
        """The service's own name for itself, which is no address."""
        return f"https://{self.realm}.usecustos.org"

    def has_secret(self, client: Client, secret: str) -> bool:
        """Keycloak's secret; the registration says "as the hub sends it", so that one too."""
        own = same_secret(secret, client.client_secret)
        return super().has_secret(client, secret) or own

    def new_access_token(self, signin: SignIn, scope: str) -> str:
        """Keycloak's, with the groups that Custos knows, signed anew."""
        claims = self.access_token_claims(signin, scope) | {
            "iss": self.tenant_issuer,
            "groups": groups_of(signin.claims),
            "scopes": scope.split(),
        }
        self.state.faults.spoil_groups(claims, "token")
        return self.state.keys.sign(claims)


def register(app: Flask, state: State, server: Server) -> None:
    """Serve the identity and user services."""
    routes = Blueprint("custos-v1", __name__, url_prefix="/api/v1")

    @routes.get(
        f"{IDENTITY}/tenant/<tenant>/.well-known/openid-configuration", endpoint="discovery"
    )
    def discovery(tenant: str) -> Response:
        site = CustosV1Site(state, tenant, "/auth")
        return jsonify(_metadata(site)) if site.exists else _text(404, "Tenant not found")

    @routes.get(f"{IDENTITY}/authorize", endpoint="authorize")
    def authorize() -> Response:
        client = _client(state, request.args.get("client_id", ""))
        if client is None:
            return _text(400, "Invalid client_id")
        site = CustosV1Site(state, client.realm, "/auth")
        query = {n: v for n, v in request.args.items() if n != "idphint"}
        target = f"{site.issuer}/{PROTOCOL}/auth?{urlencode(query | {'kc_idp_hint': 'oidc'})}"
        return redirect(target, 302, Response)  # type: ignore[return-value]  # it is the class given

    @routes.post(f"{IDENTITY}/token", endpoint="token")
    def token() -> Response:
        return _token(state, server)

    @routes.get(f"{USERS}/userinfo", endpoint="userinfo")
    def userinfo() -> Response:
        held = state.token(bearer.bearer_value())
        if held is None or held.signin.client.face != "custos" or not state.is_live(held):
            return _text(401, "Request is not authorized")
        site = enter(CustosV1Site(state, held.signin.client.realm, "/auth"))
        return jsonify(tokens.userinfo(site, held))

    @routes.get(f"{IDENTITY}/.well-known/jwks.json", endpoint="certs")
    def certs() -> Response:
        return jsonify(state.keys.public())

    @routes.post(f"{IDENTITY}/user/logout", endpoint="logout")
    def logout() -> Response:
        client = _client(state, tenant_credentials()[0])
        secret = tenant_credentials()[1]
        if client is None or not CustosV1Site(state, client.realm).has_secret(client, secret):
            return _text(401, "Request is not authorized")
        body = request.get_json(force=True, silent=True)
        refresh_token = body.get("refresh_token") if isinstance(body, dict) else None
        if not isinstance(refresh_token, str) or not refresh_token.strip():
            return _text(400, "Missing or empty refresh_token")
        site = enter(CustosV1Site(state, client.realm, "/auth"))
        return jsonify(end_by_refresh_token(site, client, refresh_token))

    app.register_blueprint(routes)


def _client(state: State, client_id: str) -> Client | None:
    return next((c for c in state.clients("custos") if c.client_id == client_id), None)


def _token(state: State, server: Server) -> Response:
    form = {name: request.form.getlist(name) for name in request.form}
    header = request.headers.get("Authorization", "")
    client_id, secret = form.get("client_id", [""])[0], form.get("client_secret", [""])[0]
    if "code_verifier" in form:
        secret = ""  # the service sends no secret on when there is a verifier
    elif header:
        if not header.startswith("Basic"):
            return _text(400, "Expecting a basic auth type auth header")
        client_id, secret = tenant_credentials()
    elif not secret:
        words = "No client id and secret or code_verifier is provided in the request"
        return _text(400, words)
    client = _client(state, client_id)
    if client is None:
        return _text(401, "invalid_client Invalid client or Invalid client credentials")
    enter(CustosV1Site(state, client.realm, "/auth"))
    form |= {"client_id": [client_id], "client_secret": [secret]}
    reply: Response = server.create_token_response(ProtocolRequest(form, Headers()))
    if "error" in (said := reply.get_json()):
        return _text(reply.status_code, f"{said['error']} {said['error_description']}")
    return reply


def _metadata(site: CustosV1Site) -> dict[str, Any]:
    """Custos' own addresses, except that sessions end at Keycloak."""
    base = f"{site.state.url}/api/v1"
    return keycloak_metadata(site) | {
        "issuer": site.tenant_issuer,
        "authorization_endpoint": f"{base}{IDENTITY}/authorize",
        "token_endpoint": f"{base}{IDENTITY}/token",
        "userinfo_endpoint": f"{base}{USERS}/userinfo",
        "jwks_uri": f"{base}{IDENTITY}/.well-known/jwks.json",
    }


def _text(status: int, words: str) -> Response:
    return Response(words, status, content_type=TEXT)
