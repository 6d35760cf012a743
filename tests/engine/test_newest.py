"""Where the newest come first, a slow UDF costs old frames and never the new ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.made_blocks import MadeBlock, MadeReader, Values, reader
from framefold.core.block import Block
from framefold.core.coverage import PositionState
from framefold.core.losses import Losses
from framefold.core.reader import BlockPlan
from framefold.core.snapshot import RunState
from framefold.engine.newest import NewestFirst
from framefold.engine.pool import InlinePool
from framefold.engine.run import Run
from framefold.errors import DataError


@dataclass
class Paced(MadeReader):
    """Has one block until it is taken, then all others."""

    begun: threading.Event = field(default_factory=threading.Event)
    """Set: somebody has the first block."""
    drawn: threading.Event = field(default_factory=threading.Event)
    """Set: all blocks are drawn."""

    def blocks(self, plan: BlockPlan) -> Iterator[MadeBlock]:
        for block in super().blocks(plan):
            yield block
            self.begun.wait(30)
        self.drawn.set()


def paced(count: int) -> Paced:
    made = reader(count)
    return Paced(made.given, made.positions)


def first_of(source: Paced, blocks: Iterator[Block]) -> int:
    """The first block; all others are drawn when this returns."""
    found = next(blocks).ident
    source.begun.set()
    source.drawn.wait(30)
    return found


def nothing(_: object) -> None:
    """Nobody asks."""


class TestNewestFirst:
    """Blocks in, the newest out first, the oldest back."""

    def test_what_waits_comes_newest_first(self):
        source = paced(6)
        newest = NewestFirst(source, lambda: 10, nothing)
        found = newest.blocks(BlockPlan())

        assert first_of(source, found) == 1
        assert [block.ident for block in found] == [6, 5, 4, 3, 2]
        assert newest.losses() == Losses()
        assert newest.ending().reason == "all read"

    def test_the_oldest_goes_back_when_there_is_no_room(self):
        source = paced(8)
        gone: list[int] = []
        newest = NewestFirst(source, lambda: 2, lambda p: gone.extend(p.tolist()))
        found = newest.blocks(BlockPlan())

        assert first_of(source, found) == 1
        assert [block.ident for block in found] == [8, 7]
        assert source.released == [2, 3, 4, 5, 6]
        assert gone == list(range(2, 12))
        assert newest.losses().dropped == 10
        assert "10 frames let go, since processing was too slow" in newest.ending().reason

    def test_who_stops_leaves_nothing(self):
        source = paced(6)
        found = NewestFirst(source, lambda: 10, nothing).blocks(BlockPlan())
        first_of(source, found)
        source.stop()
        found.close()

        assert sorted(source.released) == [2, 3, 4, 5, 6]

    def test_a_reader_that_raises(self):
        source = reader(3, trouble="blocks")
        with pytest.raises(DataError, match="the file ends here"):
            list(NewestFirst(source, lambda: 10, nothing).blocks(BlockPlan()))


class Slow(Values):
    """Works on its first frame until all others have come."""

    def __init__(self, source: Paced | None) -> None:
        super().__init__(source=source)

    def process_frame(self, frame: NDArray[Any]) -> None:
        source = self.params.source
        if source is not None:
            source.begun.set()
            source.drawn.wait(30)
        super().process_frame(frame)


class TestRun:
    """A run says what it let go."""

    @pytest.mark.parametrize("room", [None, 2])
    def test_a_slow_udf(self, room):
        """Without a limit nothing is lost: who sends has to wait."""
        source = paced(10)
        if room is None:
            source.begun.set()
        run = Run(
            source,
            {"v": Slow(source if room else None)},
            InlinePool(),
            dry_run=False,
            newest=None if room is None else lambda: room,
        )
        for _ in run.steps():
            pass
        snapshot = run.latest

        assert run.state is RunState.COMPLETE
        assert sorted(source.released) == list(range(1, 11))
        dropped = snapshot.coverage == PositionState.DROPPED
        assert np.count_nonzero(dropped) == snapshot.losses.dropped
        assert snapshot.merged == 20 - snapshot.losses.dropped
        assert (snapshot.results["v"]["v"].data == np.where(dropped, 0, np.arange(20))).all()
        if room is None:
            assert snapshot.losses.dropped == 0
        else:
            assert snapshot.losses.dropped == 14
            assert not dropped[-4:].any()
            assert "14 frames let go" in snapshot.reason
