"""Holds a hub's values against the models, and says what is wrong with them at its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from fedhub.errors import FedhubError, Position, Problems
from fedhub.hub.merge import KeyPath
from fedhub.hub.model.chart import ChartValues
from fedhub.hub.model.fedhub import Fedhub
from fedhub.hub.validation import errors_of, problem

_FEDHUB: KeyPath = ("global", "fedhub")
_ELSEWHERE = "z2jh's own belong below jupyterhub"


def validate(declared: Any, position: Callable[[KeyPath], Position]) -> Fedhub:
    """Return the model of what stands under `global.fedhub`.

    Args:
        declared: the value of `global.fedhub`.
        position: where a path below `global.fedhub` was set.

    Raises:
        Problems: all that is wrong with it, in the order of the files.
    """
    try:
        return Fedhub.model_validate(declared)
    except ValidationError as error:
        raise Problems(
            [
                problem(one, _FEDHUB, lambda path: position(path[2:]), ChartValues)
                for one in errors_of(error)
            ]
        ) from None


def chart_problems(values: Any, position: Callable[[KeyPath], Position]) -> list[FedhubError]:
    """Return what is wrong with a values file of the chart, but for `global.fedhub`.

    That is what Helm would say of it by the chart's schema, and more plainly.

    Args:
        values: all of the hub's values.
        position: where a path in them was set.
    """
    try:
        ChartValues.model_validate(values)
    except ValidationError as error:
        found = [one for one in errors_of(error) if one["loc"][:2] != _FEDHUB]
        return [problem(one, (), position, ChartValues, _ELSEWHERE) for one in found]
    return []
