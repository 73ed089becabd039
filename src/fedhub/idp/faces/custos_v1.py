"""Custos v1 (2025), at `/api/v1`: a Spring service over the same Keycloak realms.

Behaviour from apache/airavata-custos@ed5c1c20f. What a client has to know:

- access tokens are signed anew with Custos' own key, which `jwks.json` publishes, for the issuer
  `https://<tenant>.usecustos.org`, with the user's groups;
- ID tokens are passed on as Keycloak made them: the realm is their issuer and its `certs` have
  the key, so nothing in this service's discovery verifies them, and their `at_hash` is that of
  an access token which nobody gets to see;
- userinfo is Keycloak's, without groups; refresh tokens are not passed on; `nonce`, `prompt` and
  `idphint` are dropped by this service's authorize address; a `code_verifier` makes it forget
  the client's secret; refusals are plain text, mostly 500.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, jsonify, redirect, request
from werkzeug.datastructures import Headers

from fedhub.idp import bearer, tokens
from fedhub.idp.authorization import Server
from fedhub.idp.claims import groups_of
from fedhub.idp.client import Client
from fedhub.idp.custos_tenants.callers import tenant_credentials
from fedhub.idp.faces.keycloak_discovery import PROTOCOL, keycloak_metadata
from fedhub.idp.faces.keycloak_site import CustosRealmSite
from fedhub.idp.keys import Keys
from fedhub.idp.logout import end_by_refresh_token
from fedhub.idp.protocol import ProtocolRequest
from fedhub.idp.records import SignIn, Token
from fedhub.idp.site import enter
from fedhub.idp.state import State, same_secret

IDENTITY = "/identity-management"
USERS = "/user-management"
TEXT = "text/plain;charset=UTF-8"
NEEDED = ("client_id", "redirect_uri", "scope", "state", "response_type")
"""Parameters of authorize that must be there."""
PASSED_ON = ("code", "redirect_uri", "code_verifier", "grant_type")
"""Parameters of token that reach Keycloak; `refresh_token` is none of them."""
UNEXPECTED = "Unexpected error occurred"


class CustosV1Site(CustosRealmSite):
    """The tenant's realm, as the v1 service presents it."""

    keycloaks_token = ""

    @property
    def tenant_issuer(self) -> str:
        """The service's own name for itself, which is no address."""
        return f"https://{self.realm}.usecustos.org"

    def has_secret(self, client: Client, secret: str) -> bool:
        """Keycloak's secret; the registration says "as the hub sends it", so that one too."""
        own = same_secret(secret, client.client_secret)
        return super().has_secret(client, secret) or own

    def new_access_token(self, signin: SignIn, scope: str) -> str:
        """Keycloak's, with the groups that Custos knows, signed anew.

        Its scopes become the roles of those groups; personas' groups have none.
        """
        self.keycloaks_token = super().new_access_token(signin, scope)
        claims = (self.state.keys.read(self.keycloaks_token) or {}) | {
            "iss": self.tenant_issuer,
            "groups": groups_of(signin.claims),
            "scope": "",
            "scopes": [],
        }
        self.state.faults.spoil_groups(claims, "token")
        return self.state.custos_keys.sign(claims)

    def hashed_access_token(self, access_token: str) -> str:
        """Keycloak knows only the one it made."""
        return self.keycloaks_token

    def introspection(self, token: Token) -> dict[str, Any]:
        """Keycloak's answer about its own token, under the service's name."""
        said = self.state.custos_keys.read(token.access_token)
        if said is None:
            return {"active": False}
        named = self.introspected(token)
        theirs = self.access_token_claims(token.signin, token.scope)
        kept = {name: said[name] for name in ("iat", "exp", "jti") if name in said}
        return theirs | kept | named | {"iss": self.tenant_issuer}


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
        return _authorize(state)

    @routes.post(f"{IDENTITY}/token", endpoint="token")
    def token() -> Response:
        return _token(state, server)

    @routes.post(f"{IDENTITY}/token/introspect", endpoint="introspect")
    def introspect() -> Response:
        if not all(request.form.get(name) for name in ("client_id", "client_secret", "token")):
            return _text(500, UNEXPECTED)
        client = _client(state, request.form["client_id"])
        if client is None:
            return _text(500, UNEXPECTED)
        return bearer.introspect(enter(CustosV1Site(state, client.realm, "/auth")), server)

    @routes.get(f"{USERS}/userinfo", endpoint="userinfo")
    def userinfo() -> Response:
        held = state.token(bearer.bearer_value())
        if held is None or held.signin.client.face != "custos" or not state.is_live(held):
            return _text(401, "Request is not authorized")
        site = enter(CustosV1Site(state, held.signin.client.realm, "/auth"))
        return jsonify(tokens.userinfo(site, held))

    @routes.get(f"{IDENTITY}/.well-known/jwks.json", endpoint="certs")
    def certs() -> Response:
        return jsonify(_published(state.custos_keys))

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


def _authorize(state: State) -> Response:
    """Send the browser to Keycloak, with what this service knows of the request."""
    asked = {name: request.args.get(name, "") for name in NEEDED}
    if not all(name in request.args for name in NEEDED):
        return _text(500, UNEXPECTED)
    failed = "Exception occurred while formulating the redirect uri"
    client = _client(state, asked["client_id"])
    if client is None:
        return _text(500, failed)
    if asked["redirect_uri"] not in client.redirect_uris:
        words = f"No matching redirect_uri is found for the Tenant with the Id: {client.realm}"
        return _text(500, f"{failed} {words}")
    asked["response_type"] = "code"
    if "openid" not in asked["scope"]:
        asked["scope"] += " openid"
    asked["kc_idp_hint"] = "oidc"
    challenge = {n: request.args.get(n, "") for n in ("code_challenge", "code_challenge_method")}
    if all(challenge.values()):
        asked |= challenge
    issuer = CustosV1Site(state, client.realm, "/auth").issuer
    target = f"{issuer}/{PROTOCOL}/auth?{urlencode(asked)}"
    return redirect(target, 302, Response)  # type: ignore[return-value]  # it is the class given


def _token(state: State, server: Server) -> Response:
    header = request.headers.get("Authorization", "")
    client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    if "code_verifier" in request.form:
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
        return _text(500, UNEXPECTED)
    enter(CustosV1Site(state, client.realm, "/auth"))
    form = {name: [request.form[name]] for name in PASSED_ON if name in request.form}
    form |= {"client_id": [client_id], "client_secret": [secret]}
    reply: Response = server.create_token_response(ProtocolRequest(form, Headers()))
    if "error" in (said := reply.get_json()):
        return _text(
            500,
            "Exception occurred while fetching access token Error occurred while fetching access"
            f" token for  user {client.realm} {said['error']} {said['error_description']}",
        )
    return reply


def _metadata(site: CustosV1Site) -> dict[str, Any]:
    """Custos' own addresses, except that sessions end at Keycloak."""
    base = f"{site.state.url}/api/v1"
    return keycloak_metadata(site) | {
        "issuer": site.tenant_issuer,
        "authorization_endpoint": f"{base}{IDENTITY}/authorize",
        "token_endpoint": f"{base}{IDENTITY}/token",
        "introspection_endpoint": f"{base}{IDENTITY}/token/introspect",
        "userinfo_endpoint": f"{base}{USERS}/userinfo",
        "jwks_uri": f"{base}{IDENTITY}/.well-known/jwks.json",
    }


def _published(keys: Keys) -> dict[str, Any]:
    """The key set, with a modulus as Java writes it: with the leading zero of a signed number."""
    published = keys.public()
    for key in published["keys"]:
        modulus = base64.urlsafe_b64decode(key["n"] + "==")
        key["n"] = base64.urlsafe_b64encode(b"\0" + modulus).rstrip(b"=").decode()
    return published


def _text(status: int, words: str) -> Response:
    return Response(words, status, content_type=TEXT)
