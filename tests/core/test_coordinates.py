"""Matrices on (y, x)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.coordinates import (
    flip_x,
    flip_y,
    identity,
    rotate,
    rotate_deg,
    scale,
    scale_rotate_flip_y,
)


def test_definitions() -> None:
    assert scale(3).tolist() == [[3, 0], [0, 3]]
    assert flip_y().tolist() == [[-1, 0], [0, 1]]
    assert flip_x().tolist() == [[1, 0], [0, -1]]
    assert identity().tolist() == [[1, 0], [0, 1]]
    a = 0.3
    expected = [[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]]
    assert rotate(a).tolist() == expected
    assert np.allclose(rotate_deg(math.degrees(a)), expected)
    # (y, x) = (1, 0) points down; a quarter turn clockwise makes it point to the left
    assert np.allclose(rotate_deg(90) @ (1, 0), (0, -1))


@given(st.floats(0.01, 100), st.floats(-3.1, 3.1), st.booleans())
def test_apart_and_together(factor: float, angle: float, flip: bool) -> None:
    matrix = scale(factor) @ rotate(angle) @ (flip_y() if flip else identity())
    found = scale_rotate_flip_y(matrix)
    assert np.allclose(found[:2], (factor, angle))
    assert found[2] is flip


def test_refusals() -> None:
    with pytest.raises(ValueError, match="scales"):
        scale_rotate_flip_y([[2, 0], [0, 1]])
    with pytest.raises(ValueError, match="shears"):
        scale_rotate_flip_y([[1, 0.6], [0, 0.8]])
