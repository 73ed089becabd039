"""A generic OpenID Connect issuer per login provider, at `/oidc/<provider>/…`.

Serves Google, Globus, Auth0, Okta, Azure and any other issuer. Two peculiarities that
oauthenticator's classes read are added: Google's older userinfo says `verified_email`, and Globus
returns one token per resource server in `other_tokens`.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from flask import Blueprint, Flask, Response, abort, g, jsonify

from fedhub.idp import bearer, logout, tokens
from fedhub.idp.authorization import Server, token_response
from fedhub.idp.claims import groups_of
from fedhub.idp.client import Client, Face
from fedhub.idp.records import SignIn, Token
from fedhub.idp.signin import authorize
from fedhub.idp.site import Site, enter
from fedhub.idp.state import State

GLOBUS_SCOPE = re.compile(r"urn:globus:auth:scope:([^:\s]+):\S+")


class IssuerSite(Site):
    """An issuer's manners: plain RFC 6749 and OpenID Connect."""

    face: ClassVar[Face] = "oidc"

    def client(self, client_id: str) -> Client | None:
        """A client of this provider; other providers' issuers are strangers."""
        return self.state.client("oidc", client_id, self.realm)

    def clients(self) -> list[Client]:
        """The clients of this provider."""
        return [one for one in self.state.clients("oidc") if one.provider == self.realm]

    def id_token_claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """With the session, which logout needs."""
        return super().id_token_claims(signin, scope) | {"sid": signin.session}

    def token_extras(self, token: Token) -> dict[str, Any]:
        """Globus: a token for each resource server whose scope was asked for."""
        servers = dict.fromkeys(GLOBUS_SCOPE.findall(token.scope))
        if not servers:
            return {}
        others = []
        for server in servers:
            scope = " ".join(w for w in token.scope.split() if f":{server}:" in w)
            other = Token(
                access_token=self.new_access_token(token.signin, scope),
                refresh_token="",
                signin=token.signin,
                scope=scope,
                expires_at=token.expires_at,
                refresh_expires_at=0.0,
            )
            self.state.add_token(other)
            others.append(
                {
                    "access_token": other.access_token,
                    "resource_server": server,
                    "scope": scope,
                    "token_type": "Bearer",
                    "expires_in": int(self.access_lifetime),
                }
            )
        return {"resource_server": "auth.globus.org", "other_tokens": others}


def register(app: Flask, state: State, server: Server) -> None:
    """Serve every provider's issuer."""
    routes = Blueprint("oidc", __name__)

    @routes.url_value_preprocessor
    def find_provider(endpoint: str | None, values: dict[str, Any] | None) -> None:
        provider = (values or {}).pop("provider", "")
        if not any(client.provider == provider for client in state.clients("oidc")):
            abort(404)
        enter(IssuerSite(state, provider))

    @routes.get("/.well-known/openid-configuration", endpoint="discovery")
    def discovery() -> Response:
        here = _here()
        known = _metadata(here)
        if not any(client.leads_back for client in here.clients()):
            del known["end_session_endpoint"]
        return jsonify(known)

    @routes.route("/authorize", methods=["GET", "POST"], endpoint="authorize")
    def authorize_() -> Response:
        return authorize(_here(), server)

    @routes.post("/token", endpoint="token")
    def token() -> Response:
        return token_response(server)

    @routes.route("/userinfo", methods=["GET", "POST"], endpoint="userinfo")
    def userinfo() -> Response:
        found = bearer.access_token(_here(), in_query=True)
        if isinstance(found, Response):
            return found
        claims = tokens.userinfo(_here(), found)
        if "email" in claims:
            claims.setdefault("verified_email", claims.get("email_verified", True))
        return jsonify(claims)

    @routes.get("/jwks", endpoint="certs")
    def certs() -> Response:
        return jsonify(state.keys.public())

    @routes.post("/revoke", endpoint="revoke")
    def revoke() -> Response:
        return bearer.revoke(_here(), server)

    @routes.post("/introspect", endpoint="introspect")
    def introspect() -> Response:
        return bearer.introspect(_here(), server)

    @routes.get("/v2/groups/my_groups", endpoint="groups")
    def globus_groups() -> Response:
        found = bearer.access_token(_here())
        if isinstance(found, Response):
            return found
        return jsonify([{"id": g, "name": g} for g in groups_of(found.signin.claims)])

    @routes.route("/logout", methods=["GET", "POST"], endpoint="logout")
    def logout_() -> Response:
        return logout.by_browser(_here())

    app.register_blueprint(routes, url_prefix="/oidc/<provider>")


def _here() -> IssuerSite:
    site: IssuerSite = g.site
    return site


def _metadata(site: Site) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0 section 3."""
    return {
        "issuer": site.issuer,
        "authorization_endpoint": f"{site.issuer}/authorize",
        "token_endpoint": f"{site.issuer}/token",
        "userinfo_endpoint": f"{site.issuer}/userinfo",
        "jwks_uri": f"{site.issuer}/jwks",
        "revocation_endpoint": f"{site.issuer}/revoke",
        "introspection_endpoint": f"{site.issuer}/introspect",
        "end_session_endpoint": f"{site.issuer}/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile", "offline_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "email", "name", "hd"],
    }
