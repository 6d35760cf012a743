"""Frames added up as they came give what their pixels give, damaged ones the same complaint."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damaged_bytes import damaged
from encoders import bslz4, scene
from fenced import Fenced
from framefold.codecs import codec, describe
from framefold.codecs.base import NOT_TRIED, EncodedFrames
from framefold.codecs.bslz4_sums import LARGEST_BLOCK_BYTES
from framefold.codecs.summable_tile import SummableTile, summing_codec
from framefold.core.block import UndecodableFrames
from framefold.core.encoded_tile import EncodedTile, region_bits
from framefold.core.encoding import Encoding


def tile_of(pixels, chunks, *, blank=False, rows=None, source=None):
    lengths = np.array([len(chunk) for chunk in chunks])
    if source is None:
        source = np.frombuffer(b"".join(chunks), np.uint8)
    found = summing_codec(Encoding("bslz4"), pixels.dtype)
    assert found is not None
    numbers = np.arange(len(pixels)) if rows is None else rows
    shape = pixels.shape[1:]
    return SummableTile(
        found, source, np.cumsum(lengths) - lengths, lengths, shape, pixels.dtype, blank, numbers
    )


def check(tile: EncodedTile, wanted, seed=0):
    """Hold all that a tile can do against numpy."""
    total = np.full(wanted.shape[1:], 7, np.uint64)
    tile.add_frames(total)
    assert (total - 7 == wanted.sum(axis=0, dtype=np.uint64)).all()
    assert (tile.frame_sums() == wanted.sum(axis=(1, 2), dtype=np.uint64)).all()
    region = np.random.default_rng(seed).random(wanted.shape[1:]) < 0.4
    bits = region_bits(region)
    inside = np.where(region, wanted, 0).astype(np.int64)
    assert (tile.frame_sums(bits) == inside.sum(axis=(1, 2))).all()
    moments = tile.frame_moments(bits)
    if wanted.shape[2] % 64:
        assert moments is None
        return
    y, x = np.indices(wanted.shape[1:])
    assert moments is not None
    for column, weight in enumerate((1, y, x)):
        assert (moments[:, column] == (inside * weight).sum(axis=(1, 2))).all()


class TestSummableTile:
    """Every size of pixels, frames, blocks and tiles."""

    @settings(deadline=None, max_examples=150)
    @given(
        kind=st.sampled_from(["sparse", "dense", "random", "constant", "zero"]),
        dtype=st.sampled_from(["u1", "u2", "u4"]),
        frames=st.integers(1, 19),
        height=st.integers(1, 40),
        width=st.one_of(st.integers(1, 90), st.sampled_from([64, 128, 192])),
        eights=st.sampled_from([1, 8, 63, 64, 65, 512, 1000, 100000]),
        blank=st.booleans(),
        seed=st.integers(0, 2**32),
    )
    def test_against_numpy(self, kind, dtype, frames, height, width, eights, blank, seed):
        pixels = scene(kind, (frames, height, width), dtype, seed)
        if blank:
            pixels = pixels.copy()
            pixels[np.random.default_rng(seed).random(pixels.shape) < 0.1] = np.iinfo(dtype).max
        chunks = [bslz4(frame, 8 * eights * pixels.itemsize) for frame in pixels]
        none = np.iinfo(dtype).max if blank else -1

        check(tile_of(pixels, chunks, blank=blank), np.where(pixels == none, 0, pixels), seed)

    @pytest.mark.parametrize("width", [64, 70])
    def test_blocks_of_different_sizes(self, width):
        """Also some that are too large to be added as planes."""
        pixels = scene("dense", (12, 700, width), "u2")
        sizes = [8192, 8192, 16, 4096, 80000, 80000, 8192, 1024, 24000, 8192, 160, 8192]
        assert max(sizes) > LARGEST_BLOCK_BYTES

        check(tile_of(pixels, [bslz4(f, s) for f, s in zip(pixels, sizes, strict=True)]), pixels)

    def test_more_frames_than_a_total_in_planes_holds(self):
        pixels = np.broadcast_to(np.full((1, 1, 16), 0xFFFF, "u2"), (70_000, 1, 16))
        chunk = bslz4(pixels[0])
        found = summing_codec(Encoding("bslz4"), pixels.dtype)
        assert found is not None
        total = np.zeros(16, np.uint64)

        frames = EncodedFrames.of(
            np.frombuffer(chunk, np.uint8), np.zeros(70_000, np.int64),
            np.full(70_000, len(chunk)), pixels.dtype, 16,
        )  # fmt: skip

        found.add_frames(frames, total)

        assert not frames.status.any()
        assert (total == 70_000 * 0xFFFF).all()

    def test_totals_of_other_types(self):
        pixels = scene("dense", (3, 5, 8), "u2")
        total = np.zeros((5, 8), np.float64)

        tile_of(pixels, [bslz4(frame) for frame in pixels]).add_frames(total)

        assert (total == pixels.sum(axis=0)).all()

    @pytest.mark.parametrize(
        ("encoding", "dtype"),
        [
            (Encoding("bslz4", big_endian=True), "u2"),
            (Encoding("bslz4"), "i2"),
            (Encoding("bslz4"), "f4"),
            (Encoding("bslz4"), "u8"),
            (Encoding("lz4"), "u2"),
            (Encoding("raw"), "u2"),
        ],
    )
    def test_what_cannot_be_summed(self, encoding, dtype):
        assert summing_codec(encoding, np.dtype(dtype)) is None


@pytest.mark.parametrize("at_end", [True, False])
class TestDamage:
    """A frame is judged as the codec judges it, and nothing beyond it is read."""

    def test_the_same_complaints_as_decoding(self, at_end):
        rng = np.random.default_rng(30 + at_end)
        inside = Fenced(1 << 17)
        seen = set()
        for trial in range(800):
            width = int(rng.choice([17, 64, 128]))
            shape = (int(rng.integers(1, 40)), width)
            pixels = scene(("sparse", "dense", "random")[trial % 3], (9, *shape), "u2", trial)
            block_bytes = 16 * int(rng.choice([1, 8, 64, 200, 512]))
            chunks = [bslz4(frame, block_bytes) for frame in pixels]
            hit = int(rng.integers(9))
            chunks[hit] = damaged(rng, chunks[hit])
            data = b"".join(chunks)
            if len(data) > 1 << 17:
                continue
            rows = 100 + 2 * np.arange(9)
            tile = tile_of(pixels, chunks, rows=rows, source=inside.holding(data, at_end=at_end))
            out = np.zeros_like(pixels)
            status = codec("bslz4").decode(tile.source, tile.offsets, tile.lengths, out)
            bad = np.flatnonzero(status)
            seen.update(status.tolist())

            steps = [lambda: tile.add_frames(np.zeros(shape, np.uint64)), tile.frame_sums]  # noqa: B023
            if width % 64 == 0:
                steps.append(lambda: tile.frame_moments(region_bits(np.ones(shape, bool))))  # noqa: B023
            for step in steps if len(bad) else ():
                with pytest.raises(UndecodableFrames) as caught:
                    step()
                assert caught.value.rows.tolist() == rows[bad].tolist(), trial
                assert caught.value.reason == describe(int(status[bad[0]])), trial
            if not len(bad):
                check(tile, out)
        assert NOT_TRIED not in seen
        assert len(seen) > 4
