from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from framefold.kernels.rows import as_rows
from framefold.kernels.runs import LONGEST, find_runs, run_sums


class TestFindRuns:
    """Runs cover exactly the pixels with weight, each once."""

    @settings(max_examples=100, deadline=None)
    @given(
        masks=arrays(np.int64, st.tuples(st.integers(0, 3), st.integers(0, 60)),
                     elements=st.integers(-1, 1)),
        width=st.none() | st.integers(1, 70),
    )  # fmt: skip
    def test_rebuilds_the_mask(self, masks: np.ndarray, width: int | None) -> None:
        runs = find_runs(masks, width=width)

        rebuilt = np.zeros_like(masks)
        for k in range(len(masks)):
            for j in range(runs.bounds[k], runs.bounds[k + 1]):
                rebuilt[k, runs.first[j] : runs.stop[j]] += runs.weight[j]
                if width:
                    assert runs.first[j] // width == (runs.stop[j] - 1) // width
        assert np.array_equal(rebuilt, masks)

    def test_long_runs_are_cut(self) -> None:
        runs = find_runs(np.ones((1, 3 * LONGEST + 7), bool))

        assert (runs.stop - runs.first).max() <= LONGEST
        assert (runs.stop - runs.first).sum() == 3 * LONGEST + 7

    def test_rows_wider_than_a_run(self) -> None:
        width = LONGEST + 10
        runs = find_runs(np.ones((1, 2 * width), bool), width=width)

        assert (runs.stop - runs.first).max() <= LONGEST
        assert width in runs.first


class TestRunSums:
    """Sums within runs are exact at full scale."""

    def test_full_scale(self) -> None:
        frames = np.full((2, 2 * LONGEST), 65535, "u2")
        runs = find_runs(np.ones((1, 2 * LONGEST), bool))

        assert run_sums(as_rows(frames), runs).tolist() == [[2 * LONGEST * 65535]] * 2
