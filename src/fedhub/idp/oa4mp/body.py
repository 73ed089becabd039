"""What a POST or a PUT asks for, checked in OA4MP's order and refused in its words.

Each check takes what it understands out of the body; what is left are extra attributes. Where Java
would throw at a value of the wrong type, the answer is a plain 500.
"""

from __future__ import annotations

import json
import re
from typing import Any

from fedhub.idp.oa4mp.replies import RefusalError, broken, invalid

Body = dict[str, Any]

GRANTS = (
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
LIFETIMES = (
    "rt_lifetime",
    "max_rt_lifetime",
    "at_lifetime",
    "max_at_lifetime",
    "id_token_lifetime",
    "max_id_token_lifetime",
)
SERVER_DEFAULT = -1
NO_REFRESH_TOKEN = 0
TAKEN_FLAGS = (
    ("strict_scopes", True),
    ("use_server_scopes", False),
    ("skip_server_scripts", False),
    ("forward_scopes_to_proxy", False),
    ("is_service_client", False),
)
TAKEN_LISTS = ("proxy_claims_list", "proxy_request_scopes", "service_client_users")
LEFT_FLAGS = (
    ("extends_provisioners", False),
    ("ersatz_client", False),
    ("ersatz_inherit_id_token", True),
    ("ea_support", False),
)
"""Understood, and kept among the extra attributes too."""


def parse(raw: bytes) -> Body:
    """The JSON object in a request.

    Raises:
        RefusalError: there is none.
    """
    # OA4MP reads line by line and joins the lines with nothing between them.
    text = re.sub(r"[\r\n]", "", raw.decode("utf-8", "replace"))
    if not text:
        raise broken("There is no content for this request")
    try:
        body = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise broken("Invalid JSON String") from None
    if isinstance(body, list):
        raise broken("incorrect argument. Not a valid JSON request")
    if not isinstance(body, dict):
        raise broken("Invalid JSON String")
    return body


def read(body: Body, *, new: bool, public: bool = False) -> tuple[bool, Body, Body]:
    """Check a registration.

    Args:
        body: what was sent; what is understood is taken out of it.
        new: whether it is a new client.
        public: whether an old client is public.

    Returns:
        Whether it is public, the settings with their defaults, and the extra attributes.

    Raises:
        RefusalError: it is not accepted.
    """
    if "application_type" in body and text(body, "application_type") != "web":
        raise invalid("Unsupported application type")
    body.pop("application_type", None)
    settings: Body = {"grant_types": _grants(body), "response_types": _response_types(body)}
    settings["redirect_uris"] = _redirect_uris(body)
    if "client_name" not in body:
        raise invalid("no client name")
    settings["client_name"] = text(body, "client_name")
    settings["client_uri"] = text(body, "client_uri") if "client_uri" in body else ""
    public, keys = _authentication(body, new=new, public=public)
    settings |= keys
    settings |= {name: _flag(body, name, default) for name, default in TAKEN_FLAGS}
    if keys:
        settings["is_service_client"] = True
    settings["scope"] = _scope(body, public=public)
    settings["contacts"] = words(body, "contacts")[:1] or [""]
    settings["cfg"] = _cfg(body, public=public)
    settings |= _lifetimes(body, refreshes="refresh_token" in settings["grant_types"])
    settings |= {name: _list(body, name) for name in TAKEN_LISTS}
    settings |= {name: _flag(body, name, default) for name, default in LEFT_FLAGS}
    settings["prototypes"] = words(body, "prototypes")
    settings["rt_grace_period"] = _lifetime(body, "rt_grace_period", SERVER_DEFAULT)
    understood = settings.keys() - {name for name, _ in LEFT_FLAGS}
    understood -= {"prototypes", "rt_grace_period"}
    understood |= {"token_endpoint_auth_method", "description"}
    return public, settings, {n: v for n, v in body.items() if n not in understood}


def text(body: Body, key: str) -> str:
    """A text.

    Raises:
        RefusalError: it is none.
    """
    if not isinstance(body[key], str):
        raise broken(f'JSONObject["{key}"] is not a string.')
    found: str = body[key]
    return found


def words(body: Body, key: str) -> list[str]:
    """An array of texts, or words with blanks between them, each once (OA4MP's `toJA`).

    Raises:
        RefusalError: it is neither.
    """
    given = body.get(key, [])
    if given == {}:
        return []
    if isinstance(given, str):
        return list(dict.fromkeys(given.split(" "))) if given.strip(" ") else []
    if not isinstance(given, list):
        raise broken("Null pointer")
    if not all(isinstance(one, str) for one in given):
        raise broken(f'JSONObject["{key}"] is not a string.')
    return list(dict.fromkeys(given))


def _grants(body: Body) -> list[str]:
    grants = words(body, "grant_types")
    if not set(grants) <= set(GRANTS):
        raise invalid("unsupported grant type", "registration_not_supported")
    return grants


def _response_types(body: Body) -> list[str]:
    types = words(body, "response_types")
    wrong = "code" not in types or "token" in types
    if types and (wrong or (len(types) > 1 and "id_token" not in types)):
        raise invalid("unsupported response type", "unsupported_response_type")
    return types


def _redirect_uris(body: Body) -> list[str]:
    uris = _list(body, "redirect_uris")
    for uri in uris:
        if not isinstance(uri, str):
            raise invalid(f' illegal redirect uri "{_java(uri)}" ')
        if "*" in uri:
            raise invalid(f'wildcards not allows in redirect uri "{uri}" ')
    return uris


def _list(body: Body, key: str) -> list[Any]:
    """An array, or one text in place of it (OA4MP's `toJSONArray`)."""
    given = body.get(key, [])
    if isinstance(given, list):
        return given
    if isinstance(given, str):
        return [given]
    if given == {}:
        return []
    if isinstance(given, dict):
        raise broken("Null pointer")
    raise invalid(f"cannot interpret {key}, got {_java(given)}")


def _authentication(body: Body, *, new: bool, public: bool) -> tuple[bool, Body]:
    """Whether the client is public, and its keys where it has some."""
    if "token_endpoint_auth_method" not in body:
        return public, {}
    method = text(body, "token_endpoint_auth_method")
    keys: Body = {key: body[key] for key in ("jwks_uri", "jwks") if key in body}
    if method == "none":
        if not new and not public:
            raise _object("cannot change from a confidential to a public client")
        return True, {}
    if method in SECRET_METHODS:
        if not new and public:
            raise _object("cannot change from a public to a confidential client")
        return False, {}
    if method == "private_key_jwt" and keys:
        if not isinstance(keys.get("jwks_uri", ""), str) or not isinstance(
            keys.get("jwks", {}), dict
        ):
            raise broken("the keys of the client can't be read")
        return public, keys
    raise _object(f'unsupported token endpoint authorization method "{method}"')


def _scope(body: Body, *, public: bool) -> list[str]:
    scopes = words(body, "scope")
    if public and "scope" in body:
        if "openid" not in scopes:
            raise _object("cannot decrease scope on a public client.")
        if len(scopes) > 1 and "offline_access" not in scopes:
            raise _object("cannot increase scopes on a public client.")
    return scopes


def _cfg(body: Body, *, public: bool) -> Body:
    if "cfg" not in body:
        return {}  # an update without it takes it away
    if public:
        raise _object("custom configurations not permitted in public clients.")
    cfg = body["cfg"]
    if not isinstance(cfg, dict):
        raise broken('JSONObject["cfg"] is not a JSONObject.')
    if "qdl" in json.dumps(cfg).lower():
        raise _object("QDL scripting is not allowed for this client.")
    return cfg


def _lifetimes(body: Body, *, refreshes: bool) -> dict[str, int]:
    found = {name: _lifetime(body, name, SERVER_DEFAULT) for name in LIFETIMES}
    if "rt_lifetime" not in body and not refreshes:
        found["rt_lifetime"] = NO_REFRESH_TOKEN
    return found


def _lifetime(body: Body, key: str, default: int) -> int:
    """Seconds, as a number or in digits."""
    given = body.get(key, default)
    if isinstance(given, str) and re.fullmatch("-?[0-9]{1,18}", given, re.ASCII):
        return int(given)
    if isinstance(given, bool) or not isinstance(given, int) or abs(given) >= 2**63:
        raise broken(f"{key} is not a number of seconds")
    return given


def _flag(body: Body, key: str, default: bool) -> bool:
    given = body.get(key, default)
    if given in ("true", "false"):
        return bool(given == "true")
    if not isinstance(given, bool):
        raise broken(f'JSONObject["{key}"] is not a Boolean.')
    return given


def _object(words: str) -> RefusalError:
    return invalid(words, "invalid_request_object")


def _java(value: Any) -> str:
    """A JSON value as Java's `toString` writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
