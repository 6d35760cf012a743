"""Packed Medipix frames against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from fenced import Fenced
from framefold.codecs import codec
from framefold.core.medipix_layout import encoded_bytes
from framefold.kernels import damage
from medipix_frames import packed, quad_as_stored

TYPES = {1: "u1", 6: "u1", 12: "u2", 24: "u4"}


def counts(depth, shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2**depth, shape).astype(TYPES[depth])


def decoded(name, encoded, out):
    """Decode frames between fences, the first right behind one, the last right before one."""
    length = len(encoded) // len(out)
    status = codec(name).decode(
        encoded, np.arange(len(out)) * length, np.full(len(out), length), out
    )
    assert not status.any()
    return out


def fenced(shape, dtype, *, at_end):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = Fenced(size)
    place = memory.last(size) if at_end else memory.first(size)
    place[:] = 99
    return place.view(dtype).reshape(shape)


@pytest.mark.parametrize("depth", [1, 6, 12, 24])
@pytest.mark.parametrize("at_end", [False, True])
class TestMedipix:
    """Inverts what the readout does, inside its memory."""

    def test_single_chip(self, depth, at_end):
        frames = counts(depth, (3, 16, 256))
        encoded = b"".join(packed(frame, depth) for frame in frames)
        source = Fenced(len(encoded)).holding(encoded, at_end=at_end)

        out = decoded(f"r64-{depth}", source, fenced(frames.shape, frames.dtype, at_end=at_end))

        assert (out == frames).all()
        assert len(encoded) == 3 * encoded_bytes(16 * 256, depth)

    @pytest.mark.parametrize("gap", [0, 2])
    def test_quad(self, depth, at_end, gap):
        frames = counts(depth, (2, 64 + gap, 512 + gap), seed=gap)
        frames[:, 32 : 32 + gap] = 0
        frames[:, :, 256 : 256 + gap] = 0
        encoded = b"".join(packed(quad_as_stored(frame, gap), depth) for frame in frames)
        source = Fenced(len(encoded)).holding(encoded, at_end=at_end)
        room = fenced(frames.shape, frames.dtype, at_end=at_end)

        assert (decoded(f"r64-{depth}-quad", source, room) == frames).all()


class TestDamage:
    """Wrong sizes are told, nothing else is touched."""

    @pytest.mark.parametrize(
        ("name", "length", "shape", "dtype"),
        [
            ("r64-12", 511, (1, 256), "u2"),
            ("r64-12", 513, (1, 256), "u2"),
            ("r64-12", 512, (1, 256), "u1"),
            ("r64-1", 8, (1, 65), "u1"),
            ("r64-6-quad", 1024, (3, 512), "u1"),
            ("r64-6-quad", 1024, (2, 500), "u1"),
        ],
    )
    def test_wrong_length(self, name, length, shape, dtype):
        status = codec(name).decode(
            np.zeros(2048, np.uint8), np.zeros(1, np.int64), np.array([length]),
            np.zeros((1, *shape), dtype),
        )  # fmt: skip

        assert status[0] == damage.WRONG_LENGTH

    @pytest.mark.parametrize(("offset", "length"), [(-1, 512), (1600, 512), (0, -512)])
    def test_outside(self, offset, length):
        status = codec("r64-12").decode(
            np.zeros(2048, np.uint8), np.array([offset]), np.array([length]),
            np.zeros((1, 1, 256), "u2"),
        )  # fmt: skip

        assert status[0] == damage.OUTSIDE
