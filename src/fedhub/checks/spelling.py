"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable

LOOSE, STRICT = 0.6, 0.92
"""How alike two names must be: where the name is wrong anyway, and where it may be right."""


def nearest(name: str, candidates: Iterable[str], cutoff: float = LOOSE) -> str:
    """Return the candidate that looks most like a name; "" where none does."""
    import difflib

    by_folded = {candidate.casefold(): candidate for candidate in sorted(candidates, reverse=True)}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[near[0]] if near else ""


def did_you_mean(name: str, candidates: Iterable[str], otherwise: str) -> str:
    """Return a fix: the nearest candidate as a question, or something else."""
    near = nearest(name, candidates)
    return f"did you mean {near}?" if near else otherwise


def within_edits(first: str, second: str, limit: int) -> bool:
    """Return whether at most so many letters have to be changed, added or removed."""
    if abs(len(first) - len(second)) > limit:
        return False
    row = list(range(len(second) + 1))
    for i, left in enumerate(first, 1):
        above, row = row, [i]
        for j, right in enumerate(second, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (left != right)))
        if min(row) > limit:
            return False
    return row[-1] <= limit
