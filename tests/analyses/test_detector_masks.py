from __future__ import annotations

import numpy as np

from framefold.analyses import detector_masks as masks


class TestDetectorMasks:
    """Regions as arrays, x before y in the arguments, rows first in the arrays."""

    def test_circular_includes_its_rim(self) -> None:
        disk = masks.circular(3, 2, 7, 5, 2)

        assert disk.shape == (5, 7)
        assert disk.dtype == np.bool_
        assert disk[2].tolist() == [False, True, True, True, True, True, False]

    def test_antialiased_rim_is_half(self) -> None:
        disk = masks.circular(3, 2, 7, 5, 2, antialiased=True)

        assert disk[2].tolist() == [0, 0.5, 1, 1, 1, 0.5, 0]

    def test_ring_excludes_the_inner_disk(self) -> None:
        ring = masks.ring(3, 3, 7, 7, 3, 1)

        assert ring[3].tolist() == [True, True, False, False, False, True, True]

    def test_antialiased_ring(self) -> None:
        ring = masks.ring(3, 3, 7, 7, 3, 1, antialiased=True)

        assert ring[3].tolist() == [0.5, 1, 0.5, 0, 0.5, 1, 0.5]

    def test_rectangular_has_both_corners(self) -> None:
        there = masks.rectangular(1, 2, 3, 2, 8, 9)
        back = masks.rectangular(4, 4, -3, -2, 8, 9)

        assert np.argwhere(there).min(axis=0).tolist() == [2, 1]
        assert np.argwhere(there).max(axis=0).tolist() == [4, 4]
        assert np.array_equal(there, back)

    def test_gradients(self) -> None:
        assert masks.gradient_x(3, 2).tolist() == [[0, 1, 2], [0, 1, 2]]
        assert masks.gradient_y(3, 2).tolist() == [[0, 0, 0], [1, 1, 1]]

    def test_radial_gradient(self) -> None:
        assert masks.radial_gradient(2, 2, 5, 5, 2)[2].tolist() == [1, 0.5, 0, 0.5, 1]
