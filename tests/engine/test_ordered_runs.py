"""Ordered runs: the same bits for any number of workers, also when they die."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.made_blocks import InOrder, MadeBlock, MadeReader, Values, reader
from framefold.core.snapshot import RunState
from framefold.engine.line import PLACES_PER_WORKER
from framefold.engine.pool import InlinePool
from framefold.engine.process_pool import ProcessPool
from framefold.engine.run import Run, check_failed
from framefold.errors import UDFException
from framefold.formats.memory import ArrayDataSet
from framefold.processes.launcher import Launcher
from framefold.udf import UDF

WORKERS = 2


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """Where the workers of this module come from."""
    with Launcher(("framefold.engine.worker",)) as made:
        yield made


@pytest.fixture(scope="module")
def pool(launcher: Launcher) -> Iterator[ProcessPool]:
    """Two workers."""
    made = ProcessPool(launcher, WORKERS)
    yield made
    made.close()


def finished(run: Run) -> Run:
    run.start()
    assert run.join(60)
    check_failed(run)
    return run


class Asks(InOrder):
    """Wants to be merged in order, whoever runs it."""

    MERGE_ORDER = "partition"


class Float32Sum(UDF):
    """Adds up in a precision in which the order shows."""

    def get_result_buffers(self) -> Any:
        return {"total": self.buffer(kind="sig", dtype="float32")}

    def process_tile(self, tile: Any) -> None:
        self.results.total += tile.sum(axis=0)

    def merge(self, dest: Any, src: Any) -> None:
        dest.total += src.total


@dataclass
class FullLineReader(MadeReader):
    """Tells when the line must be full: one more block was drawn than there are places."""

    full: threading.Event = field(default_factory=threading.Event)

    def blocks(self, plan: Any) -> Iterator[MadeBlock]:
        for block in super().blocks(plan):
            if len(self.handed) == PLACES_PER_WORKER * WORKERS + 1:
                self.full.set()
            yield block


def ranks(run: Run) -> list[int]:
    found: list[int] = run.latest.results["u"]["rank"].data.tolist()
    return found


class TestOrder:
    """Partitions are merged in order, come what may."""

    @pytest.mark.parametrize("udf", [InOrder(), Asks()])
    def test_asked_for_by_run_or_udf(self, pool: ProcessPool, udf: UDF) -> None:
        run = finished(Run(reader(60), {"u": udf}, pool, ordered=type(udf) is InOrder))

        assert ranks(run) == np.repeat(np.arange(60), 2).tolist()

    def test_an_unknown_order(self) -> None:
        class Odd(InOrder):
            MERGE_ORDER = "backwards"

        with pytest.raises(UDFException, match=r"Odd\.MERGE_ORDER is 'backwards'"):
            Run(reader(1), {"u": Odd()}, InlinePool())

    def test_workers_die(self, pool: ProcessPool, tmp_path: Path) -> None:
        source = reader(60)
        for block in source.given[::9]:
            block.trouble, block.mark = "dies once", str(tmp_path / f"{block.ident}")
        run = finished(Run(source, {"u": InOrder()}, pool, ordered=True))

        assert ranks(run) == np.repeat(np.arange(60), 2).tolist()
        assert sorted(source.released) == sorted(source.handed)

    @pytest.mark.parametrize("fate", ["live", "die"])
    def test_the_first_lags_until_the_line_is_full(
        self, pool: ProcessPool, tmp_path: Path, fate: str
    ) -> None:
        """Its worker may even die: what waits behind it keeps nobody from redoing it."""
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        plain = reader(60)
        plain.given[0].trouble, plain.given[0].mark = "waits", str(pipe)
        source = FullLineReader(plain.given, plain.positions)
        run = Run(source, {"u": InOrder()}, pool, ordered=True)
        run.start()
        assert source.full.wait(30)
        assert run.fold.folded_blocks == 0
        assert len(source.handed) == PLACES_PER_WORKER * WORKERS + 1
        pipe.write_text(fate)

        assert run.join(60)
        assert run.state is RunState.COMPLETE, run.latest.reason
        assert ranks(run) == np.repeat(np.arange(60), 2).tolist()
        assert sorted(source.released) == sorted(source.handed)

    def test_a_block_that_is_given_up_holds_up_nobody(self, pool: ProcessPool) -> None:
        source = reader(30)
        source.given[0].trouble = "open"
        run = finished(Run(source, {"u": InOrder()}, pool, ordered=True))

        assert run.latest.merged == 58
        assert ranks(run)[2:] == np.repeat(np.arange(29), 2).tolist()

    def test_cancelled_while_the_line_is_full(self, pool: ProcessPool, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        plain = reader(60)
        plain.given[0].trouble, plain.given[0].mark = "waits", str(pipe)
        source = FullLineReader(plain.given, plain.positions)
        run = Run(source, {"u": InOrder()}, pool, ordered=True)
        run.start()
        assert source.full.wait(30)
        run.cancel(at_once=True)

        assert run.join(30)
        assert run.state is RunState.ABORTED
        assert sorted(source.released) == sorted(source.handed)
        finished(Run(reader(4), {"v": Values()}, pool))


class TestBits:
    """What is added up in order does not depend on who works."""

    def test_of_float_sums(self, launcher: Launcher, pool: ProcessPool) -> None:
        rng = np.random.default_rng(1)
        data = ArrayDataSet((rng.random((37, 29, 4, 5)) * 1e3).astype("float32"))

        def total(pool: Any, **options: Any) -> bytes:
            run = Run(data.reader(), {"u": Float32Sum()}, pool, **options)
            if pool.in_this_thread:
                for _ in run.steps():
                    pass
            else:
                finished(run)
            found: bytes = run.latest.results["u"]["total"].data.tobytes()
            return found

        expected = total(InlinePool(), ordered=True)
        assert {total(pool, ordered=True) for _ in range(5)} == {expected}
        for workers in (1, 3):
            other = ProcessPool(launcher, workers)
            assert total(other, ordered=True) == expected
            other.close()
        # the cut alone shows, so that the above is no matter of course
        assert total(InlinePool()) != expected
