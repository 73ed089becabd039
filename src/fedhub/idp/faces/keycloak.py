"""A Keycloak realm, at `/realms/<realm>/…` and, as before Keycloak 17, `/auth/realms/<realm>/…`.

Error shapes and cookies as recorded from a Keycloak of 2026. A Custos tenant is a realm too, and
its clients are found here under the secret that Keycloak made for them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from flask import Blueprint, Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from fedhub.idp import bearer, logout, tokens
from fedhub.idp.claims import select_oidc
from fedhub.idp.client import Client, Face
from fedhub.idp.custos_tenants.owners import duplicate_of
from fedhub.idp.grants import Server, token_response
from fedhub.idp.records import SignIn, Token
from fedhub.idp.refusals import Reason
from fedhub.idp.signin import authorize
from fedhub.idp.site import Refusal, Site, enter
from fedhub.idp.state import State, same_secret

PROTOCOL = "protocol/openid-connect"
WRONG_CREDENTIALS = "Invalid client or Invalid client credentials"
CODE_NOT_VALID: Refusal = (400, "invalid_grant", "Code not valid")


class KeycloakSite(Site):
    """A realm's manners.

    Args:
        state: the provider's memory.
        realm: the realm's name.
        prefix: `/auth` where the client uses the addresses from before Keycloak 17.
    """

    face: ClassVar[Face] = "keycloak"
    session_cookie = "KEYCLOAK_IDENTITY"
    access_lifetime = 300.0
    refresh_lifetime = 1800.0
    refusals: ClassVar[Mapping[Reason, Refusal]] = {
        **Site.refusals,
        Reason.UNKNOWN_CLIENT: (401, "invalid_client", WRONG_CREDENTIALS),
        Reason.NO_CREDENTIALS: (401, "invalid_client", WRONG_CREDENTIALS),
        Reason.WRONG_SECRET: (401, "unauthorized_client", WRONG_CREDENTIALS),
        Reason.CODE_MISSING: (400, "invalid_request", "Missing parameter: code"),
        Reason.CODE_UNKNOWN: CODE_NOT_VALID,
        Reason.CODE_REUSED: CODE_NOT_VALID,
        Reason.CODE_EXPIRED: (400, "invalid_grant", "Code is expired"),
        Reason.CODE_OF_ANOTHER_CLIENT: (400, "invalid_grant", "Auth error"),
        Reason.CALLBACK_MISMATCH: (400, "invalid_grant", "Incorrect redirect_uri"),
        Reason.VERIFIER_MISSING: (400, "invalid_grant", "PKCE code verifier not specified"),
        Reason.VERIFIER_WRONG: (
            400,
            "invalid_grant",
            "PKCE verification failed: Code mismatch",
        ),
        Reason.VERIFIER_UNEXPECTED: (
            400,
            "invalid_grant",
            "PKCE code verifier specified but challenge not present in authorization",
        ),
        Reason.REFRESH_MISSING: (400, "invalid_request", "No refresh token"),
        Reason.REFRESH_INVALID: (400, "invalid_grant", "Invalid refresh token"),
        Reason.USER_DISABLED: (400, "invalid_grant", "User disabled"),
        Reason.GRANT_MISSING: (400, "invalid_request", "Missing form parameter: grant_type"),
        Reason.GRANT_UNSUPPORTED: (400, "unsupported_grant_type", "Unsupported grant_type"),
    }

    def __init__(self, state: State, realm: str, prefix: str = "") -> None:
        super().__init__(state, realm)
        self.prefix = prefix

    @property
    def title(self) -> str:
        """The realm."""
        return f"the Keycloak realm “{self.realm}”"

    @property
    def issuer(self) -> str:
        """The realm's address."""
        return f"{self.state.url}{self.prefix}/realms/{self.realm}"

    @property
    def exists(self) -> bool:
        """Whether any client is registered in the realm."""
        both = self.state.clients("keycloak") + self.state.clients("custos")
        return any(client.realm == self.realm for client in both)

    @property
    def cookie_paths(self) -> tuple[str, ...]:
        """The realm's."""
        return (f"{self.prefix}/realms/{self.realm}/",)

    def client(self, client_id: str) -> Client | None:
        """A client of the realm; a Custos tenant's is one."""
        own = self.state.client("keycloak", client_id, self.realm)
        return own or self.state.client("custos", client_id, self.realm)

    def has_secret(self, client: Client, secret: str) -> bool:
        """Custos' Keycloak knows another secret than Custos."""
        if client.face == "custos":
            return same_secret(secret, self.state.iam_secret(client))
        return super().has_secret(client, secret)

    def granted_scope(self, scope: str) -> str:
        """`email` and `profile` are default client scopes: granted without being asked for."""
        return " ".join(dict.fromkeys([*scope.split(), "email", "profile"]))

    def callback_parameters(self, signin: SignIn, code: str, state: str) -> list[tuple[str, str]]:
        """In Keycloak's order, with the session and the issuer (RFC 9207)."""
        first = [("state", state)] if state else []
        return [*first, ("session_state", signin.session), ("iss", self.issuer), ("code", code)]

    def claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """As the realm's mappers give them; Custos keeps its groups to itself."""
        claims = select_oidc(signin.claims, scope)
        if signin.client.face == "custos":
            claims.pop("groups", None)
        return claims

    def id_token_claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """With the session, which logout needs."""
        client_id = signin.client.client_id
        extras = {"typ": "ID", "azp": client_id, "sid": signin.session, "acr": "1"}
        return self.claims(signin, scope) | extras | {"jti": str(uuid.uuid4())}

    def new_access_token(self, signin: SignIn, scope: str) -> str:
        """A signed token, as Keycloak's are."""
        return self.state.keys.sign(self.access_token_claims(signin, scope))

    def access_token_claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """What an access token says."""
        now = int(self.state.clock())
        claims = self.claims(signin, scope) | {
            "iss": self.issuer,
            "aud": "account",
            "azp": signin.client.client_id,
            "typ": "Bearer",
            "iat": now,
            "exp": now + int(self.access_lifetime),
            "sid": signin.session,
            "jti": str(uuid.uuid4()),
            "scope": scope,
        }
        self.state.faults.spoil_groups(claims, "token")
        return claims

    def introspection(self, token: Token) -> dict[str, Any]:
        """What the token says itself, and who it is."""
        said = self.state.keys.read(token.access_token)
        if said is None:  # signed with a key of before
            return {"active": False}
        return said | self.introspected(token)

    def introspected(self, token: Token) -> dict[str, Any]:
        """What introspection says beside the token itself."""
        names = ("active", "client_id", "username", "token_type")
        usual = super().introspection(token)
        return {name: usual[name] for name in names}

    def may_introspect(self, client: Client, token: Token) -> bool:
        """Every client of the realm may."""
        return True

    def token_extras(self, token: Token) -> dict[str, Any]:
        """Keycloak's own keys."""
        extras: dict[str, Any] = {
            "not-before-policy": 0,
            "session_state": token.signin.session,
        }
        if token.refresh_token:
            extras["refresh_expires_in"] = int(self.refresh_lifetime)
        return extras

    def dead_token_words(self, token: Token) -> str:
        """A token of an ended session is told from one that expired."""
        return "user_session_not_found" if token.revoked else "Token verification failed"

    def refuse_bearer(self, *, given: bool, description: str = "") -> Response:
        """An empty text and a header."""
        words = description or "Token verification failed"
        detail = f', error="invalid_token", error_description="{words}"' if given else ""
        return self.challenge(401, detail)

    def refuse_disabled(self) -> Response:
        """In Keycloak's words."""
        return self.refuse_bearer(given=True, description="User disabled")

    def challenge(self, status: int, detail: str) -> Response:
        """An empty answer with a `WWW-Authenticate` header (RFC 6750 section 3)."""
        reply = Response(status=status, content_type="text/plain;charset=utf-8")
        reply.headers["WWW-Authenticate"] = f'Bearer realm="{self.realm}"{detail}'
        reply.headers["Cache-Control"] = "no-store"
        return reply


class CustosRealmSite(KeycloakSite):
    """A realm that belongs to a Custos tenant: longer-lived tokens."""

    access_lifetime = 1800.0
    refresh_lifetime = 3600.0

    @property
    def title(self) -> str:
        """Both names."""
        return f"Custos (its Keycloak realm “{self.realm}”)"

    def refused_person(self, claims: Mapping[str, Any]) -> str:
        """Who comes from CILogon under the name of the tenant's owner, who does not."""
        return duplicate_of(self.state.tenants.by_id(self.realm), claims)


def realm_site(state: State, realm: str, prefix: str = "") -> KeycloakSite:
    """The site of a realm, a Custos tenant's or a plain one."""
    custos = any(client.realm == realm for client in state.clients("custos"))
    return (CustosRealmSite if custos else KeycloakSite)(state, realm, prefix)


def register(app: Flask, state: State, server: Server) -> None:
    """Serve every realm, under both prefixes."""
    for name, prefix in (("keycloak", ""), ("keycloak-auth", "/auth")):
        routes = _blueprint(name, prefix, state, server)
        app.register_blueprint(routes, url_prefix=f"{prefix}/realms/<realm>")


def _blueprint(name: str, prefix: str, state: State, server: Server) -> Blueprint:
    routes = Blueprint(name, __name__)

    @routes.url_value_preprocessor
    def find_realm(endpoint: str | None, values: dict[str, Any] | None) -> None:
        site = realm_site(state, (values or {}).pop("realm", ""), prefix)
        if not site.exists:
            reply = jsonify(error="Realm does not exist")
            reply.status_code = 404
            raise HTTPException(response=reply)
        enter(site)

    @routes.get("/.well-known/openid-configuration", endpoint="discovery")
    def discovery() -> Response:
        return jsonify(keycloak_metadata(_here()))

    @routes.route(f"/{PROTOCOL}/auth", methods=["GET", "POST"], endpoint="authorize")
    def authorize_() -> Response:
        return authorize(_here(), server)

    @routes.post(f"/{PROTOCOL}/token", endpoint="token")
    def token() -> Response:
        return token_response(server)

    @routes.route(f"/{PROTOCOL}/userinfo", methods=["GET", "POST"], endpoint="userinfo")
    def userinfo() -> Response:
        found = bearer.access_token(_here())
        if isinstance(found, Response):
            return found
        if "openid" not in found.scope.split():
            detail = ', error="insufficient_scope", error_description="Missing openid scope"'
            return _here().challenge(HTTPStatus.FORBIDDEN, detail)
        return jsonify(tokens.userinfo(_here(), found))

    @routes.get(f"/{PROTOCOL}/certs", endpoint="certs")
    def certs() -> Response:
        return jsonify(state.keys.public())

    @routes.post(f"/{PROTOCOL}/revoke", endpoint="revoke")
    def revoke() -> Response:
        return bearer.revoke(_here(), server)

    @routes.post(f"/{PROTOCOL}/token/introspect", endpoint="introspect")
    def introspect() -> Response:
        return bearer.introspect(_here(), server)

    @routes.route(f"/{PROTOCOL}/logout", methods=["GET", "POST"], endpoint="logout")
    def logout_() -> Response:
        here = _here()
        if "refresh_token" in request.form:
            return logout.by_refresh_token(here, server)
        return logout.by_browser(here, legacy=bool(prefix))

    return routes


def _here() -> KeycloakSite:
    site: KeycloakSite = g.site
    return site


def keycloak_metadata(site: KeycloakSite) -> dict[str, Any]:
    """Discovery, the keys a client of ours may use (OpenID Connect Discovery 1.0 section 3)."""
    base = f"{site.issuer}/{PROTOCOL}"
    return {
        "issuer": site.issuer,
        "authorization_endpoint": f"{base}/auth",
        "token_endpoint": f"{base}/token",
        "introspection_endpoint": f"{base}/token/introspect",
        "userinfo_endpoint": f"{base}/userinfo",
        "end_session_endpoint": f"{base}/logout",
        "jwks_uri": f"{base}/certs",
        "revocation_endpoint": f"{base}/revoke",
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": ["openid", "email", "profile"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "name", "email", "nonce"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "prompt_values_supported": ["none", "login", "consent"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }
