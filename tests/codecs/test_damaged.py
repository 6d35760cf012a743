"""Thousands of damaged frames: a status or wrong pixels, never a byte outside a frame's memory.

Input and output stand right before or right behind memory that may not be touched, and the rows
before and after the one under attack are watched.
"""

from __future__ import annotations

import dectris.compression
import numpy as np
import pytest

from damaged_bytes import damaged
from encoders import bslz4, lz4_block, lz4_framed, scene
from fenced import Fenced
from framefold.codecs import codec
from framefold.kernels import damage

ENCODERS = {"bslz4": bslz4, "lz4": lz4_block, "lz4-framed": lz4_framed}
GUARD = 0xA5


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("name", sorted(ENCODERS))
class TestDamaged:
    def test_stays_inside_its_memory(self, name, at_end):
        rng = np.random.default_rng(20 + at_end)
        inside, outside = Fenced(1 << 17), Fenced(3 << 14)
        found = set()
        for trial in range(2500):
            shape = tuple(rng.integers(1, 70, 2))
            dtype = ("u1", "u2", "u4", "u8", "S3")[trial % 5]
            kind = ("sparse", "dense", "random", "zero")[trial % 4]
            pixels = scene(kind, (1, *shape), dtype, trial)
            if 2 * pixels.nbytes > 3 << 14:
                continue
            extra = {"bslz4": (8 * pixels.itemsize * int(rng.integers(1, 300)),)}.get(name, ())
            chunk = damaged(rng, ENCODERS[name](pixels, *extra))
            source = inside.holding(chunk, at_end=at_end)
            memory = (outside.last if at_end else outside.first)(2 * pixels.nbytes)
            memory[:] = GUARD
            # the frame under attack is the one at the fence
            mine, other = (1, 0) if at_end else (0, 1)
            rows = memory.view(dtype).reshape(2, *shape)

            status = codec(name).decode(
                source, np.zeros(1, np.int64), np.array([len(chunk)]), rows[mine : mine + 1]
            )

            assert status[0] in damage.DESCRIPTIONS, trial
            assert (rows[other : other + 1].view(np.uint8) == GUARD).all(), trial
            found.add(int(status[0]))
        assert len(found) > 4


class TestAgainstAnother:
    def test_what_both_accept_is_equal(self):
        """DECTRIS's own decoder judges damaged frames as we do, and finds the same pixels."""
        rng = np.random.default_rng(3)
        both = 0
        for trial in range(1500):
            pixels = scene(("sparse", "dense")[trial % 2], (1, 40, 61), "u2", trial)
            chunk = damaged(rng, bslz4(pixels, int(rng.choice([256, 1024, 8192]))))
            out = np.empty_like(pixels)
            status = codec("bslz4").decode(
                np.frombuffer(chunk, np.uint8), np.zeros(1, np.int64), np.array([len(chunk)]), out
            )[0]
            try:
                theirs = dectris.compression.decompress(chunk, "bslz4", elem_size=2)
            except Exception:
                assert status != damage.GOOD, trial
                continue
            if len(theirs) != pixels.nbytes:
                assert status != damage.GOOD, trial
                continue
            if status in (damage.LEFTOVER, damage.BAD_MATCH):
                continue  # it lets bytes behind the frame pass, and matches at a distance of zero
            both += 1
            assert status == damage.GOOD, trial
            assert out.tobytes() == theirs, trial
        assert both > 50
