"""Access tokens as they come back: find them, say what they are worth, withdraw them."""

from __future__ import annotations

from flask import Response, jsonify, request

from fedhub.idp.authorization import Server
from fedhub.idp.protocol import AUTH_METHODS, ProtocolRequest, Registration
from fedhub.idp.records import Token
from fedhub.idp.refusals import Reason, Refused
from fedhub.idp.site import Site, no_store


def access_token(
    site: Site, *, in_query: bool = False, in_form: bool = False, scheme: str = "bearer"
) -> Token | Response:
    """The valid token of this request, or the refusal to send.

    Args:
        site: whose manner to refuse in, and whose tokens count.
        in_query: whether `?access_token=` or a form field counts too (RFC 6750 section 2.2, 2.3).
        in_form: whether a form field alone does.
        scheme: the authorization scheme, in lower case.
    """
    given = bearer_value(scheme)
    if not given and in_query:
        given = request.values.get("access_token", "")
    if not given and in_form:
        given = request.form.get("access_token", "")
    if not given:
        return site.refuse_bearer(given=False)
    token = site.state.token(given)
    if token is None or not belongs(site, token):
        return site.refuse_bearer(given=True)
    if site.state.is_disabled(token.signin.persona):
        return site.refuse_disabled()
    if not site.state.is_live(token):
        return site.refuse_bearer(given=True, description=site.dead_token_words(token))
    return token


def bearer_value(scheme: str = "bearer") -> str:
    """What follows the scheme in the Authorization header; empty when it is another scheme."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if kind.lower() == scheme else ""


def belongs(site: Site, token: Token) -> bool:
    """Whether a token was issued at this site: one face's token is worth nothing at another."""
    theirs = token.signin.client
    known = site.client(theirs.client_id)
    return known is not None and known.is_same_as(theirs)


def revoke(site: Site, server: Server) -> Response:
    """Token revocation (RFC 7009): 200 also for a token nobody knows."""
    registration = _authenticated(site, server)
    if isinstance(registration, Response):
        return registration
    value = request.form.get("token", "")
    refresh = site.state.refresh(value)
    token = refresh or site.state.token(value)
    if token is not None and token.check_client(registration):
        whole = refresh is not None
        site.state.revoke(
            lambda other: other.signin.id == token.signin.id if whole else other is token
        )
    return Response(status=200)


def introspect(site: Site, server: Server) -> Response:
    """Token introspection (RFC 7662)."""
    registration = _authenticated(site, server)
    if isinstance(registration, Response):
        return registration
    token = site.state.token(request.form.get("token", ""))
    if (
        token is None
        or not belongs(site, token)
        or not site.may_introspect(registration.client, token)
        or not site.state.is_live(token)
    ):
        return no_store(jsonify(active=False))
    return no_store(jsonify(site.introspection(token)))


def _authenticated(site: Site, server: Server) -> Registration | Response:
    form = {name: request.form.getlist(name) for name in request.form}
    asked = ProtocolRequest(form, request.headers)
    try:
        return server.authenticate_client(asked, AUTH_METHODS)
    except Refused as error:
        basic = "basic " in request.headers.get("Authorization", "").lower()
        return site.refuse_token(error.reason or Reason.WRONG_SECRET, basic=basic)
