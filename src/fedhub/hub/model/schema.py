"""The JSON Schema of the chart's values, made from the models.

Helm holds values against it before it renders anything, and editors complete keys with it. It is
draft 7, which every Helm 3 and every editor knows, and plain: no references and no `anyOf` for
what may be null, of which Helm says only that none of them fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedhub.hub.model.chart import ChartValues


def values_schema() -> dict[str, Any]:
    """Return the schema of a values file of the chart."""
    schema = ChartValues.model_json_schema(by_alias=True)
    plain: dict[str, Any] = _plain(schema, schema.get("$defs", {}))
    return {"$schema": "http://json-schema.org/draft-07/schema#", **plain}


def _plain(schema: Any, models: Mapping[str, Any]) -> Any:
    """Return a schema with every model where it is used, and null allowed below every key."""
    if "$ref" in schema:
        model = models[schema["$ref"].rpartition("/")[2]]
        about = {key: value for key, value in schema.items() if key != "$ref"}
        return _plain({**model, **about}, models)
    if "anyOf" in schema:
        (wanted,) = (one for one in schema["anyOf"] if one.get("type") != "null")
        about = {key: value for key, value in schema.items() if key != "anyOf"}
        return _plain({**wanted, **about}, models)
    found = {
        key: value
        for key, value in schema.items()
        if key not in {"title", "$defs"} and not (key == "default" and value is None)
    }
    for key in ("properties", "patternProperties"):
        if key in found:
            entries = found[key].items()
            found[key] = {name: _nullable(_plain(below, models)) for name, below in entries}
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), Mapping):
            found[key] = _plain(found[key], models)
    return found


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that takes null too, which is how Helm's values take a key back."""
    found = dict(schema)
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    return found
