"""The same for many hubs: some at once, a line for each, and what came of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Literal

from fedhub.errors import FedhubError

State = Literal["ok", "changed", "failed", "skipped"]


@dataclass(frozen=True)
class Done:
    """What came of one hub.

    Attributes:
        hub: its name.
        state: `changed` is for a difference that was looked for; `skipped` after a failure with
            --fail-fast.
        detail: in a line.
        data: what JSON has beside this.
        code: what the command exits with for it.
    """

    hub: str
    state: State
    detail: str
    data: dict[str, Any] | None = None
    code: int = 0


def each(
    hubs: Sequence[str],
    do: Callable[[str], Done],
    *,
    at_once: int,
    fail_fast: bool = False,
) -> Iterator[Done]:
    """Do the same for hubs, and yield what came of each as soon as it is there.

    Args:
        hubs: their names.
        do: what; an error is one of that hub alone.
        at_once: how many at a time.
        fail_fast: whether no other is begun after one that failed; those under way are waited for.
    """
    left = list(hubs)
    with ThreadPoolExecutor(at_once) as pool:
        running: set[Future[Done]] = set()
        while left or running:
            while left and len(running) < at_once:
                running.add(pool.submit(_safely, do, left.pop(0)))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            failed = False
            for one in finished:
                done = one.result()
                failed = failed or done.state == "failed"
                yield done
            if failed and fail_fast:
                yield from (Done(name, "skipped", "after a failure", code=1) for name in left)
                left = []


def _safely(do: Callable[[str], Done], hub: str) -> Done:
    try:
        return do(hub)
    except FedhubError as error:
        return Done(hub, "failed", str(error), code=error.exit_code)


def summary(done: Sequence[Done]) -> str:
    """Return how many came out how."""
    states = ("ok", "changed", "failed", "skipped")
    counts = [(state, sum(one.state == state for one in done)) for state in states]
    hubs = "1 hub" if len(done) == 1 else f"{len(done)} hubs"
    return f"{hubs}: " + ", ".join(f"{count} {state}" for state, count in counts if count)


def exit_code(done: Sequence[Done]) -> int:
    """Return 0 when all is fine, 1 when something was found or failed, 2 when used wrongly."""
    return max((one.code for one in done), default=0)
