"""The reference and the schema are what the model says."""

from __future__ import annotations

import jsonschema
from fedhub_authenticators.configuration import KEYS

from fedhub.hub import load_hub
from fedhub.hub.load import _CHART_ONLY
from fedhub.hub.model import Fedhub, values_schema
from fedhub.hub.model.chart import CHART_ONLY
from tests.previews import EXAMPLES, ROOT
from tools.generate_reference import PAGE, SCHEMA, reference, schema_text


def test_the_reference_is_generated_from_the_model() -> None:
    assert PAGE.read_text() == reference(), "run tools/generate_reference.py"
    assert SCHEMA.read_text() == schema_text(), "run tools/generate_reference.py"


def test_the_examples_for_the_chart_are_valid_by_the_schema() -> None:
    for name in EXAMPLES:
        hub = load_hub(name, folder=ROOT / "values")
        if hub.get("global", "fedhub") is not None:
            jsonschema.Draft7Validator(values_schema()).validate(hub.values)


def test_the_keys_that_tell_the_charts_values_from_z2jhs_are_the_models() -> None:
    assert _CHART_ONLY == CHART_ONLY


def test_the_hub_takes_what_the_model_has() -> None:
    fields = Fedhub.model_fields.items()
    assert {field.alias or name for name, field in fields} == KEYS
