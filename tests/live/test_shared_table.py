"""A table of any length travels as a few bytes, and is there once."""

from __future__ import annotations

import gc
import os
import pickle
import sys

import numpy as np
import pytest

from framefold.core.position_table import PositionTable
from framefold.core.scan_rule import ScanRule
from framefold.live.shared_table import SharedTable, share, with_shared_table
from framefold.processes.segment import Segment

ORDER = np.random.default_rng(1).permutation(50_000)


class TestSharedTable:
    """The numbers stay where they are."""

    def test_is_small_on_the_way_and_the_same_behind_it(self):
        table = share(PositionTable.of(ORDER, (50_000,)))
        packed = pickle.dumps(table)

        assert len(packed) < 500
        assert pickle.loads(packed) is table
        assert (table.entries == ORDER).all()
        assert (table.entries[table.frames] == np.arange(50_000)).all()

    def test_is_shared_once(self):
        rule = with_shared_table(ScanRule((200, 250), positions=ORDER))

        assert with_shared_table(rule).positions is rule.positions

    def test_nobody_writes(self):
        table = share(PositionTable.of(ORDER, (50_000,)))

        with pytest.raises(ValueError, match="read-only"):
            table.entries[0] = 1

    def test_outlives_its_maker_where_it_is_known(self):
        """Another process, as far as that can be had in one: the table is attached by its path."""
        table = share(PositionTable.of(ORDER, (50_000,)))
        where = table.elsewhere
        assert isinstance(where, SharedTable)
        other = where.lay_out(Segment.attach(where.path, where.nbytes))
        del table
        gc.collect()
        assert (other.entries == ORDER).all()

    @pytest.mark.skipif(sys.platform != "linux", reason="counts files in /proc")
    def test_leaves_nothing_behind(self):
        before = len(os.listdir("/proc/self/fd"))
        table = share(PositionTable.of(ORDER, (50_000,)))
        where = table.elsewhere
        del table
        gc.collect()

        assert len(os.listdir("/proc/self/fd")) == before
        assert isinstance(where, SharedTable)
        with pytest.raises(OSError, match=r"gone|No such file"):
            where()
