"""Excluded pixels and who stands in for them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from framefold.core.corrections import CorrectionSet
from framefold.core.detector import correct
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


class TestCoordinates:
    """Excluded pixels may be written as np.nonzero gives them."""

    def test_same_as_a_mask(self):
        mask = np.zeros((5, 7), dtype=bool)
        mask[1, 2] = mask[4, 6] = True
        coordinates = np.array(np.nonzero(mask))

        assert np.array_equal(excluded_mask(coordinates, (5, 7)), mask)
        assert np.array_equal(excluded_mask(np.empty((2, 0)), (5, 7)), np.zeros((5, 7), bool))

    def test_a_mask_of_two_rows_stays_a_mask(self):
        mask = np.array([[1, 0, 0], [0, 0, 1]])

        assert np.array_equal(excluded_mask(mask, (2, 3)), mask.astype(bool))

    def test_in_corrections(self):
        frame = np.arange(35, dtype=np.float32).reshape(5, 7)
        coordinates = np.array([[1], [2]])
        mask = np.zeros((5, 7), dtype=bool)
        mask[1, 2] = True

        expected = correct(frame.copy(), excluded_pixels=mask)
        assert np.array_equal(
            correct(frame.copy(), excluded_pixels=coordinates, sig_shape=(5, 7)), expected
        )
        both = CorrectionSet(excluded_pixels=coordinates, gain=np.ones((5, 7)))
        assert np.array_equal(both.get_excluded_pixels(), mask)
