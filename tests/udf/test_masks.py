"""Boxes around and inside of what is True."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from framefold.udf import get_bbox, get_bbox_slice, get_inner_slice, reshaped_view


def test_reshaped_view() -> None:
    data = np.zeros((4, 6))
    reshaped_view(data, (-1,))[:] = 1

    assert data.all()
    assert reshaped_view(np.zeros((0, 3)), (3, 0)).shape == (3, 0)
    with pytest.raises(AttributeError, match="has no view"):
        reshaped_view(data[:, :3], (-1,))


def test_bounding_box() -> None:
    data = np.zeros((5, 6))
    assert get_bbox_slice(data) == (slice(0, 0), slice(0, 0))
    data[1, 2] = data[3, 4] = 7

    assert get_bbox(data) == (1, 3, 2, 4)
    assert get_bbox_slice(data) == (slice(1, 4), slice(2, 5))


def test_inner_box() -> None:
    data = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]])

    assert get_inner_slice(data, axis=0) == (slice(0, 1), slice(None))
    assert get_inner_slice(data, axis=1) == (slice(None), slice(0, 2))
    assert get_inner_slice(data, axis=-1) == (slice(None), slice(0, 2))
    assert get_inner_slice(np.zeros((2, 2)), axis=0) == (slice(0, 0), slice(None))


@given(hnp.arrays(bool, hnp.array_shapes(max_dims=3, max_side=5)), st.integers(0, 2))
def test_boxes_hold_what_they_promise(data: np.ndarray, axis: int) -> None:
    axis %= data.ndim

    assert data[get_bbox_slice(data)].sum() == data.sum()
    assert data[get_inner_slice(data, axis)].all()
