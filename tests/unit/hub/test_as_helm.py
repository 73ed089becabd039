"""What fedhub reads from values files is what Helm reads."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedhub.errors import FedhubError
from fedhub.hub import load_hub
from fedhub.hub.document import parse
from fedhub.hub.merge import plain
from tests.unit.hub import helm
from tests.unit.hub.yaml_texts import PLAIN, QUOTED, TAGGED, maps, scalars, trees, written

CASES_IN_A_RUN = 20
stacks = st.lists(trees(), min_size=1, max_size=3)
"""One value in the first file, what the second says of it, what the third does."""


@settings(max_examples=110)
@given(cases=st.lists(stacks, min_size=CASES_IN_A_RUN, max_size=CASES_IN_A_RUN))
def test_files_merge_as_helm_merges_them(cases: list[list[Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = []
        for layer in range(3):
            lines = [
                f"case{number}:{written(stack[layer], 2)}\n"
                for number, stack in enumerate(cases)
                if layer < len(stack)
            ]
            files.append(folder / f"{layer}.yaml")
            files[-1].write_text("".join(lines), encoding="utf-8")
        ours = load_hub(str(files[0]), extra=files[1:]).values
        theirs = helm.merged(files, folder)
    for case in theirs.keys() | ours.keys():
        assert helm.same(ours[case], theirs[case]), case


@settings(max_examples=60)
@given(parent=maps(trees(2)), sub=maps(trees(2)))
def test_globals_reach_z2jh_as_helm_hands_them_to_a_subchart(parent: Any, sub: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "x.values.yaml"
        text = f"global:{written(parent, 2)}\njupyterhub:\n  a: 1\n  global:{written(sub, 4)}\n"
        file.write_text(text, encoding="utf-8")
        ours, theirs = load_hub(str(file)).z2jh, helm.of_subchart([file], Path(name))
    assert helm.same(ours, theirs)


@pytest.mark.parametrize(
    "text",
    [
        "global: {a: {b: 1}}\njupyterhub:\n  hub: {}\n",
        "global: {a: 1}\njupyterhub: {global: {a: {b: 1}}}\n",
        "global: {a: {b: 1}}\njupyterhub: {global: {a: 1}}\n",
        "global: {a: {b: null, c: null}}\njupyterhub: {global: {a: {b: 1, d: null}}}\n",
        "global: {a: null}\njupyterhub: {global: {a: 1, b: null}}\n",
        "jupyterhub: {global: {a: 1}}\n",
        "jupyterhub: {hub: {config: null}}\n",
        "jupyterhub: {}\n",
    ],
)
def test_what_a_wrapped_z2jh_receives(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(text)
    ours, theirs = dict(load_hub(str(file)).z2jh), helm.of_subchart([file], tmp_path)
    # Helm gives every subchart a `global`, be it empty.
    ours.setdefault("global", {})
    assert helm.same(ours, theirs)


def test_every_misleading_scalar_reads_as_in_helm(tmp_path: Path) -> None:
    texts = [f"a: {scalar}\n" for scalar in (*PLAIN, *QUOTED, *TAGGED)]
    assert _differences(texts, tmp_path) == []


def test_every_merge_key_reads_as_in_helm(tmp_path: Path) -> None:
    below = [
        "{a: 2, <<: *b}",
        "{<<: *b, a: 2}",
        "{<<: [*b, {a: 9, c: 9}], z: {r: 1}}",
        "{z: {r: 1}, <<: *b}",
        "{<<: {a: 1}, <<: {c: 1}}",
        "{!!merge <<: *b}",
        "{'<<': *b}",
        "{!!str <<: *b}",
        "{<<: [*b, 1]}",
        "[<<]",
        "<<",
    ]
    texts = [f"b: &b {{a: 1, z: {{q: 1}}}}\nc: {one}\n" for one in below]
    assert _differences(texts, tmp_path) == []


def test_numbers_are_what_json_leaves_of_them() -> None:
    numbers = plain(parse("a: [9007199254740993, 1.0, 1e3, -0.5]\n", "x.yaml"))["a"]
    assert numbers == [9007199254740992, 1, 1000, -0.5]
    assert [type(number) for number in numbers] == [int, int, int, float]


@settings(max_examples=30)
@given(cases=st.lists(scalars, min_size=40, max_size=40))
def test_any_scalar_reads_as_in_helm(cases: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        assert _differences([f"a: {scalar}\n" for scalar in cases], Path(name)) == []


@settings(max_examples=30)
@given(cases=st.lists(st.floats(1e-9, 1e25), min_size=40, max_size=40))
def test_a_number_as_key_reads_as_in_helm(cases: list[float]) -> None:
    with tempfile.TemporaryDirectory() as name:
        assert _differences([f"{number!r}: 1\n" for number in cases], Path(name)) == []


_PIECES = [
    "a",
    "b",
    "1",
    ": ",
    ":\n",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "# c",
]
_PIECES += [
    "'",
    '"',
    "|\n  ",
    ">-\n  ",
    "&x ",
    "*x",
    "!!str ",
    "? ",
    "<<: ",
    "~",
    "\t",
    "\r\n",
    " ",
]
_PIECES += ["%", "@", "`", "---\n", "...\n", "\\", "é", "\u0085", "\u2028", "\ufeff", "😀"]
YAMLISH = st.lists(st.sampled_from(_PIECES), max_size=14).map("".join)


@settings(max_examples=20)
@given(cases=st.lists(YAMLISH, min_size=30, max_size=30))
def test_any_text_reads_as_in_helm_or_is_refused(cases: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        assert _differences([f"a: {case}\n" for case in cases], Path(name)) == []


STRICTER = (
    "stands twice in the same map",
    "Helm reads no other",
    "U+FEFF",
    "is not text in base64",
)
"""What fedhub refuses although Helm reads it: there a mistake would go unseen."""


def _differences(texts: list[str], folder: Path) -> list[tuple[str, Any, Any]]:
    found = []
    theirs = helm.read_each([text.encode() for text in texts], folder)
    for text, judged in zip(texts, theirs, strict=True):
        try:
            ours = plain(parse(text, "x.yaml"))
        except FedhubError as error:
            if "Error" not in judged and not any(why in error.message for why in STRICTER):
                found.append((text, str(error), judged))
            continue
        if not helm.same(ours, judged):
            found.append((text, ours, judged))
    return found
