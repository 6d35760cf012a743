"""Partition borders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.formats.cuts import borders


class TestBorders:
    """Cover the scan without gaps, in partitions that suit cache and workers."""

    @given(st.integers(1, 5000), st.integers(1, 10**7), st.integers(1, 64), st.integers(1, 300))
    def test_cover_every_position_once(self, positions, frame_bytes, workers, step):
        found = borders(positions, frame_bytes, workers, step=step)

        assert found[0] == 0
        assert found[-1] == positions
        assert (np.diff(found) > 0).all()

    @given(st.integers(1, 500), st.integers(1, 64))
    def test_enough_for_all_workers(self, positions, workers):
        found = borders(positions, 1000, workers)

        assert len(found) - 1 >= min(positions, 4 * workers) // 2

    def test_large_frames_come_64_at_a_time(self):
        found = borders(4096, 1 << 20, 2)

        assert found[1] == 64

    def test_small_frames_fill_8_mib(self):
        found = borders(4096, 16384, 2)

        assert found[1] == 512

    def test_a_given_number_is_spread_evenly(self):
        found = borders(10, 4, 1, partitions=4)

        assert found.tolist() == np.linspace(0, 10, 5, dtype=int).tolist()

    def test_more_partitions_than_positions_warns_and_gives_one_position_each(self):
        with pytest.warns(RuntimeWarning, match="num_partitions=7"):
            found = borders(3, 4, 1, partitions=7)

        assert found.tolist() == [0, 1, 2, 3]

    def test_stays_between_what_the_file_stores_as_one(self):
        found = borders(1000, 1 << 20, 2, step=48)

        assert (found[:-1] % 48 == 0).all()
