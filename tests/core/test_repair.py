"""Excluded pixels and who stands in for them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from framefold.core.repair import RepairDescriptor, excluded_mask
from framefold.errors import RepairValueError, ShapeError


def mean_of_neighbours(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The definition, pixel by pixel."""
    result = frame.copy()
    for place in np.argwhere(mask):
        good = [
            frame[tuple(place + step)]
            for step in itertools.product((-1, 0, 1), repeat=frame.ndim)
            if any(step)
            and all(0 <= p < n for p, n in zip(place + step, frame.shape, strict=True))
            and not mask[tuple(place + step)]
        ]
        if good:
            result[tuple(place)] = np.sum(good, dtype=np.float64) / len(good)
    return result


@given(
    mask=hnp.arrays(bool, hnp.array_shapes(min_dims=1, max_dims=3, max_side=6)),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_equals_the_definition(mask: np.ndarray, seed: int) -> None:
    frames = np.random.default_rng(seed).random((3, *mask.shape))
    expected = np.stack([mean_of_neighbours(frame, mask) for frame in frames])

    RepairDescriptor(mask.shape, mask, allow_empty=True).repair(frames.reshape(3, -1))

    assert np.allclose(frames, expected, rtol=1e-15)


def test_no_good_neighbour() -> None:
    everything = np.ones((3, 3), bool)
    with pytest.raises(RepairValueError, match=r"9 excluded pixels .* first is \(0, 0\)"):
        RepairDescriptor((3, 3), everything)
    assert len(RepairDescriptor((3, 3), everything, allow_empty=True)) == 0


def test_all_ways_to_write_a_mask() -> None:
    sparse = pytest.importorskip("sparse")
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    for written in (
        mask,
        mask.tolist(),
        mask.astype(int),
        sparse.COO(mask),
        scipy.sparse.csr_matrix(mask),
        scipy.sparse.coo_array(mask),
    ):
        assert np.array_equal(excluded_mask(written, (3, 4)), mask)
    assert not excluded_mask(None, (3, 4)).any()
    with pytest.raises(ShapeError):
        excluded_mask(mask, (4, 3))
    with pytest.raises(ShapeError):
        excluded_mask(None, None)
