"""What a detector says of its own pixels."""

import numpy as np
import pytest

from framefold.core.pixel_mask import PixelMask, checked_masked, largest
from framefold.errors import ParameterError


class TestPixelMask:
    """Counts, words and corrections follow from pixels, sentinel and choice."""

    def test_nothing_is_known(self):
        mask = PixelMask()

        assert not mask.blanks
        assert mask.corrections() is None
        assert mask.as_text() == "none"

    @pytest.mark.parametrize(
        ("masked", "blanks"), [("zero", True), ("repair", True), ("raw", False)]
    )
    def test_choices(self, masked, blanks):
        mask = PixelMask(np.eye(4, dtype=bool), 255, masked)

        assert mask.blanks == blanks
        assert (mask.corrections() is not None) == (masked == "repair")
        assert mask.described() == {"pixels": 4, "sentinel": 255, "masked": masked}

    def test_a_mask_without_a_pixel_blanks_nothing(self):
        assert not PixelMask(np.zeros((3, 4), bool)).blanks

    def test_gaps_need_no_good_neighbour(self):
        excluded = np.zeros((9, 9), bool)
        excluded[2:7] = True

        assert PixelMask(excluded, None, "repair").corrections().get_excluded_pixels().sum() == 45

    def test_other_shapes(self):
        mask = PixelMask(np.eye(4, dtype=bool), 255)

        assert mask.shaped((2, 8)).excluded.shape == (2, 8)
        assert mask.shaped((3, 3)).excluded is None
        assert mask.shaped((3, 3)).sentinel == 255

    def test_largest_of_a_type(self):
        assert [largest(np.dtype(t)) for t in ("u1", "u4", "i2", "f4")] == [
            255,
            2**32 - 1,
            None,
            None,
        ]

    def test_unknown_choices_name_the_nearest(self):
        with pytest.raises(ParameterError, match="did you mean 'repair'"):
            checked_masked("repar")
