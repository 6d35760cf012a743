from __future__ import annotations

import numpy as np
import pytest

from framefold.analyses.detector_masks import circular
from framefold.analyses.detector_masks_stacks import (
    sparse_circular_multi_stack,
    sparse_template_multi_stack,
)
from framefold.errors import ParameterError


class TestMultiStacks:
    """The same template at many places of many masks."""

    def test_templates(self) -> None:
        template = np.array([[1, 2], [3, 4.0]])

        found = sparse_template_multi_stack([0, 2, 2], [1, -1, 5], [0, 1, 3], template, 7, 5)

        expected = np.zeros((3, 5, 7))
        expected[0, 0:2, 1:3] = template
        expected[2, 1:3, 0] = template[:, 1]
        expected[2, 3:5, 5:7] = template
        assert np.array_equal(found.todense(), expected)

    def test_overlapping_templates_add_up(self) -> None:
        found = sparse_template_multi_stack([0, 0], [0, 1], [0, 0], np.ones((1, 2)), 3, 1)

        assert found.todense().tolist() == [[[1, 2, 1]]]

    def test_disks(self) -> None:
        found = sparse_circular_multi_stack([1, 0, 1], [1, 8, 8], [1, 4, 5], 9, 7, 2.5)

        disks = [circular(x, y, 9, 7, 2.5) for x, y in ((1, 1), (8, 4), (8, 5))]
        assert found.dtype == np.bool_
        assert np.array_equal(found.todense(), [disks[1], disks[0] | disks[2]])

    def test_lists_must_go_together(self) -> None:
        with pytest.raises(ParameterError, match="2 mask numbers, 1 x and 1 y"):
            sparse_circular_multi_stack([0, 1], [1], [1], 9, 7, 2)
