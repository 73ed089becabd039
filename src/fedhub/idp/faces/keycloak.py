"""A Keycloak realm, at `/realms/<realm>/…` and, as before Keycloak 17, `/auth/realms/<realm>/…`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from fedhub.idp import bearer, logout, tokens
from fedhub.idp.authorization import Server, token_response
from fedhub.idp.faces import keycloak_tokens
from fedhub.idp.faces.keycloak_discovery import (
    DISCOVERY_CACHING,
    PROTOCOL,
    encryption_key,
    keycloak_metadata,
)
from fedhub.idp.faces.keycloak_site import CustosRealmSite, KeycloakSite
from fedhub.idp.keycloak_clients import grant
from fedhub.idp.keycloak_clients.endpoint import add_administration, add_registration
from fedhub.idp.refusals import Reason
from fedhub.idp.signin import authorize
from fedhub.idp.site import enter
from fedhub.idp.state import State


def realm_site(state: State, realm: str, prefix: str = "") -> KeycloakSite:
    """The site of a realm, a Custos tenant's or a plain one."""
    custos = any(client.realm == realm for client in state.clients("custos"))
    return (CustosRealmSite if custos else KeycloakSite)(state, realm, prefix)


def register(app: Flask, state: State, server: Server) -> None:
    """Serve every realm, under both prefixes."""
    for name, prefix in (("keycloak", ""), ("keycloak-auth", "/auth")):
        routes = _blueprint(name, prefix, state, server)
        add_registration(routes, state)
        app.register_blueprint(routes, url_prefix=f"{prefix}/realms/<realm>")
        admin = _admin_blueprint(f"{name}-admin", prefix, state)
        app.register_blueprint(admin, url_prefix=f"{prefix}/admin/realms/<realm>")


def _admin_blueprint(name: str, prefix: str, state: State) -> Blueprint:
    routes = Blueprint(name, __name__)

    @routes.url_value_preprocessor
    def find_realm(endpoint: str | None, values: dict[str, Any] | None) -> None:
        site = enter(realm_site(state, (values or {}).pop("realm", ""), prefix))
        if not site.exists:
            reply = jsonify(error="Realm not found.")
            reply.status_code = 404
            raise HTTPException(response=reply)

    add_administration(routes, state)
    return routes


def _blueprint(name: str, prefix: str, state: State, server: Server) -> Blueprint:
    routes = Blueprint(name, __name__)
    sealing = encryption_key()

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
        return _not_kept(keycloak_metadata(_here()), DISCOVERY_CACHING)

    @routes.route(f"/{PROTOCOL}/auth", methods=["GET", "POST"], endpoint="authorize")
    def authorize_() -> Response:
        here = _here()
        if len(request.values.getlist("client_id")) != 1 or not request.values["client_id"]:
            return here.refuse_authorize(Reason.REQUEST_INVALID, "")
        if here.client(request.values["client_id"]) and not request.values.get("redirect_uri"):
            return here.refuse_authorize(Reason.WRONG_CALLBACK, "")
        return authorize(here, server)

    @routes.post(f"/{PROTOCOL}/token", endpoint="token")
    def token() -> Response:
        if any(len(request.form.getlist(name)) > 1 for name in request.form):
            return _here().refuse_token(Reason.PARAMETER_REPEATED, basic=False)
        return grant.answer(_here(), server) or token_response(server)

    @routes.route(f"/{PROTOCOL}/userinfo", methods=["GET", "POST"], endpoint="userinfo")
    def userinfo() -> Response:
        found = bearer.access_token(_here(), in_form=True)
        if isinstance(found, Response):
            return found
        if "openid" not in found.scope.split():
            detail = ', error="insufficient_scope", error_description="Missing openid scope"'
            return _here().challenge(HTTPStatus.FORBIDDEN, detail)
        reply = _not_kept(tokens.userinfo(_here(), found), "no-store, no-cache")
        reply.headers["Pragma"] = "no-cache"
        return reply

    @routes.get(f"/{PROTOCOL}/certs", endpoint="certs")
    def certs() -> Response:
        return _not_kept({"keys": [sealing, *state.keys.public()["keys"]]}, "no-cache")

    @routes.post(f"/{PROTOCOL}/revoke", endpoint="revoke")
    def revoke() -> Response:
        return keycloak_tokens.revoke(_here(), server)

    @routes.post(f"/{PROTOCOL}/token/introspect", endpoint="introspect")
    def introspect() -> Response:
        return keycloak_tokens.introspect(_here(), server)

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


def _not_kept(said: dict[str, Any], caching: str) -> Response:
    reply = jsonify(said)
    reply.headers["Cache-Control"] = caching
    return reply
