"""Logging out of a Keycloak realm: OpenID Connect RP-Initiated Logout 1.0, and what came before.

Since Keycloak 18 a browser is sent on only to a registered post-logout address, and at once only
with an `id_token_hint`; with `client_id` alone Keycloak asks first. Before, under `/auth`, the
parameter was `redirect_uri` and any registered callback would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, g, request

from fedhub.idp import sessions
from fedhub.idp.client import Client
from fedhub.idp.grants import AUTH_METHODS, ProtocolRequest, Server
from fedhub.idp.refusals import Refused
from fedhub.idp.site import Site, error_page, send_back


@dataclass(frozen=True)
class _Hint:
    """What an `id_token_hint` tells."""

    client_id: str
    session: str


def by_browser(site: Site, *, legacy: bool) -> Response:
    """End the browser's session.

    Args:
        site: the realm.
        legacy: the addresses from before Keycloak 17 are used.
    """
    try:
        hint = _read_hint(site)
        target = _legacy_target(site, legacy=legacy) or _target(site, hint)
    except _RefusedError as error:
        return error_page(site.title, str(error), 400)
    live = sessions.current(site)
    if live and hint is None and not legacy and "confirm" not in request.form:
        question = "Do you want to log out?"
        confirm = f"{request.path}?{urlencode(list(request.args.items(multi=True)))}"
        return error_page(site.title, question, 200, heading="Logging out", confirm=confirm)
    return _end(site, live.id if live else (hint.session if hint else ""), target)


def by_refresh_token(site: Site, server: Server) -> Response:
    """End the session a refresh token belongs to: Keycloak's own POST form."""
    form = {name: request.form.getlist(name) for name in request.form}
    try:
        who = server.authenticate_client(ProtocolRequest(form, request.headers), AUTH_METHODS)
    except Refused as error:
        return site.refuse_token(error.reason, basic=False)
    end_by_refresh_token(site, who.client, request.form["refresh_token"])
    return Response(status=204)


def end_by_refresh_token(site: Site, client: Client, refresh_token: str) -> bool:
    """End the session of a client's refresh token; False when there is none."""
    token = site.state.refresh(refresh_token)
    if token is None or token.signin.client != client:
        return False
    site.state.close_session(token.signin.session)
    return True


def _end(site: Site, session: str, target: str) -> Response:
    if site.state.session(site.session_scope, session) is not None:
        site.state.close_session(session)
    g.logged_out = True
    if not target:
        return error_page(site.title, "You are logged out.", 200, heading="You are logged out")
    state = request.values.get("state", "")
    return send_back(target, [("state", state)] if state else [])


def _targets(client: Client) -> tuple[str, ...]:
    """Where a logout may lead; in a Custos realm the callbacks count too."""
    more = client.redirect_uris if client.face == "custos" else ()
    return (*client.post_logout_redirect_uris, *more)


def _realm_clients(site: Site) -> list[Client]:
    both = site.state.clients("keycloak") + site.state.clients("custos")
    return [client for client in both if client.realm == site.realm]


class _RefusedError(Exception):
    """The logout request is wrong; the text is for the person."""


def _read_hint(site: Site) -> _Hint | None:
    """What the ID token tells; an expired one will do (RP-Initiated Logout 1.0 section 2)."""
    token = request.values.get("id_token_hint", "")
    if not token:
        return None
    claims = site.state.keys.read(token)
    if claims is None or claims.get("iss") != site.issuer or claims.get("typ") != "ID":
        raise _RefusedError("Invalid parameter: id_token_hint.")
    return _Hint(str(claims.get("aud", "")), str(claims.get("sid", "")))


def _legacy_target(site: Site, *, legacy: bool) -> str:
    """The `redirect_uri` of a logout from before Keycloak 18."""
    target = request.values.get("redirect_uri", "")
    known = (uri for client in _realm_clients(site) for uri in client.redirect_uris)
    also = (uri for client in _realm_clients(site) for uri in _targets(client))
    if target and not (legacy and target in (*known, *also)):
        raise _RefusedError("Invalid redirect uri.")
    return target


def _target(site: Site, hint: _Hint | None) -> str:
    """The `post_logout_redirect_uri`, which must be registered by the client named."""
    target = request.values.get("post_logout_redirect_uri", "")
    client_id = hint.client_id if hint else request.values.get("client_id", "")
    if target and not client_id:
        raise _RefusedError("Missing parameters: id_token_hint.")
    client = site.client(client_id)
    if client_id and client is None:
        raise _RefusedError("Client not found.")
    if target and (client is None or target not in _targets(client)):
        raise _RefusedError("Invalid redirect uri.")
    return target
