"""Counts what failed lately, so that guessing and flooding become slow."""

from __future__ import annotations

import time
from collections.abc import Callable


class Failures:
    """How often something failed, by where it came from.

    Args:
        most: how many in a window.
        seconds: how long a window is.
        clock: seconds that only grow.
    """

    PLACES = 10_000

    def __init__(
        self, most: int = 30, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._since = float("-inf")
        self._counts: dict[str, int] = {}

    def note(self, place: str) -> None:
        """Count one."""
        self._begin_anew()
        if place in self._counts or len(self._counts) < self.PLACES:
            self._counts[place] = self._counts.get(place, 0) + 1

    def too_many(self, place: str) -> bool:
        """Return whether nothing more is taken from there for now."""
        self._begin_anew()
        return self._counts.get(place, 0) >= self._most or len(self._counts) >= self.PLACES

    def _begin_anew(self) -> None:
        if self._clock() - self._since >= self._seconds:
            self._since = self._clock()
            self._counts.clear()
