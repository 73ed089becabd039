"""A client as Keycloak has it (its `ClientRepresentation`), and under RFC 7591's names.

| RFC 7591 | Keycloak |
|---|---|
| `client_name`, `client_uri` | `name`, `baseUrl`, the "Home URL" |
| `comment`, ours | `description` |
| `redirect_uris` | `redirectUris`, in no order |
| `scope` | `defaultClientScopes`, `optionalClientScopes`; `openid` is every client's |
| `grant_types` | `standardFlowEnabled`, the attribute `use.refresh.tokens`, and others |
| `response_types` | `standardFlowEnabled` |
| `contacts` | the attribute `contacts`, which means nothing to Keycloak |

`rt_lifetime` is CILogon's: at Keycloak the realm's sessions decide. All else that Keycloak shows
keeps its own name. Its secrets are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SECRET = frozenset({"secret", "registrationAccessToken"})
OPENID = "openid"
REFRESHES = "use.refresh.tokens"
CONTACTS = "contacts"
JOINT = "##"
"""Between the values of one attribute, as Keycloak itself has it."""
GRANTS = {
    "implicit": "implicitFlowEnabled",
    "password": "directAccessGrantsEnabled",
    "client_credentials": "serviceAccountsEnabled",
}
TEXTS = {"client_name": "name", "client_uri": "baseUrl", "comment": "description"}
NAMED = frozenset(
    {*TEXTS.values(), *GRANTS.values(), "clientId", "redirectUris", "standardFlowEnabled"}
    | {"defaultClientScopes", "optionalClientScopes"}
)
ALL = frozenset({"redirect_uris", "contacts"})
"""Compared as sets."""
AT_LEAST = frozenset({"scope", "response_types"})
"""What others have added to these stays."""


def shown(client: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a client, from what Keycloak says of it."""
    texts = {ours: client.get(theirs) for ours, theirs in TEXTS.items() if client.get(theirs)}
    known: dict[str, Any] = {
        "client_id": client.get("clientId"),
        **texts,
        "redirect_uris": _texts(client.get("redirectUris")),
        "scope": [OPENID, *dict.fromkeys([*default_scopes(client), *optional_scopes(client)])],
        "grant_types": _grants(client),
        "response_types": ["code"] if client.get("standardFlowEnabled") else [],
    }
    if contacts := _attributes(client).get(CONTACTS):
        known["contacts"] = str(contacts).split(JOINT)
    others = {n: v for n, v in client.items() if n not in NAMED and n not in SECRET}
    return others | known


def default_scopes(client: Mapping[str, Any]) -> list[str]:
    """The scopes that a client gets without asking."""
    return _texts(client.get("defaultClientScopes"))


def optional_scopes(client: Mapping[str, Any]) -> list[str]:
    """The scopes that a client may ask for beside those."""
    return _texts(client.get("optionalClientScopes"))


def as_keycloak_has_it(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What to send for some attributes, all but `scope`; None takes one away.

    Keycloak takes what is sent and leaves the rest; a text is taken away by an empty one.
    """
    body: dict[str, Any] = {
        theirs: attributes[ours] or "" for ours, theirs in TEXTS.items() if ours in attributes
    }
    if "redirect_uris" in attributes:
        body["redirectUris"] = list(attributes["redirect_uris"] or ())
    kept: dict[str, str] = {}
    if "grant_types" in attributes:
        grants = attributes["grant_types"] or ()
        body["standardFlowEnabled"] = "authorization_code" in grants
        kept[REFRESHES] = "true" if "refresh_token" in grants else "false"
    if CONTACTS in attributes:
        kept[CONTACTS] = JOINT.join(attributes[CONTACTS] or ())
    return body | ({"attributes": kept} if kept else {})


def differences(registered: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Those wanted attributes that are registered otherwise, as they should be.

    Args:
        registered: as `shown` has them.
        wanted: attribute → value; one without a value may be absent.
    """
    found = {}
    for name, value in wanted.items():
        now, should = registered.get(name), value
        if name == "rt_lifetime":
            continue
        if name in AT_LEAST:
            should = [*(now or ()), *(one for one in value or () if one not in (now or ()))]
        elif name == "grant_types":
            ours = ("authorization_code", "refresh_token")
            others = [one for one in now or () if one not in ours]
            should = [one for one in ours if one in (value or ())] + others
        if _comparable(name, now) != _comparable(name, should):
            found[name] = should
    return found


def _comparable(name: str, value: Any) -> Any:
    if name in ALL or name in AT_LEAST or name == "grant_types":
        return set(value or ())
    return value or None


def _grants(client: Mapping[str, Any]) -> list[str]:
    grants = ["authorization_code"] if client.get("standardFlowEnabled") else []
    if str(_attributes(client).get(REFRESHES, "true")).lower() != "false":
        grants.append("refresh_token")
    return grants + [grant for grant, field in GRANTS.items() if client.get(field)]


def _attributes(client: Mapping[str, Any]) -> Mapping[str, Any]:
    found = client.get("attributes")
    return found if isinstance(found, dict) else {}


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
