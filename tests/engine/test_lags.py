"""Each stage of a block's way has its time, from its slot to the snapshot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.made_blocks import Values, reader
from framefold.engine.lags import Lags
from framefold.engine.pool import InlinePool
from framefold.engine.run import Run
from framefold.engine.worker import BlockResult

NONE = np.empty(0, np.int64)


@dataclass
class Timed:
    ident: int = 1
    opened: float = 100.0
    sealed: float = 100.25


class TestLags:
    """Differences of one clock."""

    def test_of_a_block_of_a_stream(self):
        lags = Lags()
        lags.folded(Timed(), BlockResult((), NONE, NONE, "", {}, 101.0, 103.0), 103.5)
        lags.folded(Timed(), BlockResult((), NONE, NONE, "", {}, 101.0, 103.0), 104.0)
        lags.pictured(105.5)

        assert lags.as_dict() == {
            "lag_slot_s": 0.25,
            "lag_queue_s": 0.75,
            "lag_work_s": 2.0,
            "lag_merge_s": 1.0,
            "lag_published_s": 2.0,
        }

    def test_of_a_block_of_a_file(self):
        lags = Lags()
        lags.folded(reader(1).given[0], BlockResult((), NONE, NONE, "", {}, 1.0, 1.5), 2.0)

        assert lags.as_dict() == {"lag_work_s": 0.5, "lag_merge_s": 0.5}

    def test_are_in_statistics_and_snapshots(self):
        run = Run(reader(3), {"v": Values()}, InlinePool())
        for _ in run.steps():
            pass

        assert {"lag_work_s", "lag_merge_s", "lag_published_s"} <= run.statistics().keys()
        assert run.latest.report["lag_work_s"] > 0
