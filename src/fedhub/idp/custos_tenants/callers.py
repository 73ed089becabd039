"""Who asks: a tenant by its id and secret, or a person by a token."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from flask import request

from fedhub.idp.client import Client
from fedhub.idp.custos_tenants.refusals import UNAUTHENTICATED, RefusedError, invalid, unauthorized
from fedhub.idp.custos_tenants.registry import Tenant
from fedhub.idp.state import State, same_secret, username_of

BASE64 = re.compile(r"[A-Za-z0-9+/_-]+=*")


@dataclass(frozen=True)
class Person:
    """Somebody with a token.

    Attributes:
        username: as the realm knows them.
        realm: the id of the tenant they belong to.
        above_all: whether that is the super tenant.
        admin: whether they are an administrator there.
    """

    username: str
    realm: str
    above_all: bool
    admin: bool


def tenant_credentials() -> tuple[str, str]:
    """The client id and secret in the Authorization header, empty when there are none.

    Custos takes `Bearer base64(id:secret)` and `Basic base64(id:secret)` alike.
    """
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() not in ("bearer", "basic") or not BASE64.fullmatch(value.strip()):
        return "", ""
    try:
        text = base64.b64decode(value.strip(), b"+/").decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    client_id, _, secret = text.partition(":")
    return client_id, secret


def authenticated(state: State) -> Client:
    """The client of the active tenant whose credentials were sent.

    Raises:
        RefusedError: there is none, or the secret is another.
    """
    client_id, secret = tenant_credentials()
    found = next((c for c in state.clients("custos") if c.client_id == client_id), None)
    if not same_secret(secret, found.client_secret if found else "") or found is None:
        raise RefusedError(UNAUTHENTICATED, "Request is not authorized")
    return found


def person(state: State, call: str) -> Person:
    """The person whose token was sent.

    Raises:
        RefusedError: there is no token, or none that counts.
    """
    if "Authorization" not in request.headers:
        raise invalid(call, "authorization header not available")
    token = state.token(request.headers["Authorization"].partition(" ")[2].strip())
    if token is None or token.signin.client.face != "custos" or not state.is_live(token):
        raise unauthorized(call, "Request is not authorized")
    claims, realm = token.signin.claims, token.signin.client.realm
    tenant = state.tenants.by_id(realm)
    if not claims.get("email") or tenant is None or tenant.status != "ACTIVE":
        raise unauthorized(call, "Request is not authorized")
    roles = claims.get("realm_access", {}).get("roles", [])
    return Person(
        username_of(claims, token.signin.persona), realm, tenant.above_all, "admin" in roles
    )


def tenant_for(state: State, call: str, client_id: str) -> Tenant:
    """The tenant with this client id, if whoever asks may deal with it.

    Raises:
        RefusedError: there is none, or it is somebody else's.
    """
    who = person(state, call)
    if not client_id:
        raise invalid(call, "client_id should not be null")
    tenant = state.tenants.by_client(client_id)
    if tenant is None:
        raise invalid(call, f"NOT_FOUND:  Credentials not found for clientId {client_id}")
    if not who.above_all and who.realm not in (str(tenant.tenant_id), str(tenant.parent)):
        raise unauthorized(call, "Not a valid admin client")
    return tenant
