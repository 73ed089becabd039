"""Values files that Hypothesis makes up, in block and flow style, of scalars that mislead."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_PLAIN = """
y Y n N yes Yes YES no No NO on On ON off Off OFF true True TRUE false False FALSE
~ null Null NULL nULL tRUE oN yEs
0 1 -1 +1 017 0o17 0O17 -0o17 08 0x1F 0X1f -0x1f 0b11 0B11 -0b11 0b-11 0b+1 0b2 0o8
1_000 1__0 1_ _1 -_1 0x_1 0_x1 0_7 1:30 190:20:30 1_0.5 1._5 .5_0 ._5 .5__0 .5_
.5 -.5 +.5 1. 1.0 -0.0 -0 1e3 1E3 1e+3 1e-3 .5e3 1e 1e400 .5e400 1.e3 0.1_2 1e_3
9007199254740993 9223372036854775807 9223372036854775808 -9223372036854775808
-9223372036854775809 18446744073709551615 18446744073709551616 +9223372036854775808
2001-01-01 2001-01-01T00:00:00Z 2001 <<< infinity nan .na Infinity 1.2.3 v1.0 1e3e3
0x 0b 0o 0. . .. + - -- -. 1-2 00 000 -017 0xFFFFFFFFFFFFFFFF 0x1FFFFFFFFFFFFFFFF
"""
PLAIN = _PLAIN.split()
QUOTED = ["'yes'", '"1"', "''", '""', "'it''s'", '"a\\nb"', '"\\u00e9"', '"\\x41"', "'<<'", "'~'"]
TAGGED = ["!!str 12", "!!str yes", "!!int 7", "!!float 3", "!!bool on", "!!null ''", "!other 5"]
TAGGED += ['!!int "12"', "!!binary aGVsbG8=", "!!str", "!!timestamp 2001-01-01", "!!float 1e3"]

letters = st.text("abcxyzé中_/", min_size=1, max_size=4)
digits = st.text("0123456789_.eE+-xob", min_size=1, max_size=8).filter(
    lambda text: text not in {"-", "..."} and not text.startswith("---") and text[-1] != "-"
)
scalars = st.one_of(
    st.sampled_from(PLAIN), st.sampled_from(QUOTED), st.sampled_from(TAGGED), letters, digits
).filter(lambda text: text not in {"-", "--", "---"})

_WORD_KEYS = ["a", "b", "c", "yes", "no", "on", "1", "0x1", "1.5", "1e6", "true", "'1'", "'<<'"]
_LONG_KEYS = ["3.14159265358979", "1234567.0", "2001-01-01", "-0.0", "1e-5", "017", "1e40", ".5"]
keys = st.sampled_from(_WORD_KEYS + _LONG_KEYS)


def trees(depth: int = 3) -> st.SearchStrategy[Any]:
    """Trees of ("map", flow, entries), ("list", flow, entries) and scalar texts."""
    if depth == 0:
        return scalars
    below = trees(depth - 1)
    return st.one_of(
        scalars,
        maps(below),
        st.tuples(st.just("list"), st.booleans(), st.lists(below, max_size=3)),
    )


def maps(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Maps whose keys are distinct however they are read."""
    entries = st.lists(st.tuples(keys, below), max_size=4, unique_by=lambda entry: _read(entry[0]))
    return st.tuples(st.just("map"), st.booleans(), entries)


def _read(key: str) -> str:
    same = {"0x1": "1", "'1'": "1", "yes": "true", "on": "true", "no": "false"}
    return same.get(key, key)


def written(tree: Any, indent: int = 0, flow: bool = False) -> str:
    """The YAML text of a tree, to stand behind `key:` or `-`."""
    if isinstance(tree, str):
        return f" {tree}"
    kind, in_flow, entries = tree
    if flow or in_flow or not entries:
        opening, closing = "{}" if kind == "map" else "[]"
        if kind == "map":
            parts = [f"{key}:{written(below, 0, True)}" for key, below in entries]
        else:
            parts = [written(below, 0, True).strip() for below in entries]
        return f" {opening}{' , '.join(parts)} {closing}"
    pad = "\n" + " " * indent
    if kind == "map":
        return "".join(f"{pad}{key}:{written(below, indent + 2)}" for key, below in entries)
    return "".join(f"{pad}-{written(below, indent + 2)}" for below in entries)
