"""Hands on what is ready: text as it was typed, flags, and numbers that nobody typed.

Typer converts every value with pydantic, also text to text, and loading pydantic takes longer than
most commands do. All else still goes that way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from typer.core import TyperArgument, TyperOption

if TYPE_CHECKING:
    from collections.abc import Callable


def keep_text_as_it_is() -> None:
    """Have typer convert only what has to be."""
    for kind in (TyperArgument, TyperOption):
        kind.get_runtime_param = _runtime_param(kind.get_runtime_param)  # type: ignore[method-assign]  # on purpose


def _runtime_param(original: Callable[[Any], Any]) -> Any:
    return lambda parameter: _Conversion(parameter, original)


class _Conversion:
    """Takes the place of typer's own `RuntimeParam`.

    Args:
        parameter: of the command line.
        original: gives typer's own.
    """

    def __init__(self, parameter: Any, original: Callable[[Any], Any]) -> None:
        self._parameter = parameter
        self._original = original

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return what the command gets."""
        wanted = self._parameter.type_descriptor.annotation
        if value is None:
            return () if get_origin(wanted) is list else None
        if is_ready(value, wanted):
            return list(value) if isinstance(value, tuple) else value
        return self._original(self._parameter).coerce(value, param, ctx)


def is_ready(value: Any, annotation: Any) -> bool:
    """Return whether a value from the command line is already of the type that is wanted.

    Args:
        value: text, a flag or a number, or several texts.
        annotation: the type.
    """
    if get_origin(annotation) is Literal:
        return value in get_args(annotation)
    if isinstance(value, list | tuple):
        return annotation == list[str] and all(type(one) is str for one in value)
    return annotation in (str, bool, int) and type(value) is annotation
