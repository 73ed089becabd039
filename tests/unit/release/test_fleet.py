"""The same for many hubs: no more at once than asked for, and each has what came of it."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedhub.errors import FedhubError, UsageError
from fedhub.release.fleet import Done, each, exit_code, summary

OUTCOMES = st.lists(st.sampled_from(["ok", "changed", "failed"]), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(outcomes=OUTCOMES, at_once=st.integers(1, 5), fail_fast=st.booleans())
@example(outcomes=["failed", "ok", "ok"], at_once=1, fail_fast=True)
def test_every_hub_is_told_of_once(outcomes: list[str], at_once: int, fail_fast: bool) -> None:
    begun: list[str] = []

    def do(hub: str) -> Done:
        begun.append(hub)
        outcome = outcomes[int(hub)]
        if outcome == "failed":
            raise FedhubError("no")
        return Done(hub, outcome, "", code=int(outcome == "changed"))  # type: ignore[arg-type]

    hubs = [str(number) for number in range(len(outcomes))]
    done: list[Done] = []
    for one in each(hubs, do, at_once=at_once, fail_fast=fail_fast):
        done.append(one)
        assert len(begun) < at_once + len(done)  # no other begins before one is told of
    assert sorted(one.hub for one in done) == sorted(hubs)
    states = {one.hub: one.state for one in done}
    for hub, outcome in zip(hubs, outcomes, strict=True):
        assert states[hub] == (outcome if hub in begun else "skipped")
    if not fail_fast or "failed" not in outcomes:
        assert sorted(begun) == sorted(hubs)
    elif at_once == 1:
        assert begun == hubs[: outcomes.index("failed") + 1]
    assert exit_code(done) == int(bool({"changed", "failed"} & set(outcomes)))


def test_a_wrong_use_counts_for_more_than_a_failure() -> None:
    def do(hub: str) -> Done:
        raise (UsageError if hub == "b" else FedhubError)("no")

    done = list(each(["a", "b"], do, at_once=1))
    assert exit_code(done) == 2
    assert summary(done) == "2 hubs: 2 failed"
    assert summary(done[:1]) == "1 hub: 1 failed"
