"""What fedhub and its chart take, and the only description of it.

The chart's JSON Schema and its reference are generated from these models; a field's description
is its documentation.
"""

from fedhub.hub.model.chart import ChartValues
from fedhub.hub.model.fedhub import Fedhub
from fedhub.hub.model.problems import chart_problems, validate
from fedhub.hub.model.release import Release
from fedhub.hub.model.schema import values_schema

__all__ = [
    "ChartValues",
    "Fedhub",
    "Release",
    "chart_problems",
    "validate",
    "values_schema",
]
