"""A service account's token: the client credentials grant (RFC 6749 section 4.4)."""

from __future__ import annotations

import uuid

from flask import Response, jsonify, request

from fedhub.idp.authorization import Server, basic_credentials
from fedhub.idp.keycloak_clients.refusals import RefusedError
from fedhub.idp.keycloak_clients.registry import TOKEN_LIFETIME, ServiceAccount
from fedhub.idp.protocol import AUTH_METHODS, ProtocolRequest
from fedhub.idp.refusals import Reason, Refused
from fedhub.idp.site import Site, no_store
from fedhub.idp.state import same_secret

REFUSED = {
    "client_credentials": RefusedError(
        401, "unauthorized_client", "Client not enabled to retrieve service account"
    ),
    "password": RefusedError(
        400, "unauthorized_client", "Client not allowed for direct access grants"
    ),
}
"""Grants that Keycloak knows and no hub has."""


def answer(site: Site, server: Server) -> Response | None:
    """The answer to a token request in a client's own name; None to any other request."""
    grant = request.form.get("grant_type", "")
    if grant not in REFUSED:
        return None
    basic_id, basic_secret = basic_credentials(request.headers)
    client_id = basic_id or request.form.get("client_id", "")
    account = site.state.realm_clients.account(site.realm, client_id)
    if account is None:
        return _refuse_hub(site, server, grant)
    if not same_secret(
        basic_secret or request.form.get("client_secret", ""), account.client_secret
    ):
        return site.refuse_token(Reason.WRONG_SECRET, basic=False)
    if grant != "client_credentials":
        return no_store(REFUSED[grant].response())
    return no_store(_token(site, account))


def _refuse_hub(site: Site, server: Server, grant: str) -> Response:
    form = {name: request.form.getlist(name) for name in request.form}
    try:
        server.authenticate_client(ProtocolRequest(form, request.headers), AUTH_METHODS)
    except Refused as refused:
        return site.refuse_token(refused.reason, basic=False)
    return no_store(REFUSED[grant].response())


def _token(site: Site, account: ServiceAccount) -> Response:
    now = int(site.state.clock())
    username = f"service-account-{account.client_id}"
    token = site.state.keys.sign(
        {
            "exp": now + int(TOKEN_LIFETIME),
            "iat": now,
            "jti": str(uuid.uuid4()),
            "iss": site.issuer,
            "aud": ["realm-management", "account"],
            "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{site.issuer}/{username}")),
            "typ": "Bearer",
            "azp": account.client_id,
            "acr": "1",
            "resource_access": {"realm-management": {"roles": sorted(account.roles)}},
            "scope": "profile email",
            "email_verified": False,
            "preferred_username": username,
            "client_id": account.client_id,
        }
    )
    site.state.realm_clients.issue(account, token)
    return jsonify(
        {
            "access_token": token,
            "expires_in": int(TOKEN_LIFETIME),
            "refresh_expires_in": 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": "profile email",
        }
    )
