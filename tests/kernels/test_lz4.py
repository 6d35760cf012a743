"""One LZ4 block decodes as the reference library decodes it; damage is found, not followed."""

from __future__ import annotations

import lz4.block
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders import lz4_block
from fenced import Fenced
from framefold.kernels import damage
from framefold.kernels.lz4 import decode_block

ROOM = 1 << 17


@pytest.fixture(scope="module")
def fences():
    return Fenced(ROOM), Fenced(ROOM)


def decode(fences, block, size, slack=0):
    """Status or length, and the bytes, with fences right behind input and output."""
    source = fences[0].holding(block)
    room = fences[1].last(size + slack)
    start, target = source.ctypes.data, room.ctypes.data
    end = start + len(block)
    result = decode_block(start, end, end, target, target + size, target + size + slack)
    return result, room[:size].tobytes()


def sequence(literals, offset=None, length=None):
    """One LZ4 sequence by the book."""

    def extra(count):
        return b"" if count < 15 else b"\xff" * ((count - 15) // 255) + bytes([(count - 15) % 255])

    match = 0 if length is None else length - 4
    token = bytes([min(len(literals), 15) << 4 | min(match, 15)])
    head = token + extra(len(literals)) + literals
    return head if offset is None else head + offset.to_bytes(2, "little") + extra(match)


class TestDecodeBlock:
    @settings(deadline=None, max_examples=150)
    @given(
        seed=st.integers(0, 2**32),
        size=st.integers(1, 20000),
        values=st.integers(1, 256),
        period=st.integers(1, 400),
        noise=st.floats(0, 1),
        slack=st.sampled_from([0, 1, 63, 64]),
    )
    def test_equals_what_was_encoded(self, fences, seed, size, values, period, noise, slack):
        """Repeats of all distances, mixed with noise, with and without room behind."""
        rng = np.random.default_rng(seed)
        data = np.resize(rng.integers(0, values, period), size).astype(np.uint8)
        noisy = rng.random(size) < noise**4
        data[noisy] = rng.integers(0, 256, np.count_nonzero(noisy))

        result, found = decode(fences, lz4_block(data), size, slack)

        assert result == size
        assert found == data.tobytes()

    @pytest.mark.parametrize("slack", [0, 64])
    @pytest.mark.parametrize("length", [4, 5, 15, 18, 19, 31, 33, 64, 300, 700])
    def test_every_short_distance(self, fences, length, slack):
        """Matches that overlap themselves repeat, near the end of memory as well as far from it."""
        for offset in range(1, 70):
            for tail in (0, 1, 5, 40, 100):
                head, rest = bytes(range(offset)), bytes(range(100, 100 + tail))
                block = sequence(head, offset, length) + sequence(rest)
                expected = head + (head * length)[:length] + rest

                result, found = decode(fences, block, len(expected), slack)

                assert result == len(expected), (offset, tail)
                assert found == expected, (offset, tail)

    def test_empty(self, fences):
        assert decode(fences, b"\x00", 0)[0] == 0

    @pytest.mark.parametrize(
        ("block", "size", "code"),
        [
            (b"", 4, damage.TRUNCATED),
            (b"\x50abcd", 5, damage.TRUNCATED),
            (b"\xf0", 300, damage.TRUNCATED),
            (b"\xf0" + b"\xff" * 20, 300, damage.TRUNCATED),
            (b"\x10a\x01", 300, damage.TRUNCATED),
            (b"\x1fa\x01\x00", 300, damage.TRUNCATED),
            (b"\x10a\x01\x00", 300, damage.TRUNCATED),  # ends in a match
            (b"\x10a\x00\x00\x00", 300, damage.BAD_MATCH),
            (b"\x10a\x02\x00\x00", 300, damage.BAD_MATCH),
            (b"\x10a\x02\x00" + b"\x00" * 30, 300, damage.BAD_MATCH),
            (b"\x10a\x00\x00" + b"\x00" * 30, 300, damage.BAD_MATCH),
            (b"\x50abcde", 4, damage.BLOCK_TOO_LONG),
            (b"\x1fa\x01\x00\xff\xff\x00\x00", 100, damage.BLOCK_TOO_LONG),
        ],
    )
    def test_damage(self, fences, block, size, code):
        for slack in (0, 64):
            assert decode(fences, block, size, slack)[0] == -code

    def test_agrees_with_the_reference_on_damaged_blocks(self, fences):
        """Whatever the reference accepts, we decode to the same bytes."""
        rng = np.random.default_rng(7)
        accepted = 0
        for trial in range(3000):
            size = int(rng.integers(1, 3000))
            data = rng.poisson(0.3, size).astype(np.uint8)
            block = bytearray(lz4_block(data))
            for _ in range(rng.integers(1, 4)):
                block[rng.integers(len(block))] = rng.integers(256)
            if trial % 5 == 0:
                del block[rng.integers(1, len(block) + 1) :]
            result, found = decode(fences, bytes(block), size, 64 * (trial % 2))
            try:
                expected = lz4.block.decompress(bytes(block), uncompressed_size=size)
            except lz4.block.LZ4BlockError:
                continue
            if result == -damage.BAD_MATCH:
                continue  # an offset of zero, which the reference lets pass
            accepted += 1
            assert result == len(expected), trial
            assert found[:result] == expected, trial
        assert accepted > 100
