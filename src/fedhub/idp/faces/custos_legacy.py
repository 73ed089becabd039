"""Custos v1.0.0 (2020 to 2024), behind `/apiserver`: gRPC transcoded to REST.

Names in snake_case, empty fields present, errors `{"code", "message", "details"}` with gRPC's
codes. Routes and messages are those of the `.proto` files of apache/airavata-custos@9013b6981,
which `custos-sdk` also ships. Users sign in at the tenant's Keycloak realm.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.datastructures import Headers

from fedhub.idp import tokens
from fedhub.idp.authorization import Server
from fedhub.idp.claims import groups_of
from fedhub.idp.client import Client
from fedhub.idp.custos_tenants.callers import authenticated
from fedhub.idp.custos_tenants.endpoint import add_routes
from fedhub.idp.custos_tenants.owners import SCOPE, owner_by_password
from fedhub.idp.custos_tenants.refusals import (
    FAILED_PRECONDITION,
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    UNAUTHENTICATED,
    RefusedError,
)
from fedhub.idp.faces.keycloak import realm_site
from fedhub.idp.faces.keycloak_discovery import PROTOCOL, keycloak_metadata
from fedhub.idp.faces.keycloak_site import KeycloakSite
from fedhub.idp.logout import end_by_refresh_token
from fedhub.idp.protocol import ProtocolRequest
from fedhub.idp.records import Token
from fedhub.idp.site import enter
from fedhub.idp.state import State, username_of

IDENTITY = "/identity-management/v1.0.0"
GROUPS = "/group-management/v1.0.0"
KNOWN_PARAMETERS: Mapping[str, frozenset[str]] = {
    "discovery": frozenset({"client_id", "client_secret", "tenant_id"}),
    "authorize": frozenset(
        {"tenant_id", "client_id", "client_secret", "redirect_uri", "response_type"}
        | {"scope", "state"}
    ),
    "token": frozenset(
        {"tenant_id", "client_id", "client_secret", "redirect_uri", "code", "grant_type"}
        | {"username", "password", "refresh_token"}
    ),
    "user": frozenset({"access_token"}),
    "logout": frozenset({"client_id"}),
    "credentials": frozenset({"client_id"}),
}
"""Fields of the request messages; the gateway knows no others."""


def register(app: Flask, state: State, server: Server) -> None:
    """Serve the identity, group and tenant services."""
    routes = Blueprint("custos-legacy", __name__, url_prefix="/apiserver")

    @routes.errorhandler(RefusedError)
    def refused(error: RefusedError) -> Response:
        return error.response()

    @routes.before_request
    def know_every_parameter() -> None:
        endpoint = (request.endpoint or "").rpartition(".")[2]
        known = KNOWN_PARAMETERS.get(endpoint)
        strangers = [name for name in request.args if known is not None and name not in known]
        if strangers:
            raise RefusedError(NOT_FOUND, f"Could not find field {strangers[0]!r}")

    @routes.get(f"{IDENTITY}/.well-known/openid-configuration", endpoint="discovery")
    def discovery() -> Response:
        client = _tenant(state, request.args.get("client_id", ""))
        return jsonify(keycloak_metadata(_realm(state, client)))

    @routes.get(f"{IDENTITY}/authorize", endpoint="authorize")
    def authorize() -> Response:
        client = _tenant(state, request.args.get("client_id", ""))
        if request.args.get("redirect_uri") not in client.redirect_uris:
            raise RefusedError(INVALID_ARGUMENT, "Invalid redirect_uri")
        query = {n: v for n, v in request.args.items() if n != "client_secret"}
        query |= {"kc_idp_hint": "oidc"}
        issuer = _realm(state, client).issuer
        return jsonify(loginURI=f"{issuer}/{PROTOCOL}/auth?{urlencode(query)}")

    @routes.post(f"{IDENTITY}/token", endpoint="token")
    def token() -> Response:
        client = authenticated(state)
        return _token(state, server, client, _parameters())

    @routes.get(f"{IDENTITY}/user", endpoint="user")
    def user() -> Response:
        client = authenticated(state)
        token = _users_token(state, client, request.args.get("access_token", ""))
        return jsonify(_user(token))

    @routes.post(f"{IDENTITY}/user/logout", endpoint="logout")
    def logout() -> Response:
        client = authenticated(state)
        refresh_token = _json_object().get("refresh_token")
        if not isinstance(refresh_token, str) or not refresh_token:
            raise RefusedError(FAILED_PRECONDITION, "refresh_token should not be null")
        site = _realm(state, client)
        if not end_by_refresh_token(site, client, refresh_token):
            raise RefusedError(INTERNAL, "invalid_grant Invalid refresh token")
        return jsonify(status=True)

    @routes.get(f"{IDENTITY}/credentials", endpoint="credentials")
    def credentials() -> Response:
        client = authenticated(state)
        asked_for = request.args.get("client_id", client.client_id)
        return jsonify(_credentials(state, _own_or_below(state, client, asked_for)))

    @routes.get(f"{GROUPS}/user/group/memberships", endpoint="groups")
    def memberships() -> Response:
        client = authenticated(state)
        username = request.args.get("profile.username", "")
        if not username:
            raise RefusedError(FAILED_PRECONDITION, "username should not be null")
        claims = state.people(client.provider).get(username, {})
        return jsonify(groups=[_group(name) for name in groups_of(claims)])

    @routes.get(f"{GROUPS}/groups", endpoint="all-groups")
    def groups() -> Response:
        client = authenticated(state)
        people = state.people(client.provider).values()
        names = dict.fromkeys(name for claims in people for name in groups_of(claims))
        return jsonify(groups=[_group(name) for name in names])

    add_routes(routes, state)
    app.register_blueprint(routes)


def _tenant(state: State, client_id: str) -> Client:
    found = next((c for c in state.clients("custos") if c.client_id == client_id), None)
    if found is None:
        raise RefusedError(UNAUTHENTICATED, "Request is not authorized, client is not found")
    return found


def _realm(state: State, client: Client) -> KeycloakSite:
    """The tenant's realm, at the addresses of Custos' own, old Keycloak."""
    return enter(realm_site(state, client.realm, "/auth"))


def _parameters() -> dict[str, str]:
    """A request message: from the query, or a JSON body; a form is not understood."""
    if request.mimetype == "application/x-www-form-urlencoded" and request.content_length:
        raise RefusedError(INVALID_ARGUMENT, "Request body is not JSON")
    body = _json_object() if request.content_length else {}
    return {name: value for name, value in body.items() if isinstance(value, str)} | dict(
        request.args.items()
    )


def _json_object() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise RefusedError(INVALID_ARGUMENT, "Expect message object but got something else")
    return body


def _token(state: State, server: Server, client: Client, given: Mapping[str, str]) -> Response:
    """Ask the tenant's realm, in the name of its Keycloak client."""
    needed = {
        "authorization_code": ("code", "redirect_uri"),
        "refresh_token": ("refresh_token",),
        "password": ("username", "password"),
    }
    for name in needed.get(given.get("grant_type", ""), ()):
        if not given.get(name):
            raise RefusedError(FAILED_PRECONDITION, f"{name} should not be null")
    site = _realm(state, client)
    if given.get("grant_type") == "password":
        owner = owner_by_password(state, client, given["username"], given["password"])
        if owner is None:
            raise RefusedError(INTERNAL, "invalid_grant Invalid user credentials")
        return jsonify(tokens.issue(site, owner, SCOPE, refreshable=True))
    form = {n: [v] for n, v in given.items() if n not in ("client_id", "client_secret")}
    form |= {"client_id": [client.client_id], "client_secret": [state.iam_secret(client)]}
    reply: Response = server.create_token_response(ProtocolRequest(form, Headers()))
    if reply.status_code >= HTTPStatus.BAD_REQUEST:
        said = reply.get_json()
        message = f"{said['error']} {said['error_description']}"
        raise RefusedError(INTERNAL, message)
    return reply


def _users_token(state: State, client: Client, access_token: str) -> Token:
    token = state.token(access_token)
    if token is None or token.signin.client != client or not state.is_live(token):
        raise RefusedError(UNAUTHENTICATED, "Request is not authorized, token is not valid")
    if not token.signin.claims.get("email"):
        raise RefusedError(UNAUTHENTICATED, "Request is not authorized, user has no email")
    return token


def _user(token: Token) -> dict[str, Any]:
    """The message `User`: all text, empty where nothing is known."""
    claims = token.signin.claims
    first, last = claims.get("given_name") or "", claims.get("family_name") or ""
    user = {
        "sub": claims.get("sub") or "",
        "full_name": claims.get("name") or f"{first} {last}".strip(),
        "first_name": first,
        "last_name": last,
        "email_address": claims.get("email") or "",
        "username": username_of(claims, token.signin.persona),
        "client_id": token.signin.client.client_id,
    }
    return {name: str(value) for name, value in user.items()}


def _own_or_below(state: State, client: Client, client_id: str) -> Client:
    """The client itself, or one of a tenant below; below the super tenant are all."""
    if client_id == client.client_id:
        return client
    mine, other = state.tenants.by_id(client.realm), state.tenants.by_client(client_id)
    known = state.client("custos", client_id, str(other.tenant_id)) if other else None
    if mine and other and known and (mine.above_all or other.parent == mine.tenant_id):
        return known
    raise RefusedError(UNAUTHENTICATED, "Request is not authorized")


def _credentials(state: State, client: Client) -> dict[str, Any]:
    """The message `Credentials`."""
    return {
        "iam_client_id": client.client_id,
        "iam_client_secret": state.iam_secret(client),
        "ci_logon_client_id": f"cilogon:/client_id/{client.realm}",
        "ci_logon_client_secret": "",
        "custos_client_id": client.client_id,
        "custos_client_secret": client.client_secret,
        "custos_client_id_issued_at": 0,
        "custos_client_secret_expired_at": 0,
    }


def _group(name: str) -> dict[str, Any]:
    """The message `Group`; a persona's groups are told apart by name alone."""
    return {
        "id": name,
        "name": name,
        "realm_roles": [],
        "client_roles": [],
        "parent_id": "",
        "created_time": "0",
        "last_modified_time": "0",
        "attributes": [],
        "description": "",
        "owner_id": "",
    }
