"""A key is added to a values file, or taken away, and nothing else of it changes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fedhub.errors import FedhubError
from fedhub.hub.amend import added, taken_away
from fedhub.hub.document import parse
from fedhub.hub.merge import plain
from tests.unit.hub.yaml_texts import maps, scalars, trees, written

VALUE = {"url": "https://x.example.org/a#b", "users": ["yes", "a: b", "é"], "on": {"empty": {}}}
WHERE = ("hub", "services", "grafana")


def values(text: str) -> Any:
    return plain(parse(text, "x.yaml"))


def with_value(before: Any, path: tuple[str, ...], value: Any) -> Any:
    after = copy.deepcopy(before)
    node = after
    for part in path[:-1]:
        node[part] = node.get(part) or {}
        node = node[part]
    node[path[-1]] = value
    return after


def only_inserted(before: str, after: str) -> bool:
    """Whether every character of one text is still there, in its order."""
    rest = iter(after)
    return all(sign in rest for sign in before)


comments = st.sampled_from(["", "# one\n", "\n", "  # two: x\n", "    # [three\n", "\n\n# end\n"])


@st.composite
def files(draw: st.DrawFn) -> str:
    """Values files in which some of the maps above the key are there."""
    inner = draw(st.sampled_from(["", "    {}\n", None]))
    if inner is None:
        inner = f"    a:{written(draw(trees(2)), 6)}\n" + draw(comments)
        inner += f"    b:{draw(scalars)}\n" if draw(st.booleans()) else ""
    services = f"  services:{draw(st.sampled_from([' # them', '']))}\n{draw(comments)}{inner}"
    hub = draw(comments) + draw(st.sampled_from([services, "", "  config: {x: 1}\n" + services]))
    hub += draw(st.sampled_from(["", "  z: |\n    text\n\n", "  z: >+\n    folded\n\n\n"]))
    rest = draw(comments) + draw(st.sampled_from(["", "other: [1]\n", "last: |-\n  x\n"]))
    inside = draw(st.sampled_from(["", "a: 1", "a: [b, c], d: {}", "a: 1,"]))
    flow = f"hub: {{services: {{{inside}}}}}\n"
    text = draw(comments) + draw(st.sampled_from([f"hub:\n{hub}", flow, ""])) + rest
    text = text if draw(st.booleans()) else text.removesuffix("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@given(files())
@example("hub:\n  z: |\n    text\n\n    # [three")
def test_the_file_says_what_it_said_and_the_new_key(text: str) -> None:
    try:
        before = values(text)
    except FedhubError:
        assume(False)
    after = added(text, "x.yaml", WHERE, VALUE)
    assert values(after) == with_value(before, WHERE, VALUE)
    assert only_inserted(text, after)
    if "{" not in text:
        assert set(text.splitlines()) <= set(after.splitlines())
    if "\r\n" in text:
        assert after.count("\r\n") == after.count("\n")


@given(files())
@example("hub:\n  z: |\n    text\n\n    # [three")
def test_what_was_added_is_taken_away_again(text: str) -> None:
    try:
        before = values(text)
    except FedhubError:
        assume(False)
    after = added(text, "x.yaml", WHERE, VALUE)
    found = values(taken_away(after, "x.yaml", WHERE))
    assert without_empty(found) == without_empty(before)


def without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    below = {key: without_empty(one) for key, one in value.items()}
    return {key: one for key, one in below.items() if one not in (None, {})}


@given(maps(trees(2)), st.data())
def test_any_key_of_any_file_is_taken_away_or_refused(tree: Any, data: st.DataObject) -> None:
    text = written(tree).lstrip("\n").strip(" ") + "\n"
    try:
        before = values(text)
    except FedhubError:
        assume(False)
    assume(before)
    key = data.draw(st.sampled_from(sorted(before)))
    try:
        after = values(taken_away(text, "x.yaml", (key,)))
    except FedhubError:
        return
    assert after == {name: value for name, value in before.items() if name != key}


def test_comments_below_a_map_stay_with_it() -> None:
    text = "services:\n  a:\n    x: 1\n    # y: 2\n  # of a\n# of other\nother: 1\n"
    assert added(text, "x.yaml", ("services", "b"), {"x": 1}) == (
        "services:\n  a:\n    x: 1\n    # y: 2\n  # of a\n  b:\n    x: 1\n# of other\nother: 1\n"
    )
    assert taken_away(text, "x.yaml", ("services", "a")) == "# of other\nother: 1\n"


def test_a_place_that_an_alias_shares_is_refused() -> None:
    text = "base: &base\n  a: 1\nhub:\n  services: *base\n"
    with pytest.raises(FedhubError) as caught:
        added(text, "x.yaml", WHERE, VALUE)
    assert str(caught.value).startswith("x.yaml:4:3: hub.services.grafana can't be written here")


def test_a_null_that_is_written_out_is_refused() -> None:
    with pytest.raises(FedhubError, match="can't be written here"):
        added("hub:\n  services: null\n", "x.yaml", WHERE, VALUE)
