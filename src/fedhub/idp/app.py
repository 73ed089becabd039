"""The web application: all faces on one origin, security headers, faults, and plain errors."""

from __future__ import annotations

import secrets
import socket
from http import HTTPStatus
from importlib import import_module

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import BadRequest, HTTPException

from fedhub.idp import breaking
from fedhub.idp.authorization import Server
from fedhub.idp.faults import Fault
from fedhub.idp.peer import may_enter
from fedhub.idp.site import error_page
from fedhub.idp.state import State, same_secret

FACES = ("cilogon", "keycloak", "custos_legacy", "custos_v1", "github", "oidc")
JSON_ERRORS = ("/realms/", "/auth/realms/", "/admin/realms/")
"""Where a server says in JSON that there is no such page, or no such method."""
MAX_BODY = 1024 * 1024
FAULTS_PATH = "/_fedhub/faults"


def create_app(state: State) -> Flask:
    """The WSGI application of a provider.

    Args:
        state: its memory; `state.url` is the public address, without a trailing slash.
    """
    app = Flask("fedhub.idp", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.jinja_env.globals["csp_nonce"] = _csp_nonce
    server = Server()
    for face in FACES:
        import_module(f"fedhub.idp.faces.{face}").register(app, state, server)
    app.before_request(lambda: _refuse_other_users(state))
    app.before_request(lambda: _before(state))
    app.after_request(lambda reply: _after(state, reply))
    app.after_request(_protect)
    app.register_error_handler(HTTPException, _plain_error)
    app.register_error_handler(RecursionError, lambda error: _plain_error(BadRequest()))
    app.add_url_rule(FAULTS_PATH, "faults", lambda: _faults(state), methods=["POST", "DELETE"])
    return app


def _endpoint() -> str:
    return (request.endpoint or "").rpartition(".")[2]


def _refuse_other_users(state: State) -> Response | None:
    """Answer nobody but our own user, where the provider was asked to."""
    if not state.own_user_only:
        return None
    connection: socket.socket = request.environ["werkzeug.socket"]
    if may_enter(connection.getpeername()[:2], connection.getsockname()[:2]):
        return None
    return error_page("an identity provider", "This preview belongs to another user.", 403)


def _before(state: State) -> Response | None:
    if request.path == FAULTS_PATH:
        return None
    state.count(_endpoint())
    return breaking.before(state, _endpoint())


def _after(state: State, reply: Response) -> Response:
    return reply if request.path == FAULTS_PATH else breaking.after(state, _endpoint(), reply)


def _csp_nonce() -> str:
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def _protect(reply: Response) -> Response:
    """Headers that keep a page from being framed, sniffed or scripted.

    There is no `form-action`: browsers hold it against every redirect that follows the form, and
    a login ends at addresses (the hub, then a service) that the provider can't know.
    """
    styles = f"'nonce-{g.csp_nonce}'" if "csp_nonce" in g else "'none'"
    reply.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src {styles}; base-uri 'none'; frame-ancestors 'none'"
    )
    reply.headers["X-Frame-Options"] = "DENY"
    reply.headers["X-Content-Type-Options"] = "nosniff"
    reply.headers["Referrer-Policy"] = "same-origin"
    return reply


def _plain_error(error: HTTPException) -> Response:
    """An unknown address, a wrong method, a body too large: a page, and nothing of the inside."""
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return Response(status=status, headers=error.get_headers())
    if request.path.startswith(JSON_ERRORS):
        reply = jsonify(error=f"HTTP {status} {error.name}")
        reply.status_code = status
    else:
        reply = error_page("an identity provider", f"{error.name}.", status)
    if isinstance(getattr(error, "valid_methods", None), (list, tuple, set)):
        reply.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]  # MethodNotAllowed has it
    return reply


def _faults(state: State) -> Response:
    """Put faults in force (POST) or clear them (DELETE), for tests in another process."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if not state.control_token:
        return error_page("an identity provider", "Not Found.", 404)
    if kind.lower() != "bearer" or not same_secret(given, state.control_token):
        reply = jsonify(error="a bearer token is needed")
        reply.status_code = 401
        return reply
    if request.method == "DELETE":
        state.faults.clear()
        return jsonify(faults=[])
    asked = request.get_json(silent=True)
    try:
        fault = Fault(**asked) if isinstance(asked, dict) else None
        if fault is None:
            raise ValueError("the body must be a JSON object with the key name")
        state.inject(fault)
    except (TypeError, ValueError) as error:
        reply = jsonify(error=str(error))
        reply.status_code = 400
        return reply
    return jsonify(fault=fault.name)
