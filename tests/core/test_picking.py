"""The frame at a position, or the sum of some, out of blocks that come in any way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefold.core.acquisition import Acquisition
from framefold.core.block import UndecodableFrames
from framefold.core.picking import pick
from framefold.core.pixel_mask import PixelMask
from framefold.core.scan import Scan
from framefold.errors import FrameNotHeldError

SIG = (3, 4)
SCAN = np.random.default_rng(2).integers(0, 60000, (20, *SIG)).astype("u2")


class Rows:
    """Some frames of the scan as a block; those named as damaged cannot be read."""

    ident = 0

    def __init__(self, positions: Any, damaged: Any = ()) -> None:
        self.positions = np.asarray(positions, dtype=np.int64)
        self.damaged = np.isin(self.positions, list(damaged))
        self.opened = False

    @contextmanager
    def open(self):
        self.opened = True
        yield self

    def read(self, rows, out):
        if self.damaged[rows].any():
            raise UndecodableFrames(rows[self.damaged[rows]], "as told")
        out[: len(rows)] = SCAN[self.positions[rows]]
        return out[: len(rows)]


class Held:
    """A holder of such blocks."""

    def __init__(self, *blocks: Rows, mask: PixelMask | None = None) -> None:
        self.blocks = blocks
        self.left = False
        self.acquisition = Acquisition(
            "it", "here", Scan((20,)), SIG, np.dtype("u2"), mask=mask or PixelMask()
        )

    @contextmanager
    def held(self, positions):
        yield (("ring", block) for block in self.blocks)
        self.left = True


class TestPick:
    """Against numpy."""

    def test_one(self):
        held = Held(Rows([1, 2]), Rows([5, 6, 7]))
        found = pick(held, np.array([6]))
        assert found.data.dtype == np.uint16
        assert (found.data == SCAN[6]).all()
        assert (found.positions.tolist(), found.origins) == ([6], ("ring",))
        assert held.left

    @given(
        st.lists(st.lists(st.integers(0, 19), max_size=6, unique=True), max_size=6),
        st.sets(st.integers(0, 19), min_size=2),
        st.sets(st.integers(0, 19)),
    )
    def test_sum(self, blocks, wanted, damaged):
        """Whatever overlaps, is missing or damaged."""
        there = {p for block in blocks for p in block} - damaged
        expected = sorted(wanted & there)
        held = Held(*(Rows(sorted(block), damaged) for block in blocks))
        asked = np.array(sorted(wanted))
        if not expected:
            with pytest.raises(FrameNotHeldError):
                pick(held, asked)
            return
        found = pick(held, asked)
        assert found.data.dtype == np.uint64
        assert (found.data == SCAN[expected].sum(axis=0, dtype="u8")).all()
        assert found.positions.tolist() == expected
        assert found.lacking.tolist() == sorted(wanted - there)

    def test_no_more_is_opened_than_needed(self):
        blocks = Rows([1, 2]), Rows([2, 3])
        pick(Held(*blocks), np.array([1]))
        assert [block.opened for block in blocks] == [True, False]

    def test_masked_pixels(self):
        excluded = np.zeros(SIG, bool)
        excluded[1, 2] = True
        sentinel = int(SCAN[6, 0, 0])
        wanted = np.where(excluded | (SCAN[6] == sentinel), 0, SCAN[6])
        for masked, expected in (("zero", wanted), ("raw", SCAN[6])):
            held = Held(Rows([6]), mask=PixelMask(excluded, sentinel, masked))
            assert (pick(held, np.array([6])).data == expected).all()

    def test_not_there(self):
        with pytest.raises(FrameNotHeldError, match=r"frame 6 of it: not held.*record"):
            pick(Held(Rows([5])), np.array([6]))
        with pytest.raises(FrameNotHeldError, match="2 frames of it: damaged"):
            pick(Held(Rows([5, 6], damaged=[5, 6])), np.array([5, 6]))
        with pytest.raises(FrameNotHeldError, match="frame 6 of object"):
            pick(object(), np.array([6]))
        with pytest.raises(FrameNotHeldError):
            pick(Held(), np.array([], dtype=np.int64))
