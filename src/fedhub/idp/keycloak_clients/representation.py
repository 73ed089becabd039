"""Keycloak's `ClientRepresentation`: its fields, in its order, with what a new client has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fedhub.idp.client import Client

DEFAULT_SCOPES = ["web-origins", "acr", "roles", "profile", "basic", "email"]
OPTIONAL_SCOPES = ["address", "phone", "offline_access", "organization", "microprofile-jwt"]
"""Those of a new realm."""
POST_LOGOUT = "post.logout.redirect.uris"
TEXTS = ("name", "description", "rootUrl", "adminUrl", "baseUrl", "secret")
LISTS = ("redirectUris", "webOrigins", "defaultClientScopes", "optionalClientScopes")
FLAGS = {
    "surrogateAuthRequired": False,
    "enabled": True,
    "alwaysDisplayInConsole": False,
    "bearerOnly": False,
    "consentRequired": False,
    "standardFlowEnabled": True,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "serviceAccountsEnabled": False,
    "publicClient": False,
    "frontchannelLogout": False,
    "fullScopeAllowed": True,
}
OTHERS = {
    "clientAuthenticatorType": "client-secret",
    "defaultRoles": [],
    "notBefore": 0,
    "protocol": "openid-connect",
    "authenticationFlowBindingOverrides": {},
    "nodeReRegistrationTimeout": -1,
}
FIELDS = frozenset(
    {"id", "clientId", "attributes", "protocolMappers", "registrationAccessToken", "type"}
    | {"authorizationServicesEnabled", "authorizationSettings", "registeredNodes", "origin"}
    | {"access", *TEXTS, *LISTS, *FLAGS, *OTHERS}
)
ORDER = (
    *("id", "clientId", "name", "description", "rootUrl", "adminUrl", "baseUrl"),
    *("surrogateAuthRequired", "enabled", "alwaysDisplayInConsole", "clientAuthenticatorType"),
    *("secret", "registrationAccessToken", "defaultRoles", "redirectUris", "webOrigins"),
    *("notBefore", "bearerOnly", "consentRequired", "standardFlowEnabled"),
    *("implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled"),
    *("publicClient", "frontchannelLogout", "protocol", "attributes"),
    *("authenticationFlowBindingOverrides", "fullScopeAllowed", "nodeReRegistrationTimeout"),
    *("protocolMappers", "defaultClientScopes", "optionalClientScopes", "access"),
)


def new(asked: Mapping[str, Any], *, id_: str, secret: str, now: int) -> dict[str, Any]:
    """A client as it is after its registration.

    Args:
        asked: the fields that were sent.
        id_: made by the server.
        secret: made by the server.
        now: seconds since the epoch.
    """
    callbacks = asked.get("redirectUris") or []
    origins = [f"{one.scheme}://{one.netloc}" for one in map(urlsplit, callbacks) if one.netloc]
    made: dict[str, Any] = {"id": id_, "clientId": id_, "secret": secret, **FLAGS, **OTHERS}
    made |= {"redirectUris": [], "webOrigins": list(dict.fromkeys(origins))}
    made["attributes"] = {"realm_client": "false", "client.secret.creation.time": str(now)}
    made |= {"defaultClientScopes": DEFAULT_SCOPES, "optionalClientScopes": OPTIONAL_SCOPES}
    if "optionalClientScopes" in asked:
        asked = {"defaultClientScopes": ["basic"], **asked}
    return changed(made, {n: v for n, v in asked.items() if n != "id"})


def changed(client: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """A client after an update: what is not sent stays, and attributes are told one by one.

    Where scopes of one kind are sent, those of the other kind do not stay.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    both = ("defaultClientScopes", "optionalClientScopes")
    if any(name in given for name in both):
        given |= {name: given.get(name, []) for name in both}
    told = given.pop("attributes", {})
    kept = {**client["attributes"], **told}
    given["attributes"] = {n: v for n, v in kept.items() if v not in (None, "")}
    merged = {**client, **given}
    return {name: merged[name] for name in ORDER if name in merged}


def scopes_of(client: Mapping[str, Any]) -> set[str]:
    """What a client may ask for."""
    return {*client.get("defaultClientScopes", ()), *client.get("optionalClientScopes", ())}


def as_client(client: Mapping[str, Any], realm: str, provider: str) -> Client:
    """The client as a login meets it."""
    attributes = client["attributes"]
    callbacks = tuple(client["redirectUris"])
    after = attributes.get(POST_LOGOUT, "+")
    return Client(
        provider=provider,
        face="keycloak",
        client_id=client["clientId"],
        client_secret=client["secret"],
        redirect_uris=callbacks,
        post_logout_redirect_uris=callbacks if after == "+" else tuple(after.split("##")),
        realm=realm,
        refresh_tokens=attributes.get("use.refresh.tokens") != "false",
        backchannel_logout_uri=attributes.get("backchannel.logout.url", ""),
    )
