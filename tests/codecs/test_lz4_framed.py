"""Framed LZ4: the golden vector, round trips, HDF5's own filter, hostile headers."""

from __future__ import annotations

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders import header, lz4_block, lz4_framed, scene
from framefold.codecs import decode_one
from framefold.codecs.lz4_framed import Lz4FramedCodec
from framefold.core.encoding import Encoding
from framefold.kernels import damage

FRAMED = Encoding("lz4-framed")
GOLDEN = bytes.fromhex(  # 64 zero bytes
    "00 00 00 00 00 00 00 40  00 00 00 40  00 00 00 0b 1f 00 01 00 27 50 00 00 00 00 00"
)


def status_of(data, shape=(8, 8), dtype=np.uint8):
    source = np.frombuffer(data, np.uint8)
    out = np.zeros((1, *shape), dtype)
    return Lz4FramedCodec().decode(source, np.zeros(1, np.int64), np.array([len(data)]), out)[0]


class TestLz4FramedCodec:
    def test_golden_vector(self):
        assert (decode_one(FRAMED, GOLDEN, "u1", (8, 8)) == 0).all()

    @settings(deadline=None, max_examples=50)
    @given(
        kind=st.sampled_from(["sparse", "dense", "random", "constant", "zero"]),
        dtype=st.sampled_from(["u1", "u2", "u4", "u8"]),
        shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
        block_bytes=st.sampled_from([1, 7, 100, 4096, 1 << 30]),
    )
    def test_gives_the_pixels_back(self, kind, dtype, shape, block_bytes):
        """Blocks of any size, stored ones among them."""
        pixels = scene(kind, shape, dtype)

        found = decode_one(FRAMED, lz4_framed(pixels, block_bytes), dtype, shape)

        assert (found == pixels).all()

    @pytest.mark.parametrize("block_bytes", [0, 500])
    @pytest.mark.parametrize("kind", ["sparse", "random"])
    def test_chunks_of_hdf5s_filter(self, tmp_path, kind, block_bytes):
        pixels = scene(kind, (1, 33, 65), "u2")
        with h5py.File(tmp_path / "chunks.h5", "w") as file:
            data = file.create_dataset(
                "data",
                data=pixels,
                chunks=pixels.shape,
                compression=hdf5plugin.LZ4(nbytes=block_bytes),
            )
            _, chunk = data.id.read_direct_chunk((0, 0, 0))

        assert (decode_one(FRAMED, chunk, "u2", (33, 65)) == pixels[0]).all()

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", damage.TRUNCATED),
            (GOLDEN[:11], damage.TRUNCATED),
            (GOLDEN[:15], damage.TRUNCATED),
            (GOLDEN[:-1], damage.TRUNCATED),
            (GOLDEN + b"\x00", damage.LEFTOVER),
            (header(0, 0), damage.WRONG_TOTAL),
            (header(63, 64) + GOLDEN[12:], damage.WRONG_TOTAL),
            (header(2**64 - 1, 64) + GOLDEN[12:], damage.WRONG_TOTAL),
            (header(2**63 + 64, 64) + GOLDEN[12:], damage.WRONG_TOTAL),
            (header(64, 0) + GOLDEN[12:], damage.BAD_BLOCK_SIZE),
            (header(64, 32) + GOLDEN[12:], damage.BLOCK_TOO_LONG),
            (header(64, 64) + b"\xff\xff\xff\xff" + bytes(64), damage.TRUNCATED),
            (header(64, 64) + b"\x00\x00\x00\x00", damage.TRUNCATED),
            (header(64, 64) + b"\x00\x00\x00\x09" + lz4_block(bytes(20)), damage.BLOCK_TOO_SHORT),
        ],
    )
    def test_damage(self, data, code):
        if code == damage.BLOCK_TOO_SHORT:
            block = lz4_block(bytes(20))
            data = header(64, 64) + len(block).to_bytes(4, "big") + block

        assert status_of(data) == code

    def test_a_block_size_beyond_the_frame(self):
        """It is a limit, not a promise: HDF5's default is 1 GiB."""
        assert status_of(header(64, 2**32 - 1) + GOLDEN[12:]) == damage.GOOD
