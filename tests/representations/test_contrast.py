from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from framefold.representations.contrast import robust_limits


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (1.0, math.nextafter(1.0, math.inf))),
        ([np.nan, np.inf], (1.0, math.nextafter(1.0, math.inf))),
        ([0, 0], (0.0, math.nextafter(0.0, math.inf))),
        ([7, 7, np.nan], (7.0, math.nextafter(7.0, math.inf))),
        ([True, False], (0.0, 1.0)),
        ([3 - 20j, 5 + 1j], (3.0, 5.0)),
        # a peak is all there is
        ([0] * 1000 + [5000], (0.0, 5000.0)),
        # within a factor of ten of the others
        ([0] * 1000 + [1000, 9000], (0.0, 9000.0)),
        # beyond it
        ([0] * 1000 + [1000, 11000], (0.0, 1000.0)),
        ([0] * 1000 + [-1000, -11000], (-1000.0, 0.0)),
        ([1, 2] * 20 + [-5000, 5000], (1.0, 2.0)),
    ],
)
def test_what_sticks_out(values: list[complex], expected: tuple[float, float]) -> None:
    assert robust_limits(np.array(values)) == expected


def test_share_and_factor() -> None:
    values = np.array([0] * 1000 + [1000] * 30 + [4500, 10000])

    assert robust_limits(values, 0.001, 1) == (0, 4500)
    assert robust_limits(values, 0.1, 1) == (0, 1000)


@given(arrays(np.float32, st.integers(0, 30), elements=st.floats(width=32)))
def test_always_usable(values: np.ndarray) -> None:
    lower, upper = robust_limits(values)

    assert math.isfinite(lower)
    assert lower < upper
    finite = values[np.isfinite(values)]
    if finite.size:
        assert finite.min() <= lower <= finite.max()
