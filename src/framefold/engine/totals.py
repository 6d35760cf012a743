"""Totals: what came of all runs together, those that are forgotten included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from framefold.core.losses import Losses
from framefold.core.snapshot import RunState
from framefold.engine.run import Run

FINAL = tuple(state.value for state in RunState if state.is_final)
"""How a run may end."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over runs; with every run, and while one goes on, they only grow.

    Parameters
    ----------
    runs : mapping of str to int
        Runs that are over, by their final state.
    merged : int
        Positions in results [frames].
    blocks : int
        Blocks that were merged or given up.
    losses : Losses
        Frames that were lost in processing, or never came: ``missing``, ``undecodable``,
        ``dropped``, ``set_aside``. What happens to frames before that, the stream counts.
    """

    runs: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(FINAL, 0))
    merged: int = 0
    blocks: int = 0
    losses: Losses = field(default_factory=Losses)

    def plus(self, run: Run) -> Totals:
        """With one run more."""
        state, lost = run.state.value, run.losses()
        return Totals(
            {name: count + (name == state) for name, count in self.runs.items()},
            self.merged + run.fold.merged,
            self.blocks + run.fold.folded_blocks,
            self.losses
            + Losses(
                missing=lost.missing,
                undecodable=lost.undecodable,
                dropped=lost.dropped,
                set_aside=lost.set_aside,
            ),
        )
