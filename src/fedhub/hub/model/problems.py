"""Holds values against the models, and says what is wrong with them at its place."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fedhub.errors import FedhubError, Position, Problems
from fedhub.hub.merge import KeyPath
from fedhub.hub.model.fedhub import Fedhub


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
        problems = [
            _problem(one["type"], one["msg"], one["loc"], position)
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise Problems(problems) from None


_TYPES = {
    "string_type": ("must be text", "put quotes round it"),
    "bool_type": ("must be true or false", "write one of them, without quotes"),
    "list_type": ("must be a list", "write its entries as `- …` lines"),
    "dict_type": ("must be a map", "write `key: value` lines below it"),
    "model_type": ("must be a map", "write `key: value` lines below it"),
    "string_too_short": ("must not be empty", "fill it in, or remove the key"),
    "missing": ("is missing", "add it"),
    "value_error": ("", "correct it"),
    "literal_error": ("", "write one of these"),
}


def _problem(
    kind: str, message: str, place: KeyPath, position: Callable[[KeyPath], Position]
) -> FedhubError:
    path = tuple(part for part in place if part != "[key]")
    dotted = ".".join(("global", "fedhub", *map(str, path)))
    if kind == "extra_forbidden":
        known = _known_keys(path[:-1])
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        fix = f"did you mean {near[0]}?" if near else f"the keys there are {', '.join(known)}"
        return FedhubError(f"unknown key {dotted}", fix=fix, position=position(path))
    what, fix = _TYPES.get(kind, ("", "correct it"))
    what = what or message.removeprefix("Value error, ")
    return FedhubError(f"{dotted}: {what}", fix=fix, position=position(path))


def _known_keys(path: KeyPath) -> list[str]:
    """Return the keys that the model at a path below `global.fedhub` has."""
    model: Any = Fedhub
    for part in path:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        # Below a map of names, the name is the next part.
        model = _model_in(fields[part].annotation) if part in fields else model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """Return the model in the type of a field: `M`, `M | None`, `list[M]` or `dict[…, M]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)
