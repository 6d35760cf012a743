"""Tiles with zeros in place of masked pixels."""

import numpy as np

from framefold.core.pixel_mask import PixelMask
from framefold.udf.blanker import Blanker


def tile():
    made = np.arange(24, dtype="u2").reshape(2, 3, 4) + 1
    made[1, 2, 3] = 65535
    return made


class TestBlanker:
    """In place where it may, in memory of its own where the frames are others'."""

    def test_writeable_tiles_are_changed(self):
        given = tile()

        made = Blanker(PixelMask(None, 65535), given.dtype, (3, 4)).apply(given)

        assert made is given
        assert given[1, 2, 3] == 0
        assert (given == 0).sum() == 1

    def test_what_was_blanked_before(self):
        """Only excluded pixels are left to do, if there are any."""
        given = tile()
        Blanker(PixelMask(None, 65535), given.dtype, (3, 4)).apply(given, blanked=True)
        assert (given == 0).sum() == 0

        mask = PixelMask(np.eye(3, 4, dtype=bool), 65535)
        Blanker(mask, given.dtype, (3, 4)).apply(given, blanked=True)

        assert (given == 0).sum() == 6
        assert given[1, 2, 3] == 65535

    def test_read_only_tiles_are_copied(self):
        given = tile()
        given.setflags(write=False)
        blanker = Blanker(PixelMask(np.eye(3, 4, dtype=bool), 65535), given.dtype, (3, 4))

        made = blanker.apply(given)
        smaller = blanker.apply(given[:1])

        assert (made == 0).sum() == 7
        assert (given == 0).sum() == 0
        assert (smaller == 0).sum() == 3
        assert np.shares_memory(made, smaller)

    def test_a_type_that_cannot_hold_the_sentinel(self):
        given = tile().astype("f4")

        assert (Blanker(PixelMask(None, 65535), given.dtype, (3, 4)).apply(given) == tile()).all()
