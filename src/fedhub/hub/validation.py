"""Holds what a file declares against a model, and says what is wrong with it at its place."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fedhub.errors import FedhubError, Position, Problems
from fedhub.hub.merge import KeyPath

_Model = TypeVar("_Model", bound=BaseModel)

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


def validated(
    model: type[_Model],
    declared: Any,
    position: Callable[[KeyPath], Position],
    above: KeyPath = (),
) -> _Model:
    """Return what a file declares, as a model of its own.

    Args:
        model: which.
        declared: what the file has.
        position: where a path was set.
        above: the keys that lead to it in the file.

    Raises:
        Problems: all that is wrong with it.
    """
    try:
        return model.model_validate(declared)
    except ValidationError as error:
        found = [problem(one, above, position, model) for one in errors_of(error)]
        raise Problems(found) from None


def errors_of(error: ValidationError) -> Sequence[ErrorDetails]:
    """Return what pydantic says, without what was given: it may be a secret."""
    return error.errors(include_url=False, include_input=False)


def problem(
    error: ErrorDetails,
    above: KeyPath,
    position: Callable[[KeyPath], Position],
    root: type[BaseModel],
    elsewhere: str = "",
) -> FedhubError:
    """Return one of them at its place, with what to do.

    Args:
        error: what pydantic says.
        above: the keys that lead to what it was said of.
        position: where a path was set.
        root: the model of what has no keys above it.
        elsewhere: where keys may belong that `root` has not; "" for nowhere.
    """
    path: KeyPath = (*above, *(part for part in error["loc"] if part != "[key]"))
    dotted = ".".join(map(str, path))
    if error["type"] == "extra_forbidden":
        fix = _instead_of(path, root, "" if path[1:] else elsewhere)
        return FedhubError(f"unknown key {dotted}", fix=fix, position=position(path))
    what, fix = _TYPES.get(error["type"], ("", "correct it"))
    what = what or error["msg"].removeprefix("Value error, ")
    return FedhubError(f"{dotted}: {what}", fix=fix, position=position(path))


def _instead_of(path: KeyPath, root: type[BaseModel], elsewhere: str) -> str:
    """Return what to do about a key that nothing takes."""
    known = _known_keys(path[:-1], root)
    if near := difflib.get_close_matches(str(path[-1]), known, n=1):
        return f"did you mean {near[0]}?"
    keys = f"the keys there are {', '.join(known)}"
    return f"{elsewhere}; {keys}" if elsewhere else keys


def _known_keys(path: KeyPath, root: type[BaseModel]) -> list[str]:
    """Return the keys that the model at a path has."""
    model: Any = root
    for part in path:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        # Below a map of names, the name is the next part.
        model = _model_in(fields[str(part)].annotation) if part in fields else model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """Return the model in the type of a field: `M`, `M | None`, `list[M]` or `dict[…, M]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)
