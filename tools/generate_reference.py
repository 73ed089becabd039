"""Write the chart's JSON Schema and its README, the reference of all values, from the models.

    .venv/bin/python tools/generate_reference.py

`tests/unit/hub/test_reference.py` fails while they are not what the models say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fedhub.hub.model import values_schema

CHART = Path(__file__).resolve().parent.parent / "charts" / "fedhub"
PAGE = CHART / "README.md"
SCHEMA = CHART / "values.schema.json"

HEAD = """\
# The fedhub chart

[zero-to-jupyterhub](https://z2jh.jupyter.org) with federated login: one values file, and a
JupyterHub that a federation's people can log in to. Everything of z2jh is there, under
`jupyterhub`; what this chart adds is below.

[How to install](../../docs/install.md) has the commands; `ci/` has values for each situation.

The tables are generated from the models of `src/fedhub/hub/model/` by
`tools/generate_reference.py`, and `values.schema.json` with them. Unknown keys are errors.
"""


def reference() -> str:
    """Return the page."""
    return "\n".join([HEAD, *_section("", values_schema())])


def schema_text() -> str:
    """Return the JSON Schema as it is kept."""
    return json.dumps(values_schema(), indent=2) + "\n"


def _section(path: str, model: dict[str, Any]) -> Iterator[str]:
    title = f"`{path}`" if path else "Values"
    yield f"## {title}\n\n{model.get('description', '')}\n"
    yield "| key | type | default | |\n|---|---|---|---|"
    required = model.get("required", [])
    below = []
    for key, field in model["properties"].items():
        default = "required" if key in required else _default(field)
        yield f"| `{key}` | {_kind(field)} | {default} | {field.get('description', '')} |"
        inner, suffix = _inner(field)
        if inner:
            below.append((f"{path}.{key}".lstrip(".") + suffix, inner))
    yield ""
    for name, inner in below:
        yield from _section(name, inner)


def _kind(field: dict[str, Any]) -> str:
    """Return what a field holds, in words."""
    if "enum" in field:
        return " or ".join(f"`{one}`" for one in field["enum"] if one is not None)
    kind = next(one for one in field["type"] if one != "null")
    if kind == "array":
        items = field["items"]
        return "list of maps" if items.get("type") == "object" else "list of strings"
    if kind == "object":
        return "map of names" if _inner(field)[1] else "map"
    return str(kind)


def _inner(field: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Return the model of what is below a field, and what its path goes on with."""
    if "properties" in field:
        return field, ""
    if "properties" in field.get("items", {}):
        return field["items"], "[]"
    for entry in field.get("patternProperties", {}).values():
        return entry, ".<name>"
    return None, ""


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if default is None else f"`{json.dumps(default)}`"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")
