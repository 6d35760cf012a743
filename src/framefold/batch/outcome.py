"""Outcome: what became of one recording; the table of many, and what the shell is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any


class State(Enum):
    """What became of one recording."""

    COMPLETE = "complete"
    """Everything it promises is in the results."""
    INCOMPLETE = "incomplete"
    """Frames are missing or damaged; what there is, is in the results."""
    SKIPPED = "skipped"
    """Its results had been made before."""
    FAILED = "failed"
    """It could not be read or run, or a UDF raised."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording.

    Parameters
    ----------
    source : Path
        The recording.
    target : Path or None
        The result file; None if there is none.
    state : State
        What became of it.
    reason : str
        Why, in words.
    merged, wanted : int
        Positions in the results, and in the scan [positions].
    frames_per_second : float
        How quickly [frames/s].
    """

    source: Path
    target: Path | None
    state: State
    reason: str = ""
    merged: int = 0
    wanted: int = 0
    frames_per_second: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The facts as plain values, for JSON."""
        return {
            "path": str(self.source),
            "output": None if self.target is None else str(self.target),
            "state": self.state.value,
            "reason": self.reason,
            "merged": self.merged,
            "wanted": self.wanted,
            "frames_per_second": self.frames_per_second,
        }


def table(outcomes: Sequence[Outcome]) -> str:
    """All outcomes, a line each, and how many there are of each kind."""
    rows = [("recording", "state", "positions", "frames/s", "results")]
    for one in outcomes:
        positions = f"{one.merged}/{one.wanted}" if one.wanted else ""
        rate = f"{one.frames_per_second:.0f}" if one.frames_per_second else ""
        told = str(one.target or "")
        if one.state in (State.FAILED, State.INCOMPLETE):
            reason = one.reason
            told = f"{told}: {reason}" if told and one.state is State.INCOMPLETE else reason
        rows.append((str(one.source), one.state.value, positions, rate, told))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join([*(cell.ljust(n) for cell, n in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    ]
    counts = [(state, sum(one.state is state for one in outcomes)) for state in State]
    lines.append(", ".join(f"{count} {state.value}" for state, count in counts if count))
    return "\n".join(lines)


class Verdict(Enum):
    """What became of many recordings, in a word."""

    ALL_GOOD = "all good"
    ALL_FAILED = "all failed"
    SOME_FAILED = "some failed"
    NOTHING_TO_DO = "nothing to do"


def verdict(outcomes: Sequence[Outcome]) -> Verdict:
    """What became of many recordings; an incomplete one, run as far as it goes, is good.

    Parameters
    ----------
    outcomes : sequence of Outcome
        At least one.
    """
    states = {one.state for one in outcomes}
    if State.FAILED in states:
        return Verdict.ALL_FAILED if states == {State.FAILED} else Verdict.SOME_FAILED
    return Verdict.NOTHING_TO_DO if states == {State.SKIPPED} else Verdict.ALL_GOOD
