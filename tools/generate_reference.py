"""Write the reference of `global.fedhub`, and its JSON Schema for editors, from the model.

    .venv/bin/python tools/generate_reference.py

`tests/unit/hub/test_reference.py` fails while they are not what the model says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fedhub.hub.model import json_schema

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "reference.md"
SCHEMA = DOCS / "schema" / "fedhub.schema.json"

HEAD = """\
# Reference of `global.fedhub`

Generated from the model by `tools/generate_reference.py`. Everything else in a values file is
z2jh's own. Unknown keys are errors. [`schema/fedhub.schema.json`](schema/fedhub.schema.json)
describes the same for editors.
"""


def reference() -> str:
    """Return the page."""
    schema = json_schema()
    sections = [HEAD, *_section("global.fedhub", schema, schema)]
    return "\n".join(sections)


def schema_text() -> str:
    """Return the JSON Schema as it is kept."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _section(path: str, model: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    yield f"## `{path}`\n\n{model.get('description', '')}\n"
    yield "| key | type | default | |\n|---|---|---|---|"
    required = model.get("required", [])
    below = []
    for key, field in model["properties"].items():
        kind, inner = _kind(field, schema)
        default = "required" if key in required else _default(field)
        yield f"| `{key}` | {kind} | {default} | {field.get('description', '')} |"
        if inner:
            below.append((f"{path}.{key}" + (".<name>" if kind == "map of names" else ""), inner))
    yield ""
    for name, inner in below:
        yield from _section(name, inner, schema)


def _kind(field: dict[str, Any], schema: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """Return what a field holds, in words, and the model of what is below it."""
    if "$ref" in field:
        return "map", schema["$defs"][field["$ref"].rpartition("/")[2]]
    if "anyOf" in field:
        return _kind(next(kind for kind in field["anyOf"] if kind.get("type") != "null"), schema)
    if field.get("type") == "array":
        return "list of strings", None
    if field.get("type") == "object":
        entries = [
            *(field.get("patternProperties") or {}).values(),
            field.get("additionalProperties"),
        ]
        for entry in entries:
            if isinstance(entry, dict) and entry:
                return "map of names", _kind(entry, schema)[1]
        return "map", None
    return str(field.get("type", "any")), None


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if default is None else f"`{json.dumps(default)}`"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(schema_text(), encoding="utf-8")
