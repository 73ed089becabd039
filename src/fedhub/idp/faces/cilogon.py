"""CILogon, which runs OA4MP: addresses at the root, and OA4MP's plain-text errors.

Error shapes as recorded from OA4MP 3.4; endpoints, claims and hints from CILogon's OIDC page and
cilogon/service-lib. An OA4MP "plain" error has no Content-Type and two lines, the description
URL-encoded.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Blueprint, Flask, Response, jsonify, request

from fedhub.idp import bearer, sessions, tokens
from fedhub.idp.authorization import Server, token_response
from fedhub.idp.claims import select_cilogon, split_hint
from fedhub.idp.client import Client, Face
from fedhub.idp.logout import goodbye
from fedhub.idp.oa4mp.endpoint import add_routes
from fedhub.idp.oa4mp.replies import plain_error, plain_text
from fedhub.idp.records import SignIn
from fedhub.idp.refusals import Reason
from fedhub.idp.signin import authorize, institutions
from fedhub.idp.site import Refusal, Site, enter, error_page
from fedhub.idp.state import State

SCOPES = (
    "openid",
    "email",
    "profile",
    "org.cilogon.userinfo",
    "edu.uiuc.ncsa.myproxy.getcert",
    "offline_access",
)


class CilogonSite(Site):
    """CILogon's manners."""

    face: ClassVar[Face] = "cilogon"
    session_cookie = "PHPSESSID"
    institutions_have_sessions = True
    logout_withdraws_tokens = False
    access_lifetime = 900.0
    refresh_lifetime = 864000.0  # CILogon's advice for Kubernetes
    refresh_is_single_use = True
    splits_basic_at_last_colon = True  # its client ids contain colons
    refusals: ClassVar[Mapping[Reason, Refusal]] = {
        **Site.refusals,
        Reason.UNKNOWN_CLIENT: (400, "unauthorized_client", "Unknown client"),
        Reason.NO_CREDENTIALS: (400, "unauthorized_client", "Missing client id"),
        Reason.WRONG_SECRET: (400, "unauthorized_client", "Incorrect secret"),
        Reason.CODE_UNKNOWN: (400, "invalid_request", "No pending transaction found"),
        Reason.CODE_EXPIRED: (400, "invalid_grant", "grant expired"),
        Reason.CALLBACK_MISMATCH: (400, "invalid_request", "The callback does not match"),
        Reason.VERIFIER_MISSING: (400, "unauthorized_client", "missing verifier, access denied"),
        Reason.VERIFIER_WRONG: (400, "unauthorized_client", "code challenge failed, access denied"),
        Reason.REFRESH_MISSING: (400, "invalid_request", "missing refresh token"),
        Reason.REFRESH_INVALID: (400, "invalid_grant", "The refresh token is no longer valid."),
        Reason.USER_DISABLED: (400, "invalid_grant", "The refresh token is no longer valid."),
    }

    @property
    def title(self) -> str:
        """CILogon."""
        return "CILogon"

    @property
    def issuer(self) -> str:
        """The origin itself, as at cilogon.org."""
        return self.state.url

    @property
    def cookie_paths(self) -> tuple[str, ...]:
        """The two pages that people see."""
        return ("/authorize", "/logout")

    def client(self, client_id: str) -> Client | None:
        """A hub's of the preview, or one registered at the client management."""
        registered = self.state.registry.get(client_id)
        return registered.as_client() if registered else super().client(client_id)

    def has_secret(self, client: Client, secret: str) -> bool:
        """Of a registered client the hash alone is known."""
        registered = self.state.registry.get(client.client_id)
        return registered.has_secret(secret) if registered else super().has_secret(client, secret)

    def refused_scope(self, scope: str, client: Client) -> str:
        """OA4MP names the first scope that neither it nor the client's registration knows.

        With `use_server_scopes` it is the client's own scopes that count; without `strict_scopes`
        any scope will do.
        """
        known = set(SCOPES)
        if registered := self.state.registry.get(client.client_id):
            settings = registered.settings
            if not settings["strict_scopes"]:
                return ""
            own = {*settings["scope"], "offline_access"}
            known = own if settings["use_server_scopes"] else known | own
        unknown = [word for word in scope.split() if word not in known]
        return f'Unrecognized scope "{unknown[0]}"' if unknown else ""

    def claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """By scope; who vouches for the person comes with `org.cilogon.userinfo`."""
        known = {"idp": signin.idp, "idp_name": signin.idp_name, **signin.claims}
        protocol = {"iss": self.issuer, "aud": signin.client.client_id}
        return select_cilogon(known, scope) | protocol

    def new_code(self) -> str:
        """OA4MP's codes and tokens are URIs, which tests that clients encode them."""
        return self._uri("authzGrant", 900)

    def new_access_token(self, signin: SignIn, scope: str) -> str:
        """A URI."""
        return self._uri("accessToken", int(self.access_lifetime))

    def new_refresh_token(self) -> str:
        """A URI."""
        return self._uri("refreshToken", int(self.refresh_lifetime))

    def refuse_authorize(self, reason: Reason, redirect_uri: str) -> Response:
        """A server error page for an unknown client, plain text for a callback."""
        if reason is Reason.UNKNOWN_CLIENT:
            return error_page(self.title, "There is no client of this client_id.", 500)
        inner = plain_text(
            "invalid_request", f'The given redirect "{redirect_uri}" is not valid for this client'
        )
        return plain_error(400, "invalid_request", inner)

    def refuse_token(self, reason: Reason, *, basic: bool) -> Response:
        """JSON, except for a code used twice."""
        if reason is Reason.CODE_REUSED:
            words = "Error: Attempt to use invalid authorization code.  Request rejected."
            return plain_error(500, "server_error", words)
        reply = super().refuse_token(reason, basic=basic)
        if reason is Reason.CODE_UNKNOWN:
            code = request.form.get("code", "")
            words = f"No pending transaction found for id={code}"
            reply.set_data(json.dumps({"error": "invalid_request", "error_description": words}))
        reply.content_type = "application/json;charset=UTF-8"
        return reply

    def refuse_bearer(self, *, given: bool, description: str = "") -> Response:
        """Plain text."""
        if not given:
            return plain_error(500, "server_error", "Could not create a token")
        words = "no transaction for the access token was found."
        return plain_error(400, "invalid_request", words)

    def _uri(self, kind: str, lifetime: int) -> str:
        stamp = int(self.state.clock() * 1000)
        name = secrets.token_hex(16)
        query = f"type={kind}&ts={stamp}&version=v2.0&lifetime={lifetime * 1000}"
        return f"{self.issuer}/oauth2/{name}?{query}"


def register(app: Flask, state: State, server: Server) -> None:
    """Serve CILogon's addresses."""
    routes = Blueprint("cilogon", __name__)

    def site() -> CilogonSite:
        return enter(CilogonSite(state))

    @routes.get("/.well-known/openid-configuration", endpoint="discovery")
    @routes.get("/oauth2/.well-known/openid-configuration", endpoint="discovery")
    def discovery() -> Response:
        url = site().issuer
        return jsonify(
            issuer=url,
            authorization_endpoint=f"{url}/authorize",
            token_endpoint=f"{url}/oauth2/token",
            userinfo_endpoint=f"{url}/oauth2/userinfo",
            jwks_uri=f"{url}/oauth2/certs",
            introspection_endpoint=f"{url}/oauth2/introspect",
            revocation_endpoint=f"{url}/oauth2/revoke",
            response_types_supported=["code"],
            response_modes_supported=["query"],
            grant_types_supported=["authorization_code", "refresh_token"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
            scopes_supported=list(SCOPES),
            token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
            code_challenge_methods_supported=["plain", "S256"],
            claims_supported=["aud", "email", "exp", "iat", "idp", "idp_name", "iss", "sub"],
        )

    @routes.route("/authorize", methods=["GET", "POST"], endpoint="authorize")
    def authorize_() -> Response:
        return authorize(site(), server)

    @routes.post("/oauth2/token", endpoint="token")
    def token() -> Response:
        site()
        return token_response(server)

    @routes.route("/oauth2/userinfo", methods=["GET", "POST"], endpoint="userinfo")
    def userinfo() -> Response:
        here = site()
        found = bearer.access_token(here, in_query=True)
        return found if isinstance(found, Response) else jsonify(tokens.userinfo(here, found))

    @routes.get("/oauth2/certs", endpoint="certs")
    def certs() -> Response:
        return jsonify(state.keys.public())

    @routes.post("/oauth2/revoke", endpoint="revoke")
    def revoke() -> Response:
        return bearer.revoke(site(), server)

    @routes.post("/oauth2/introspect", endpoint="introspect")
    def introspect() -> Response:
        return bearer.introspect(site(), server)

    @routes.get("/idplist/", endpoint="idplist")
    def idplist() -> Response:
        # Custos and Keycloak have people come through CILogon, too.
        faces: tuple[Face, ...] = ("cilogon", "custos", "keycloak")
        providers = {client.provider for face in faces for client in state.clients(face)}
        providers |= state.registry.providers()
        everybody = "" in providers
        people = [one for one in state.personas() if everybody or one.provider in providers]
        groups = institutions(people, wanted=split_hint(request.args.get("idphint", "")))
        return jsonify(
            [
                {
                    "EntityID": group.entity_id,
                    "OrganizationName": group.name,
                    "DisplayName": group.name,
                    "RandS": True,
                }
                for group in groups
                if not group.hidden
            ]
        )

    @routes.get("/logout/", endpoint="logout")
    def logout() -> Response:
        here = site()
        if session := sessions.current(here):
            sessions.end(here, session.id)
        reply = goodbye(here)
        sessions.forget(here, reply)
        return reply

    add_routes(routes, state, SCOPES)
    app.register_blueprint(routes)
