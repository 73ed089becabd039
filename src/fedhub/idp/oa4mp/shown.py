"""A registered client as GET and PUT show it, and the server's defaults."""

from __future__ import annotations

from typing import Any

from fedhub.idp.oa4mp.registry import Registered, Release

IF_ANY = frozenset(
    {"jwks_uri", "jwks", "grant_types", "response_types", "scope", "proxy_claims_list"}
    | {"proxy_request_scopes", "prototypes", "cfg"}
)
"""Left out when empty."""

START = ("client_name", "redirect_uris", "jwks_uri", "jwks", "grant_types", "response_types")
LIFETIMES: dict[Release, tuple[str, ...]] = {
    "5.5": (
        *("id_token_lifetime", "max_id_token_lifetime", "at_lifetime", "max_at_lifetime"),
        *("rt_lifetime", "max_rt_lifetime"),
    ),
    "6.3.2": (
        *("rt_lifetime", "max_rt_lifetime", "max_id_token_lifetime"),
        *("at_lifetime", "max_at_lifetime", "id_token_lifetime"),
    ),
}
MIDDLE = (
    *("ea_support", "scope", "client_uri", "strict_scopes", "use_server_scopes"),
    *("skip_server_scripts", "proxy_claims_list", "forward_scopes_to_proxy"),
    *("proxy_request_scopes", "is_service_client", "service_client_users", "rt_grace_period"),
    *("extends_provisioners", "ersatz_client", "ersatz_inherit_id_token", "prototypes"),
)
END = ("cfg", "contacts")
SHOWN_EMPTY_BY_5_5 = frozenset({"scope", "proxy_claims_list", "proxy_request_scopes"})
UNKNOWN_TO_5_5 = frozenset({"use_server_scopes"})

REFRESH, ACCESS, ID_TOKEN, CODE = 864000, 900, 900, 900  # CILogon's, as far as they are known


def registration_uri(address: str, client_id: str) -> str:
    """The client's own address; OA4MP leaves the colons and slashes of the id as they are."""
    return f"{address}?client_id={client_id}"


def client(registered: Registered, address: str, release: Release) -> dict[str, Any]:
    """All that is known of a client but its secret.

    Args:
        registered: the client.
        address: of the endpoint.
        release: whose keys, in whose order.
    """
    said: dict[str, Any] = {
        "registration_client_uri": registration_uri(address, registered.client_id),
        "client_id": registered.client_id,
    }
    said |= _part(registered, START, release)
    if registered.public:
        said |= {"token_endpoint_auth_method": "none"}
    said |= _part(registered, (*LIFETIMES[release], *MIDDLE), release)
    said["client_id_issued_at"] = registered.issued_at
    said |= _part(registered, END, release)
    # Extra attributes win over all but the id.
    return said | {name: v for name, v in registered.extra.items() if name != "client_id"}


def _part(registered: Registered, names: tuple[str, ...], release: Release) -> dict[str, Any]:
    old = release == "5.5"
    may_lack = IF_ANY - SHOWN_EMPTY_BY_5_5 if old else IF_ANY
    unknown = UNKNOWN_TO_5_5 if old else frozenset()
    settings = registered.settings
    known = {n: settings[n] for n in names if n in settings and n not in unknown}
    return {name: value for name, value in known.items() if value or name not in may_lack}


def defaults(issuer: str, release: Release) -> dict[str, Any]:
    """What the server does where a client says nothing; lifetimes in seconds."""
    said: dict[str, Any] = {
        "rt_lifetime": REFRESH,
        "at_lifetime": ACCESS,
        "id_token_lifetime": ID_TOKEN,
        "max_rt_lifetime": REFRESH,
        "max_at_lifetime": ACCESS,
        "max_id_token_lifetime": ID_TOKEN,
        "idt_max_lifetime": ID_TOKEN,
        "auth_grant_lifetime": CODE,
        "use_server_default": -1,
        "rt_lifetime_create_default": 0,
        "rt_lifetime_update_default": 0,
    }
    if release == "6.3.2":
        said |= {"api_version_default": "latest", "oa4mp_version": "6.3.2"}
        said["api_versions"] = ["latest", "v5.5", "v5.4"]
    return said | {"rtGracePeriod": 0, "issuer": issuer, "at_issuer": issuer}
