"""bslz4: golden vectors, round trips, HDF5's own filter, block sizes, hostile headers."""

from __future__ import annotations

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders import bslz4, header, lz4_block, scene
from framefold.codecs import decode_one
from framefold.codecs.bslz4 import Bslz4Codec
from framefold.core.encoding import Encoding
from framefold.kernels import damage

BSLZ4 = Encoding("bslz4")
GOLDEN_U16 = bytes.fromhex(  # 0...24, 5x5: 24 pixels in planes, 1 behind them
    "00 00 00 00 00 00 00 32  00 00 20 00  00 00 00 1a"
    "d1 aa aa aa cc cc cc f0 f0 f0 00 ff 00 00 04 00 0f 02 00 06 50 00 00 00 00 00  18 00"
)
GOLDEN_U8 = bytes.fromhex(  # 0...15, 2x8
    "00 00 00 00 00 00 00 10  00 00 20 00  00 00 00 12"
    "f0 01 aa aa cc cc f0 f0 00 ff 00 00 00 00 00 00 00 00"
)


def status_of(data, shape=(5, 5), dtype=np.uint16):
    source = np.frombuffer(data, np.uint8)
    out = np.zeros((1, *shape), dtype)
    return Bslz4Codec().decode(source, np.zeros(1, np.int64), np.array([len(data)]), out)[0]


class TestBslz4Codec:
    def test_golden_vectors(self):
        assert (decode_one(BSLZ4, GOLDEN_U16, "u2", (5, 5)) == np.arange(25).reshape(5, 5)).all()
        assert (decode_one(BSLZ4, GOLDEN_U8, "u1", (2, 8)) == np.arange(16).reshape(2, 8)).all()

    def test_an_all_zero_header_means_the_usual(self):
        """Some senders leave it blank."""
        for dtype in ("u1", "u2", "u4", "S3", "S100"):
            pixels = scene("dense", (70, 90), dtype)
            size = pixels.itemsize
            usual = max(8192 // size // 8 * 8, 128) * size
            chunk = bytes(12) + bslz4(pixels, usual)[12:]

            assert (decode_one(BSLZ4, chunk, dtype, (70, 90)) == pixels).all(), dtype

    @settings(deadline=None, max_examples=100)
    @given(
        dtype=st.sampled_from(["u1", "u2", "u4", "u8"]),
        shape=st.tuples(st.integers(1, 40), st.integers(1, 90)),
        eights=st.sampled_from([1, 8, 9, 64, 65, 100000]),
        big_endian=st.booleans(),
        share=st.sampled_from([0.0, 0.001, 0.1, 1.0]),
        highest=st.booleans(),
        seed=st.integers(0, 2**32),
    )
    def test_zero_in_place_of_the_largest_value(
        self, dtype, shape, eights, big_endian, share, highest, seed
    ):
        """As numpy does it with decoded pixels; others stay, whatever their bits."""
        kind = np.dtype(dtype)
        most = np.iinfo(kind).max
        rng = np.random.default_rng(seed)
        pixels = rng.integers(most // 2 if highest else 0, most, (2, *shape), kind, endpoint=True)
        pixels[rng.random(pixels.shape) < share] = most
        sent = pixels.byteswap() if big_endian else pixels
        chunks = [bslz4(frame, 8 * eights * kind.itemsize) for frame in sent]
        lengths = np.array([len(chunk) for chunk in chunks])
        out = np.zeros_like(pixels)

        status = Bslz4Codec().decode_blanked(
            np.frombuffer(b"".join(chunks), np.uint8), np.cumsum(lengths) - lengths, lengths, out,
            big_endian=big_endian,
        )  # fmt: skip

        assert (status == damage.GOOD).all()
        assert (out == np.where(pixels == most, 0, pixels)).all()

    @settings(deadline=None, max_examples=150)
    @given(
        kind=st.sampled_from(["sparse", "dense", "random", "constant", "zero"]),
        dtype=st.sampled_from(["u1", "u2", "u4", "u8", "f4", "S3", "S10"]),
        shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
        eights=st.sampled_from([1, 2, 8, 63, 64, 65, 128, 512, 1000, 100000]),
        seed=st.integers(0, 2**32),
    )
    def test_gives_the_pixels_back(self, kind, dtype, shape, eights, seed):
        """Any size of pixels, frames and blocks, up to one block a frame."""
        pixels = scene(kind, shape, dtype, seed)

        found = decode_one(BSLZ4, bslz4(pixels, 8 * eights * pixels.itemsize), dtype, shape)

        assert found.tobytes() == pixels.tobytes()

    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "f4", "f8", "i2", "c16"])
    @pytest.mark.parametrize("block_pixels", [0, 8, 2048])
    @pytest.mark.parametrize("kind", ["sparse", "random"])
    def test_chunks_of_hdf5s_filter(self, tmp_path, dtype, block_pixels, kind):
        pixels = scene(kind, (1, 67, 91), "u8").view("u1")[..., : 91 * np.dtype(dtype).itemsize]
        pixels = np.resize(pixels, (1, 67, 91 * np.dtype(dtype).itemsize)).view(dtype)
        with h5py.File(tmp_path / "chunks.h5", "w") as file:
            data = file.create_dataset(
                "data",
                data=pixels,
                chunks=pixels.shape,
                compression=hdf5plugin.Bitshuffle(nelems=block_pixels, cname="lz4"),
            )
            _, chunk = data.id.read_direct_chunk((0, 0, 0))

        assert decode_one(BSLZ4, chunk, dtype, (67, 91)).tobytes() == pixels.tobytes()

    def test_one_block_a_frame(self):
        """Scratch memory grows with the sender's blocks, and serves small ones afterwards."""
        large, small = scene("dense", (700, 800), "u4"), scene("dense", (30, 40), "u4")

        assert (decode_one(BSLZ4, bslz4(large, 32 * 70000), "u4", (700, 800)) == large).all()
        assert (decode_one(BSLZ4, bslz4(small), "u4", (30, 40)) == small).all()

    def test_blocks_of_different_sizes_in_a_batch(self):
        frames = scene("dense", (4, 60, 200), "u2")
        chunks = [bslz4(f, b) for f, b in zip(frames, (8192, 24000, 16, 4096), strict=True)]
        lengths = np.array([len(chunk) for chunk in chunks])
        offsets = np.cumsum(lengths) - lengths
        out = np.zeros_like(frames)

        status = Bslz4Codec().decode(
            np.frombuffer(b"".join(chunks), np.uint8), offsets, lengths, out
        )

        assert not status.any()
        assert (out == frames).all()

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", damage.TRUNCATED),
            (GOLDEN_U16[:11], damage.TRUNCATED),
            (GOLDEN_U16[:12], damage.TRUNCATED),
            (GOLDEN_U16[:15], damage.TRUNCATED),
            (GOLDEN_U16[:30], damage.TRUNCATED),
            (GOLDEN_U16[:-1], damage.TRUNCATED),
            (GOLDEN_U16 + b"\x00", damage.LEFTOVER),
            (header(48, 8192) + GOLDEN_U16[12:], damage.WRONG_TOTAL),
            (header(2**64 - 1, 8192) + GOLDEN_U16[12:], damage.WRONG_TOTAL),
            (header(2**64 - 2**32 + 50, 8192) + GOLDEN_U16[12:], damage.WRONG_TOTAL),
            (header(2**32 + 50, 8192) + GOLDEN_U16[12:], damage.WRONG_TOTAL),
            (header(50, 0) + GOLDEN_U16[12:], damage.BAD_BLOCK_SIZE),
            (header(0, 8192) + GOLDEN_U16[12:], damage.WRONG_TOTAL),
            (header(50, 8) + GOLDEN_U16[12:], damage.BAD_BLOCK_SIZE),
            (header(50, 8193) + GOLDEN_U16[12:], damage.BAD_BLOCK_SIZE),
            (header(50, 2**32 - 1) + GOLDEN_U16[12:], damage.BAD_BLOCK_SIZE),
            (header(50, 16) + GOLDEN_U16[12:], damage.BLOCK_TOO_LONG),
            (GOLDEN_U16[:12] + b"\xff\xff\xff\xff" + GOLDEN_U16[16:], damage.TRUNCATED),
            (GOLDEN_U16[:12] + b"\x80\x00\x00\x1a" + GOLDEN_U16[16:], damage.TRUNCATED),
            (GOLDEN_U16[:12] + b"\x00\x00\x00\x0a" + lz4_block(bytes(40)), damage.BLOCK_TOO_SHORT),
            (header(50, 8192) + b"\x00\x00\x00\x05\x10a\x02\x00\x00\x00\x00", damage.BAD_MATCH),
        ],
    )
    def test_damage(self, data, code):
        if code == damage.BLOCK_TOO_SHORT:
            block = lz4_block(bytes(40))
            data = header(50, 8192) + len(block).to_bytes(4, "big") + block + b"\x00\x00"

        assert status_of(data) == code

    def test_a_block_size_beyond_the_frame(self):
        """It is a limit, not a promise, and asks for no memory."""
        assert status_of(header(50, 2**32 - 16) + GOLDEN_U16[12:]) == damage.GOOD
