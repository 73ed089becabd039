"""Finding institutions by what people remember of their names."""

from __future__ import annotations

from collections.abc import Sequence

from fedhub.idplist.entries import Entry, folded

_NEAR = 3
"""Names that are suggested where nothing was found."""


def search(among: Sequence[Entry], text: str, *, hidden: bool = False) -> list[Entry]:
    """Return the institutions that have every word of a text, the best match first.

    An entity ID in full finds that one alone, also if it is hidden.

    Args:
        among: all of them.
        text: words, or beginnings and middles of words, in any order.
        hidden: whether to find those that CILogon's own page leaves out.
    """
    exact = [one for one in among if one.entity_id == text.strip()]
    if exact:
        return exact
    wanted = folded(text).split()
    found = [
        one
        for one in among
        if (hidden or not one.hidden) and all(word in one.words for word in wanted)
    ]
    return sorted(found, key=lambda one: (*_far(one, wanted), one.name, one.entity_id))


def _far(one: Entry, wanted: list[str]) -> tuple[int, int]:
    """Return how far an institution is from what is wanted: by kind of match, then by length."""
    phrase, words = " ".join(wanted), f" {one.words}"
    if one.words.startswith(phrase):
        return 0, len(one.name)
    if f" {phrase}" in words:
        return 1, len(one.name)
    return 2 if all(f" {word}" in words for word in wanted) else 3, len(one.name)


def near(among: Sequence[Entry], text: str) -> list[Entry]:
    """Return the few institutions that come nearest to a text that finds nothing."""
    import difflib

    shown = [one for one in among if not one.hidden]
    known = {word for one in shown for word in one.words.split()}
    meant = {
        word if word in known else near_word
        for word in folded(text).split()
        for near_word in difflib.get_close_matches(word, known, n=1, cutoff=0.7) or [word]
    }

    def hits(one: Entry) -> int:
        return sum(word in one.words for word in meant)

    most = max(map(hits, shown), default=0)
    best = [one for one in shown if most and hits(one) == most]
    return sorted(best, key=lambda one: len(one.name))[:_NEAR]
