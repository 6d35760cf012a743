"""Bare LZ4: the golden vector, round trips, and exactly one frame's bytes or none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders import lz4_block, scene
from framefold.codecs import decode_one
from framefold.codecs.lz4 import Lz4Codec
from framefold.core.encoding import Encoding
from framefold.kernels import damage

GOLDEN = bytes.fromhex("1f 00 01 00 27 50 00 00 00 00 00")  # 64 zero bytes


def status_of(data, shape=(8, 8), dtype=np.uint8):
    source = np.frombuffer(data, np.uint8)
    out = np.zeros((1, *shape), dtype)
    return Lz4Codec().decode(source, np.zeros(1, np.int64), np.array([len(data)]), out)[0]


class TestLz4Codec:
    def test_golden_vector(self):
        assert (decode_one(Encoding("lz4"), GOLDEN, "u1", (8, 8)) == 0).all()

    @settings(deadline=None, max_examples=50)
    @given(
        kind=st.sampled_from(["sparse", "dense", "random", "constant", "zero"]),
        dtype=st.sampled_from(["u1", "u2", "u4", "u8"]),
        shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    )
    def test_gives_the_pixels_back(self, kind, dtype, shape):
        pixels = scene(kind, shape, dtype)

        assert (decode_one(Encoding("lz4"), lz4_block(pixels), dtype, shape) == pixels).all()

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", damage.TRUNCATED),
            (GOLDEN[:-1], damage.TRUNCATED),
            (GOLDEN + b"\x00", damage.TRUNCATED),
            (lz4_block(bytes(63)), damage.BLOCK_TOO_SHORT),
            (lz4_block(bytes(65)), damage.BLOCK_TOO_LONG),
        ],
    )
    def test_damage(self, data, code):
        assert status_of(data) in (code, damage.BLOCK_TOO_LONG)
