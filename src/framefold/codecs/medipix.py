"""r64-*: the packed bits of Medipix3 chips as the Merlin readout hands them over."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from framefold.codecs.base import Batch, BatchCodec
from framefold.core.medipix_layout import CHIP, encoded_bytes
from framefold.kernels.compiled import inlined, kernel
from framefold.kernels.damage import GOOD, OUTSIDE, WRONG_LENGTH
from framefold.kernels.memory import clear_bytes, load_u8, load_u64_big, store_u8


class MedipixCodec(BatchCodec):
    """Puts packed pixels in order.

    Parameters
    ----------
    depth : int
        Bits of a counter: 1, 6, 12 or 24. Pixels are uint8, uint8, uint16, uint32.
    quad : bool
        Whether the frame is that of four chips, two by two; the upper two as they are, the lower
        two turned by half a turn. A frame with two more rows and columns than the chips have gets
        a cross of zeros between them.

    Notes
    -----
    Pixels come in groups of eight bytes in reversed order: 64, 8 or 4 pixels of 1, 6 or 12 bits
    (the latter in 8 and 16). A 24 bit frame is two 12 bit ones, the upper half first.
    Source: Quantum Detectors' Merlin manual, and recordings made with it.
    """

    def __init__(self, depth: int, *, quad: bool = False) -> None:
        self.name = f"r64-{depth}{'-quad' if quad else ''}"  # type: ignore[misc]  # one a depth
        self._depth = depth
        self._quad = quad

    def fill(self, batch: Batch) -> None:
        """Decode; see `BatchCodec.fill`."""
        pixels = batch.frame_bytes // batch.pixel_bytes
        wrong = batch.pixel_bytes != {1: 1, 6: 1, 12: 2, 24: 4}[self._depth]
        rows, gap = _geometry(pixels) if self._quad else (1, 0)
        if wrong or not rows or (not self._quad and pixels % 64):
            batch.status[:] = WRONG_LENGTH
            return
        if gap:
            clear_bytes(batch.target, batch.frame_bytes * len(batch.status))
        stored = 4 * rows * CHIP if self._quad else pixels
        _decode_frames(
            batch.source,
            batch.source_bytes,
            batch.offsets,
            batch.lengths,
            batch.target,
            batch.frame_bytes,
            self._depth,
            encoded_bytes(stored, self._depth),
            rows if self._quad else 0,
            gap,
            stored,
            batch.status,
        )


r64_1 = partial(MedipixCodec, 1)
r64_6 = partial(MedipixCodec, 6)
r64_12 = partial(MedipixCodec, 12)
r64_24 = partial(MedipixCodec, 24)
r64_1_quad = partial(MedipixCodec, 1, quad=True)
r64_6_quad = partial(MedipixCodec, 6, quad=True)
r64_12_quad = partial(MedipixCodec, 12, quad=True)
r64_24_quad = partial(MedipixCodec, 24, quad=True)


def _geometry(pixels: int) -> tuple[int, int]:
    """Rows of a chip and width of the gap in a frame of four; no rows if it is none."""
    for gap in (0, 2):
        width = 2 * CHIP + gap
        rows = (pixels // width - gap) // 2
        if rows > 0 and (2 * rows + gap) * width == pixels:
            return rows, gap
    return 0, 0


@kernel
def _decode_frames(
    source: int,
    source_bytes: int,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    target: int,
    frame_bytes: int,
    depth: int,
    encoded: int,
    rows: int,
    gap: int,
    pixels: int,
    status: NDArray[np.int32],
) -> None:
    for frame in range(len(status)):
        offset, length = offsets[frame], lengths[frame]
        code = GOOD
        if offset < 0 or length < 0 or offset > source_bytes - length:
            code = OUTSIDE
        elif length != encoded:
            code = WRONG_LENGTH
        elif rows:
            _decode_quad(source + offset, target + frame * frame_bytes, depth, rows, gap)
        else:
            _decode_run(source + offset, 0, target + frame * frame_bytes, 1, pixels, depth, pixels)
        status[frame] = code


@inlined
def _decode_quad(source: int, target: int, depth: int, rows: int, gap: int) -> None:
    """Four chips; a stored row has the fourth's pixels first, then the third's and so on."""
    size = 4 if depth == 24 else 2 if depth == 12 else 1
    width = 2 * CHIP + gap
    height = 2 * rows + gap
    pixels = 4 * rows * CHIP
    for row in range(rows):
        for chip in range(4):
            first = (row * 4 + 3 - chip) * CHIP
            column = chip % 2 * (CHIP + gap)
            if chip < 2:
                place, step = row * width + column, 1
            else:
                place, step = (height - 1 - row) * width + column + CHIP - 1, -1
            _decode_run(source, first, target + place * size, step, CHIP, depth, pixels)


@inlined
def _decode_run(
    source: int, first: int, target: int, step: int, count: int, depth: int, pixels: int
) -> None:
    """Some pixels of a frame, whole groups, to where they belong: forwards or backwards."""
    if depth == 1:
        for group in range(count // 64):
            bits = load_u64_big(source + (first // 64 + group) * 8)
            for i in range(64):
                store_u8(target + (group * 64 + i) * step, bits >> i & 1)
    elif depth == 6:
        for i in range(count):
            stored = first + i
            store_u8(target + i * step, load_u8(source + (stored ^ 7)))
    else:
        size = 2 if depth == 12 else 4
        for i in range(count):
            at = source + ((first + i) ^ 3) * 2
            value = load_u8(at) << 8 | load_u8(at + 1)
            place = target + i * step * size
            if depth == 24:
                low = at + 2 * pixels
                value = value << 12 | load_u8(low) << 8 | load_u8(low + 1)
                store_u8(place + 2, value >> 16)
                store_u8(place + 3, value >> 24)
            store_u8(place, value)
            store_u8(place + 1, value >> 8)
