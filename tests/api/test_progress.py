"""Progress of runs, as reporters are told of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framefold import Context, SumUDF
from framefold.api import ProgressReporter, ProgressState, TQDMProgressReporter
from framefold.api.progress import NoProgress, reporter
from framefold.core.reader import DataSet
from framefold.formats.memory_dataset import MemoryDataSet

DATA = MemoryDataSet(np.ones((6, 5, 4, 3), np.uint8), num_partitions=6)


class Noted:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ProgressState]] = []

    def start(self, state: ProgressState) -> None:
        self.told.append(("start", state))

    def update(self, state: ProgressState) -> None:
        self.told.append(("update", state))

    def end(self, state: ProgressState) -> None:
        self.told.append(("end", state))


def noted(ctx: Context, data: DataSet = DATA, **options: Any) -> Noted:
    """What a reporter was told of a run."""
    witness = Noted()
    ctx.run_udf(data, SumUDF(), progress=witness, **options)
    return witness


@pytest.mark.parametrize("make", [Context.inline, lambda: Context(2)])
def test_from_start_to_end(make: Any) -> None:
    with make() as ctx:
        told = noted(ctx).told

    kinds = [kind for kind, _ in told]
    states = [state for _, state in told]
    assert kinds == ["start", *["update"] * 6, "end"]
    frames = [state.num_frames_complete for state in states]
    assert frames == sorted(frames)
    assert (frames[0], frames[-1]) == (0, 30)
    assert {state.num_frames_total for state in states} == {30}
    assert {state.num_part_total for state in states} == {6}
    assert states[-1].num_part_complete == 6
    assert states[-1].num_part_in_progress == 0
    assert len({state.progress_id for state in states}) == 1


def test_selected_partitions_count() -> None:
    with Context.inline() as ctx:
        told = noted(ctx, roi=DATA.roi[2:4]).told

    assert told[-1][1].num_part_total == 2
    assert told[-1][1].num_frames_complete == 10


def test_a_source_that_is_cut_while_it_runs() -> None:
    """The number of partitions is judged by those that are done."""

    class Stream:
        acquisition = DATA.acquisition

        def reader(self) -> Any:
            return DATA.reader()

    with Context.inline() as ctx:
        told = noted(ctx, Stream()).told

    assert [state.num_part_total for _, state in told] == [0, 6, 6, 6, 6, 6, 6, 6]


def test_a_run_that_fails_ends_too() -> None:
    class Broken(SumUDF):
        def process_tile(self, tile: Any) -> None:
            raise ValueError("broken")

    witness = Noted()
    with Context.inline() as ctx, pytest.raises(ValueError, match="broken"):
        ctx.run_udf(DATA, Broken(), progress=witness)

    assert [kind for kind, _ in witness.told][-1] == "end"


def test_a_closed_iteration_ends_too() -> None:
    witness = Noted()
    with Context.inline() as ctx:
        updates = ctx.run_udf_iter(DATA, SumUDF(), progress=witness)
        next(updates)
        updates.close()

    assert [kind for kind, _ in witness.told] == ["start", "update", "end"]


class TestReporter:
    """Who is told."""

    def test_choice(self) -> None:
        own = Noted()

        assert isinstance(reporter(progress=True), TQDMProgressReporter)
        assert isinstance(reporter(progress=False), NoProgress)
        assert isinstance(reporter(progress=1), TQDMProgressReporter)
        assert isinstance(reporter(progress="yes"), TQDMProgressReporter)
        assert isinstance(reporter(progress=None), NoProgress)
        assert reporter(own) is own
        assert isinstance(own, ProgressReporter)

    def test_bar(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Context.inline() as ctx:
            ctx.run_udf(DATA, SumUDF(), progress=True)

        shown = capsys.readouterr().err
        assert "Partitions 6/6, Frames: 100%" in shown
        assert "30/30" in shown

    def test_nobody(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Context.inline() as ctx:
            ctx.run_udf(DATA, SumUDF())

        assert capsys.readouterr().err == ""
