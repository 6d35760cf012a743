from __future__ import annotations

import numpy as np
import pytest

from analyses.test_classic import DATA, DS, answer, disk
from framefold.analyses.frame_analyses import FEMAnalysis, SDAnalysis, SumSigAnalysis
from framefold.errors import ParameterError


def test_spread_over_frames() -> None:
    results = answer(SDAnalysis(DS, {}))

    assert np.allclose(results.intensity.raw_data, DATA.astype(np.float64).std(axis=(0, 1)))
    assert np.array_equal(results.intensity.raw_data, results.intensity_lin.raw_data)


def test_spread_over_a_part_of_the_scan() -> None:
    part = {"shape": "rect", "x": 1, "y": 0, "width": 2, "height": 2}

    results = answer(SDAnalysis(DS, {"roi": part}))

    expected = DATA[0:2, 1:3].astype(np.float64).std(axis=(0, 1))
    assert np.allclose(results.intensity.raw_data, expected)


def test_sum_of_each_frame() -> None:
    results = answer(SumSigAnalysis(DS, {}))

    assert np.array_equal(results.intensity.raw_data, DATA.sum(axis=(2, 3)))


def test_spread_within_a_ring() -> None:
    results = answer(FEMAnalysis(DS, {"cx": 5, "cy": 4, "ri": 1, "ro": 3}))

    ring = disk(4, 5, 3) & ~disk(4, 5, 1)
    expected = DATA.astype(np.float64)[..., ring].std(axis=-1)
    assert np.allclose(results.intensity.raw_data, expected)


@pytest.mark.parametrize("roi", [{"shape": "star"}, {"shape": "disk", "cx": 1, "cy": 1}])
def test_a_part_that_is_not_understood(roi: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="roi"):
        SDAnalysis(DS, {"roi": roi}).get_roi()
