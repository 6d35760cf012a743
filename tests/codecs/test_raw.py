"""raw copies pixels of exactly a frame's size."""

from __future__ import annotations

import numpy as np
import pytest

from fenced import Fenced
from framefold.codecs.raw import RawCodec
from framefold.kernels import damage


class TestRawCodec:
    @pytest.mark.parametrize("length", [0, 1, 31, 33, 1000])
    def test_only_the_right_length(self, length):
        source = np.arange(1100, dtype=np.uint16).view(np.uint8)[:1000]

        status = RawCodec().decode(
            source, np.zeros(1, np.int64), np.array([length]), np.zeros((1, 16), np.uint16)
        )

        assert status[0] == damage.WRONG_LENGTH

    def test_stays_inside_its_memory(self):
        pixels = np.random.default_rng(0).integers(0, 2**16, (3, 7, 5)).astype(np.uint16)
        source = Fenced(pixels.nbytes).holding(pixels.tobytes())
        out = Fenced(pixels.nbytes).last(pixels.nbytes).view(np.uint16).reshape(3, 7, 5)

        status = RawCodec().decode(source, np.arange(3) * 70, np.full(3, 70), out, big_endian=True)

        assert not status.any()
        assert (out == pixels.byteswap()).all()
