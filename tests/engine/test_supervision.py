"""Who takes too much is replaced, and a UDF is blamed only for what it does again."""

from __future__ import annotations

import math

import pytest

from framefold.core.tally import SHARED
from framefold.engine.limits import Limits
from framefold.engine.supervision import LOOK_SECONDS, Supervision
from framefold.errors import BlockTimeoutError, ParameterError, WorkerMemoryError

MIB = 1 << 20


def watching(seconds: float | None = 10.0, memory: int | None = 100 * MIB) -> Supervision:
    return Supervision(Limits(seconds, memory), ("first", "second"))


class TestLimits:
    """Limits are numbers that mean something."""

    @pytest.mark.parametrize("given", [{"block_seconds": 0}, {"memory_bytes": -1}])
    def test_nonsense_is_refused(self, given):
        with pytest.raises(ParameterError, match="give more than 0"):
            Limits(**given)

    def test_no_limit(self):
        assert Limits(math.inf).block_seconds is None
        assert watching(None).excess(1e9, 0.0, 0) is None

    def test_a_worker_may_have_most_of_the_machine_by_default(self):
        assert 0 < Limits().most_bytes < math.inf


class TestExcess:
    """What is too much."""

    def test_time(self):
        found = watching().excess(20.0, 10.0, 0)

        assert found is not None
        assert found.what is BlockTimeoutError
        assert found.told == "no end after 10 s on one block"
        assert watching().excess(19.9, 10.0, 0) is None

    def test_a_worker_that_waits_may_wait(self):
        assert watching().excess(1e9, None, 0) is None

    def test_memory(self):
        found = watching().excess(0.0, None, 101 * MIB)

        assert found is not None
        assert found.what is WorkerMemoryError
        assert found.told == "101 MiB of memory in use, 100 allowed"

    def test_the_next_look_comes_when_the_first_one_is_due(self):
        assert watching().patience(0.0, []) == LOOK_SECONDS
        assert watching().patience(9.75, [5.0, 0.0]) == 0.25
        assert watching().patience(50.0, [5.0]) == 0.0
        assert watching(None).patience(50.0, [5.0]) == LOOK_SECONDS


class TestBlame:
    """A UDF gets a second chance, not a third."""

    def test_a_udf_that_hangs_twice_in_a_run(self):
        supervision = watching()
        hung = supervision.excess(10.0, 0.0, 0)
        assert hung is not None

        assert supervision.blame(hung, 1, 7, "")
        assert not supervision.suspended
        assert supervision.blame(hung, 1, 8, "File mine.py, line 3")
        found = supervision.suspended[1]
        assert isinstance(found.exception, BlockTimeoutError)
        assert "second: no end after 10 s on one block, for the second time" in found.message
        assert "mine.py, line 3" in found.traceback

    def test_two_udfs_that_hang_once(self):
        supervision = watching()
        hung = supervision.excess(10.0, 0.0, 0)
        assert hung is not None
        supervision.blame(hung, 0, 7, "")
        supervision.blame(hung, 1, 7, "")

        assert not supervision.suspended

    def test_memory_counts_by_block(self):
        """Memory that leaks slowly is what replacing a worker is good for."""
        supervision = watching()
        large = supervision.excess(0.0, 0.0, 101 * MIB)
        assert large is not None
        supervision.blame(large, 0, 7, "")
        supervision.blame(large, 0, 8, "")
        assert not supervision.suspended
        supervision.blame(large, 0, 7, "")

        assert isinstance(supervision.suspended[0].exception, WorkerMemoryError)

    def test_nobody(self):
        supervision = watching()
        hung = supervision.excess(10.0, 0.0, 0)
        assert hung is not None

        assert not supervision.blame(hung, SHARED, 7, "")
