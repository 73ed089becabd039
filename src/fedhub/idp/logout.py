"""Logging out at a provider: OpenID Connect RP-Initiated Logout 1.0, and what came before.

As at Keycloak since version 18, a browser is sent on only to a registered post-logout address,
and at once only with an `id_token_hint` of its own session; otherwise it is asked first. Before,
under `/auth`, the parameter was `redirect_uri` and any registered callback would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Response, request

from fedhub.idp import sessions
from fedhub.idp.authorization import Server
from fedhub.idp.client import Client
from fedhub.idp.protocol import AUTH_METHODS, ProtocolRequest
from fedhub.idp.refusals import Reason, Refused
from fedhub.idp.site import Site, error_page, send_back


@dataclass(frozen=True)
class _Hint:
    """What an `id_token_hint` tells."""

    client_id: str
    session: str


class _RefusedError(Exception):
    """The logout request is wrong; the text is for the person."""


def by_browser(site: Site, *, legacy: bool = False) -> Response:
    """End the browser's session (RP-Initiated Logout 1.0 section 2), GET or POST.

    Args:
        site: whose session.
        legacy: a realm's addresses from before Keycloak 17 are used.
    """
    try:
        hint = _read_hint(site)
        target = _legacy_target(site, legacy=legacy) or _target(site, hint)
    except _RefusedError as error:
        return error_page(site.title, str(error), HTTPStatus.BAD_REQUEST)
    live = sessions.current(site)
    hinted = hint is not None and (live is None or hint.session == live.id)
    unasked = not hinted and not legacy and "confirm" not in request.form
    if unasked and (live or not target):
        return ask(site)
    ended = {live.id if live else "", hint.session if hint else ""}
    for session in filter(None, ended):
        sessions.end(site, session)
    given = request.values.get("state", "")
    reply = send_back(target, [("state", given)] if given else []) if target else goodbye(site)
    sessions.forget(site, reply)
    return reply


def ask(site: Site) -> Response:
    """The page that asks whether to log out; its button posts the same request."""
    confirm = f"{request.path}?{urlencode(list(request.values.items(multi=True)))}"
    question = "Do you want to log out?"
    return error_page(site.title, question, 200, heading="Logging out", confirm=confirm)


def goodbye(site: Site) -> Response:
    """The page that ends a logout which leads nowhere."""
    words = f"You have logged out of {site.title}."
    return error_page(site.title, words, 200, heading="You are logged out")


def by_refresh_token(site: Site, server: Server) -> Response:
    """End the session a refresh token belongs to: Keycloak's own POST form."""
    form = {name: request.form.getlist(name) for name in request.form}
    try:
        who = server.authenticate_client(ProtocolRequest(form, request.headers), AUTH_METHODS)
    except Refused as error:
        return site.refuse_token(error.reason, basic=False)
    token = site.state.refresh(request.form["refresh_token"])
    if token is None:
        return site.refuse_token(Reason.REFRESH_INVALID, basic=False)
    if not token.check_client(who):
        return site.refuse_token(Reason.REFRESH_OF_ANOTHER_CLIENT, basic=False)
    sessions.end(site, token.signin.session)
    return Response(status=204)


def end_by_refresh_token(site: Site, client: Client, refresh_token: str) -> bool:
    """End the session of a client's refresh token; False when there is none."""
    token = site.state.refresh(refresh_token)
    if token is None or not token.signin.client.is_same_as(client):
        return False
    sessions.end(site, token.signin.session)
    return True


def _targets(client: Client) -> tuple[str, ...]:
    """Where a logout may lead.

    In a Custos realm the callbacks count too, at Keycloak where there is nothing else.
    """
    own = client.post_logout_redirect_uris
    callbacks_count = client.face == "custos" or (client.face == "keycloak" and not own)
    return (*own, *(client.redirect_uris if callbacks_count else ()))


def _realm_clients(site: Site) -> list[Client]:
    both = site.state.clients("keycloak") + site.state.clients("custos")
    return [client for client in both if client.realm == site.realm]


def _read_hint(site: Site) -> _Hint | None:
    """What the ID token tells; an expired one will do (RP-Initiated Logout 1.0 section 2)."""
    token = request.values.get("id_token_hint", "")
    if not token:
        return None
    claims = site.state.keys.read(token)
    # Keycloak's access tokens are signed too, and say so.
    if claims is None or claims.get("iss") != site.issuer or claims.get("typ", "ID") != "ID":
        raise _RefusedError("Invalid parameter: id_token_hint")
    client_id = str(claims.get("azp") or claims.get("aud", ""))
    if request.values.get("client_id", client_id) != client_id:
        raise _RefusedError("Invalid parameter: id_token_hint")
    return _Hint(client_id, str(claims.get("sid", "")))


def _legacy_target(site: Site, *, legacy: bool) -> str:
    """The `redirect_uri` of a logout from before Keycloak 18, which means nothing since."""
    target = request.values.get("redirect_uri", "") if legacy else ""
    known = (uri for client in _realm_clients(site) for uri in client.redirect_uris)
    also = (uri for client in _realm_clients(site) for uri in _targets(client))
    if target and target not in (*known, *also):
        raise _RefusedError("Invalid redirect uri")
    return target


def _target(site: Site, hint: _Hint | None) -> str:
    """The `post_logout_redirect_uri`, which must be registered by the client named."""
    target = request.values.get("post_logout_redirect_uri", "")
    client_id = hint.client_id if hint else request.values.get("client_id", "")
    if target and not client_id:
        raise _RefusedError("Missing parameters: id_token_hint")
    client = site.client(client_id)
    if target and (client is None or target not in _targets(client)):
        raise _RefusedError("Invalid redirect uri")
    return target
