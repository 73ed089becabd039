"""What commands get is what typer itself would have made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer._coercion import build_runtime_param, resolve_type_descriptor
from typer.models import OptionInfo

from fedhub.cli.conversion import _Conversion, is_ready

TEXT = st.text()
KINDS: list[Any] = [str, list[str], Literal["text", "json"], Path, int, bool, list[Path]]
VALUES = (
    st.none()
    | TEXT
    | st.sampled_from(["text", "json"])
    | st.lists(TEXT).map(tuple)
    | st.booleans()
    | st.integers(0, 9)
)


class Parameter:
    """What a conversion asks of a parameter."""

    name, nargs = "one", 1

    def __init__(self, kind: Any) -> None:
        self.type_descriptor = resolve_type_descriptor(kind, OptionInfo())
        self.multiple = self.type_descriptor.is_list


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(value=VALUES)
def test_a_command_gets_what_typer_would_have_made_of_it(kind: Any, value: Any) -> None:
    parameter: Any = Parameter(kind)
    typers = build_runtime_param(parameter.type_descriptor)
    ours = _Conversion(parameter, lambda _: typers)
    no_context: Any = None

    def made(by: Any) -> Any:
        try:
            return by.coerce(value, parameter, no_context)
        except Exception as error:  # noqa: BLE001 - whichever it is, it must be the same
            return type(error), str(error)

    assert made(ours) == made(typers)
    assert type(made(ours)) is type(made(typers))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a", str),
        (("a", "b"), list[str]),
        ("json", Literal["text", "json"]),
        (True, bool),
        (4, int),
    ],
    ids=str,
)
def test_what_is_ready_is_taken_as_it_is(value: Any, kind: Any) -> None:
    assert is_ready(value, kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", Literal["text", "json"]),
        ("a", Path),
        ("1", int),
        (1, bool),
        (True, int),
        (("a",), list[Path]),
    ],
    ids=str,
)
def test_the_rest_is_converted(value: Any, kind: Any) -> None:
    assert not is_ready(value, kind)
