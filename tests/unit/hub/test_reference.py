"""The reference and the schema are what the model says."""

from __future__ import annotations

import jsonschema

from fedhub.hub import load_hub
from fedhub.hub.model import json_schema
from tests.previews import EXAMPLES, ROOT
from tools.generate_reference import PAGE, SCHEMA, reference, schema_text


def test_the_reference_is_generated_from_the_model() -> None:
    assert PAGE.read_text() == reference(), "run tools/generate_reference.py"
    assert SCHEMA.read_text() == schema_text(), "run tools/generate_reference.py"


def test_the_examples_are_valid_by_the_schema() -> None:
    for name in EXAMPLES:
        declared = load_hub(name, folder=ROOT / "values").get("global", "fedhub")
        if declared is not None:
            jsonschema.validate(declared, json_schema())
