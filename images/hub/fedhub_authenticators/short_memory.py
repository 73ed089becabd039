"""Remembers a few things for a short while, in memory: never more than so many, never longer."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

V = TypeVar("V")


class ShortMemory(Generic[V]):
    """What was put there, until it is taken, too old, or crowded out by newer things.

    Args:
        seconds: how long a thing is remembered.
        most: how many things; the oldest goes first.
        clock: seconds that only grow.
    """

    def __init__(
        self, *, seconds: float, most: int, clock: Callable[[], float] = monotonic
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._things: dict[str, tuple[float, V]] = {}

    def put(self, key: str, thing: V) -> None:
        """Remember a thing."""
        self._things.pop(key, None)
        self._things[key] = (self._clock(), thing)
        self._forget()

    def take(self, key: str) -> V | None:
        """Return a thing and forget it; None where there is none."""
        self._forget()
        found = self._things.pop(key, None)
        return found[1] if found else None

    def drop(self, fits: Callable[[V], bool]) -> None:
        """Forget all things that fit."""
        for key in [key for key, (_, thing) in self._things.items() if fits(thing)]:
            del self._things[key]

    def __contains__(self, key: str) -> bool:
        self._forget()
        return key in self._things

    def __len__(self) -> int:
        self._forget()
        return len(self._things)

    def _forget(self) -> None:
        """Drop what is too old or too much; the oldest stand first."""
        oldest = self._clock() - self._seconds
        for key, (since, _) in list(self._things.items()):
            if since > oldest and len(self._things) <= self._most:
                break
            del self._things[key]
