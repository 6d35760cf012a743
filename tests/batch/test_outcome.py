"""What became of recordings."""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path

from framefold.batch import Outcome, State, Verdict, table, verdict


def outcomes(*states):
    return [Outcome(Path(f"{i}.h5"), Path(f"{i}.r.h5"), s, "why") for i, s in enumerate(states)]


def test_verdicts():
    for states in combinations_with_replacement(State, 3):
        failed, skipped = states.count(State.FAILED), states.count(State.SKIPPED)
        found = verdict(outcomes(*states))

        assert (found is Verdict.ALL_FAILED) == (failed == 3)
        assert (found is Verdict.SOME_FAILED) == (0 < failed < 3)
        assert (found is Verdict.NOTHING_TO_DO) == (skipped == 3)


def test_table():
    good = Outcome(Path("a.h5"), Path("a.r.h5"), State.COMPLETE, "", 12, 12, 3456.7)

    lines = table([good, *outcomes(State.FAILED, State.INCOMPLETE)]).splitlines()

    assert lines[1].split() == ["a.h5", "complete", "12/12", "3457", "a.r.h5"]
    assert lines[2].split() == ["0.h5", "failed", "why"]
    assert lines[3].endswith("1.r.h5: why")
    assert lines[-1] == "1 complete, 1 incomplete, 1 failed"
