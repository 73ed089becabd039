"""Custos' messages in JSON: names in snake_case, 64-bit numbers as text, empty fields present."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from flask import request

from fedhub.idp.custos_tenants.refusals import INVALID_ARGUMENT, NOT_FOUND, RefusedError

Kind = Literal["text", "texts", "int64", "int32", "bool", "map", "status", "filter", "type"]
Fields = Mapping[str, Kind]

ENUMS: Mapping[Kind, tuple[str, ...]] = {
    "status": ("UNKNOWN", "REQUESTED", "APPROVED", "DENIED", "CANCELLED", "ACTIVE", "DEACTIVATED"),
    "filter": ("WHITELIST", "BACKLIST"),
    "type": ("UNSPECIFIED", "ADMIN"),
}
_DIGITS: Mapping[Kind, str] = {"int32": "-?[0-9]{1,9}", "int64": "-?[0-9]{1,18}"}
TENANT: Fields = {
    "tenant_id": "int64",
    "client_name": "text",
    "requester_email": "text",
    "admin_first_name": "text",
    "admin_last_name": "text",
    "admin_email": "text",
    "admin_username": "text",
    "admin_password": "text",
    "tenant_status": "status",
    "contacts": "texts",
    "redirect_uris": "texts",
    "client_uri": "text",
    "scope": "text",
    "domain": "text",
    "comment": "text",
    "logo_uri": "text",
    "parent_tenant_id": "int64",
    "application_type": "text",
    "token_endpoint_auth_method": "text",
    "jwks_uri": "text",
    "example_extension_parameter": "text",
    "tos_uri": "text",
    "policy_uri": "text",
    "jwks": "map",
    "software_id": "text",
    "software_version": "text",
    "refesh_token_lifetime": "int64",  # Custos' spelling
    "client_id": "text",
    "parent_client_id": "text",
}
ONE_TENANT: Fields = {"client_id": "text", "tenant_id": "int64"}
STATUS: Fields = {
    "client_id": "text",
    "status": "status",
    "updated_by": "text",
    "tenant_id": "int64",
    "super_tenant": "bool",
    "access_token": "text",
}
TENANTS: Fields = {
    "offset": "int32",
    "limit": "int32",
    "parent_id": "int64",
    "status": "status",
    "requester_email": "text",
    "parent_client_id": "text",
    "type": "type",
}
INSTITUTIONS: Fields = {
    "tenant_id": "int64",
    "institution_ids": "texts",
    "type": "filter",
    "performedBy": "text",
}


def empty(kind: Kind) -> Any:
    """What a field is that nobody set."""
    plain: Mapping[Kind, Any] = {"texts": [], "map": {}, "bool": False, "int32": 0, "int64": "0"}
    return ENUMS[kind][0] if kind in ENUMS else plain.get(kind, "")


def shown(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    """A message, whole."""
    return {name: values.get(name, empty(kind)) for name, kind in fields.items()}


def asked(fields: Fields, *, body_of: Fields | None = None) -> dict[str, Any]:
    """The request message: from the query and a JSON body, as the gateway puts them together.

    Args:
        fields: of the message.
        body_of: the fields of the body, where it is a message of its own.

    Raises:
        RefusedError: something is not of the message.
    """
    said = _from_query(fields)
    if request.get_data():
        given = request.get_json(force=True, silent=True)
        if not isinstance(given, dict):
            raise _malformed("Expect message object but got something else")
        inside = {n: _read(n, v, body_of or fields) for n, v in _named(given)}
        said = inside | said if body_of is None else said | {"body": inside}
    return said


def _from_query(fields: Fields) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name in request.args:
        if fields.get(name, "map") == "map":
            raise RefusedError(NOT_FOUND, f"Could not find field {name!r}")
        given: Any = request.args.getlist(name)
        said[name] = _read(name, given if fields[name] == "texts" else given[-1], fields)
    return said


def _named(given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Fields by their own names; JSON may also have them in camelCase."""
    snake = ((re.sub("(?<=[a-z])([A-Z])", r"_\1", name).lower(), name) for name in given)
    return [(name if name == "performedBy" else own, given[name]) for own, name in snake]


def _read(name: str, value: Any, fields: Fields) -> Any:
    if name not in fields:
        raise _malformed(f"({name}): Cannot find field.")
    kind = fields[name]
    if value is None:
        return empty(kind)
    if not _fits(kind, value):
        raise _malformed(f"({name}): invalid value for type {kind}")
    if kind == "bool":
        return value in (True, "true")
    return int(value) if kind == "int32" else str(value) if kind == "int64" else value


def _fits(kind: Kind, value: Any) -> bool:
    if kind in ENUMS:
        return value in ENUMS[kind]
    if kind == "texts":
        return isinstance(value, list) and all(_is_text(one) for one in value)
    if kind == "map":
        return isinstance(value, dict) and all(_is_text(one) for one in value.values())
    if kind == "bool":
        return value in (True, False, "true", "false")
    if kind in _DIGITS:
        return re.fullmatch(_DIGITS[kind], str(value), re.ASCII) is not None
    return _is_text(value)


def _is_text(value: Any) -> bool:
    """Whether it is text that UTF-8 can write; JSON can spell half a character."""
    return isinstance(value, str) and value.encode("utf-8", "replace").decode() == value


def _malformed(words: str) -> RefusedError:
    return RefusedError(INVALID_ARGUMENT, words)
