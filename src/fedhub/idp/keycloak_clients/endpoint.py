"""The requests: POST registers, GET shows, PUT changes, DELETE forgets; and the admin's lists."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request

from fedhub.idp.bearer import bearer_value
from fedhub.idp.keycloak_clients import body as asked
from fedhub.idp.keycloak_clients import representation
from fedhub.idp.keycloak_clients.refusals import RefusedError
from fedhub.idp.keycloak_clients.registry import Registered, Registry, ServiceAccount, new_secret
from fedhub.idp.site import Site, current_site
from fedhub.idp.state import State

KIND = "application/json;charset=UTF-8"
MANAGES = "manage-clients"
CREATES = frozenset({MANAGES, "create-client"})
VIEWS = frozenset({MANAGES, "view-clients"})
LISTS = VIEWS | {"query-clients"}
REALMS_OWN = (
    *("account", "account-console", "admin-cli", "broker", "realm-management"),
    "security-admin-console",
)
"""The clients of every realm."""


def add_registration(routes: Blueprint, state: State) -> None:
    """Serve the realm's client registration."""
    path = "/clients-registrations/default"
    one = f"{path}/<path:client_id>"
    registry = state.realm_clients

    @routes.post(path, endpoint="client-create")
    def create() -> Response:
        return _answer(lambda: _create(state))

    @routes.get(one, endpoint="client-show")
    def show(client_id: str) -> Response:
        def go() -> Response:
            _check_role(
                registry, VIEWS, "view client. Not valid token or client credentials provided."
            )
            return _ok(_found(registry, client_id).representation)

        return _answer(go)

    @routes.put(one, endpoint="client-update")
    def update(client_id: str) -> Response:
        return _answer(lambda: _update(registry, client_id))

    @routes.delete(one, endpoint="client-delete")
    def delete(client_id: str) -> Response:
        return _answer(lambda: _delete(state, client_id))


def add_administration(routes: Blueprint, state: State) -> None:
    """Serve what the admin REST API has of it."""
    registry = state.realm_clients

    @routes.get("/clients", endpoint="client-list")
    def clients() -> Response:
        def go() -> Response:
            account = _administrator(registry, LISTS)
            if not account.roles & VIEWS:
                return _ok([])
            realm = current_site().realm
            wanted = request.args.get("clientId")
            known = [*_realms_own(registry, realm), *_registered(registry, realm)]
            return _ok([one for one in known if wanted in (None, one["clientId"])])

        return _answer(go)

    pages = {"default": representation.DEFAULT_SCOPES, "optional": representation.OPTIONAL_SCOPES}
    for kind, scopes in pages.items():
        page = f"/default-{kind}-client-scopes"
        routes.add_url_rule(page, f"scopes-{kind}", _scopes_page(registry, kind, scopes))


def _scopes_page(registry: Registry, kind: str, names: list[str]) -> Callable[[], Response]:
    scopes = [{"name": name, "protocol": "openid-connect"} for name in names]
    if kind == "default":
        scopes.insert(0, {"name": "role_list", "protocol": "saml"})

    def go() -> Response:
        _administrator(registry, VIEWS)
        return _ok([{"id": str(uuid.uuid5(uuid.NAMESPACE_URL, s["name"])), **s} for s in scopes])

    return lambda: _answer(go)


def _answer(act: Callable[[], Response]) -> Response:
    try:
        return act()
    except RefusedError as refused:
        return refused.response()


def _create(state: State) -> Response:
    registry, site = state.realm_clients, current_site()
    if not bearer_value():
        words = "Policy 'Trusted Hosts' rejected request to client-registration service."
        raise RefusedError(403, "insufficient_scope", f"{words} Details: Host not trusted.")
    account = _check_role(registry, CREATES, "")
    said = asked.parse(request.get_data())
    with registry.lock:
        if said.get("clientId") and _is_known(registry, site, said["clientId"]):
            raise RefusedError(400, "invalid_client_metadata", "Client Identifier in use")
        asked.check_scopes(said, {})
        now = int(state.clock())
        made = representation.new(said, id_=str(uuid.uuid4()), secret=new_secret(), now=now)
        registry.keep(site.realm, Registered(made, account.provider))
    token = {"registrationAccessToken": new_secret()}
    reply = _ok(representation.changed(made, token), 201)
    reply.headers["Location"] = f"{request.base_url}/{quote(made['clientId'])}"
    return reply


def _update(registry: Registry, client_id: str) -> Response:
    _check_role(registry, {MANAGES}, "update client. Maybe missing token or bad token type.")
    said = asked.parse(request.get_data())
    with registry.lock:
        known = _found(registry, client_id)
        if said.get("clientId") != client_id:
            raise RefusedError(400, "invalid_client_metadata", "Client Identifier modified")
        asked.check_scopes(said, known.representation)
        new = representation.changed(known.representation, said)
        registry.keep(current_site().realm, Registered(new, known.provider))
    return _ok(new)


def _delete(state: State, client_id: str) -> Response:
    registry, realm = state.realm_clients, current_site().realm
    _check_role(registry, {MANAGES}, "update client. Maybe missing token or bad token type.")
    with registry.lock:
        gone = _found(registry, client_id).as_client(realm)
        registry.delete(realm, client_id)
    state.remove_client(gone)
    reply = Response(status=204)
    del reply.headers["Content-Type"]
    return reply


def _found(registry: Registry, client_id: str) -> Registered:
    found = registry.get(current_site().realm, client_id)
    if found is None:
        raise RefusedError(404, "invalid_request", "Client not found")
    return found


def _check_role(
    registry: Registry, roles: frozenset[str] | set[str], unauthorized: str
) -> ServiceAccount:
    """Who asks the client registration.

    Args:
        registry: knows the tokens.
        roles: one of which will do.
        unauthorized: what nobody is not to do, and why.
    """
    given = bearer_value()
    if not given:
        raise RefusedError(401, "invalid_token", f"Not authorized to {unauthorized}")
    account = registry.holder(current_site().realm, given)
    if account is None and not _is_somebodys(given):
        raise RefusedError(401, "invalid_token", "Failed decode token")
    if account is None or not account.roles & roles:
        raise RefusedError(403, "insufficient_scope", "Forbidden")
    return account


def _administrator(registry: Registry, roles: frozenset[str]) -> ServiceAccount:
    """Who asks the admin REST API, which says less."""
    given = bearer_value()
    account = registry.holder(current_site().realm, given)
    if account is None and not _is_somebodys(given):
        raise RefusedError(401, "HTTP 401 Unauthorized")
    if account is None or not account.roles & roles:
        raise RefusedError(403, "HTTP 403 Forbidden")
    return account


def _is_somebodys(given: str) -> bool:
    """Whether it is a person's token of this realm, which is known, and may do nothing here."""
    site = current_site()
    token = site.state.token(given)
    known = token is not None and site.client(token.signin.client.client_id) is not None
    return known and token is not None and site.state.is_live(token)


def _is_known(registry: Registry, site: Site, client_id: str) -> bool:
    taken = site.client(client_id) or registry.account(site.realm, client_id)
    return taken is not None or client_id in REALMS_OWN


def _realms_own(registry: Registry, realm: str) -> list[dict[str, Any]]:
    own = [*REALMS_OWN, *(account.client_id for account in registry.accounts(realm))]
    return [{"clientId": name, "protocol": "openid-connect", "enabled": True} for name in own]


def _registered(registry: Registry, realm: str) -> list[dict[str, Any]]:
    access = {"view": True, "configure": True, "manage": True}
    shown = [one.representation for one in registry.clients(realm)]
    return [
        {n: v for n, v in one.items() if n != "defaultRoles"} | {"access": access} for one in shown
    ]


def _ok(said: Any, status: int = 200) -> Response:
    reply = jsonify(said)
    reply.status_code = status
    reply.content_type = KIND
    return reply
