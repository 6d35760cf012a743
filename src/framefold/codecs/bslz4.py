"""bslz4: bitshuffle and LZ4 (SIMPLON streams ``bs16-lz4<``, ``"bslz4"``; HDF5 filter 32008).

The format is told in `framefold.kernels.bslz4_blocks`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import bslz4_sums
from framefold.codecs.base import Batch, EncodedFrames, SummingCodec
from framefold.codecs.scratch import scratch
from framefold.kernels.bitplanes import WORKSPACE, restore_integers
from framefold.kernels.bslz4_blocks import (
    HEADER_BYTES,
    USUAL_BLOCK_BYTES,
    block_length,
    copy_tail,
    decode_planes,
    frame_block_size,
)
from framefold.kernels.compiled import kernel
from framefold.kernels.damage import GOOD
from framefold.kernels.memory import SLACK, swap_bytes


class Bslz4Codec(SummingCodec):
    """Decodes bitshuffled LZ4 frames of pixels of any size; 1, 2 and 4 bytes are fast."""

    name = "bslz4"

    def fill(self, batch: Batch, *, blank: bool = False) -> None:
        """Decode; see `BlankingCodec.fill`.

        An all-zero header stands for the size of a frame and the usual block size.
        """
        room = USUAL_BLOCK_BYTES
        while True:
            needed = _decode_frames(*batch, scratch(room + SLACK + WORKSPACE), room, int(blank))
            if needed <= room:
                return
            # A sender with larger blocks. No block is larger than a frame, whatever a header says.
            room = needed

    def add_frames(self, frames: EncodedFrames, total: NDArray[np.uint64]) -> None:
        """Add frames up; see `SummingCodec.add_frames`."""
        bslz4_sums.add_frames(frames, total)

    def frame_sums(
        self, frames: EncodedFrames, region: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint64]:
        """The sum of each frame; see `SummingCodec.frame_sums`."""
        return bslz4_sums.frame_sums(frames, region)

    def frame_moments(
        self, frames: EncodedFrames, sig_shape: tuple[int, int], region: NDArray[np.uint8]
    ) -> NDArray[np.int64] | None:
        """Sum and moments of each frame; see `SummingCodec.frame_moments`."""
        return bslz4_sums.frame_moments(frames, sig_shape, region)


@kernel
def _decode_frame(
    start: int,
    end: int,
    row: int,
    frame_bytes: int,
    pixel_bytes: int,
    block_bytes: int,
    memory: int,
    blank: int,
) -> int:
    """One frame between two addresses, header known to be good; a number of `damage`."""
    place = start + HEADER_BYTES
    workspace = memory + min(block_bytes, frame_bytes) + SLACK
    done = 0
    while frame_bytes - done >= 8 * pixel_bytes:
        wanted = block_length(frame_bytes - done, block_bytes, pixel_bytes)
        place = decode_planes(place, end, memory, wanted, pixel_bytes, blank)
        if place < 0:
            return -place
        restore_integers(memory, wanted // pixel_bytes, pixel_bytes, row + done, workspace)
        done += wanted
    return copy_tail(place, end, frame_bytes - done, pixel_bytes, blank, row + done)


@kernel
def _decode_frames(
    source: int,
    source_bytes: int,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    target: int,
    frame_bytes: int,
    pixel_bytes: int,
    swap: int,
    status: NDArray[np.int32],
    memory: int,
    room: int,
    blank: int,
) -> int:
    """All frames; returns the room the largest block needs, frames that need more are left out."""
    needed = 0
    for frame in range(len(status)):
        row = target + frame * frame_bytes
        start = source + offsets[frame]
        length = lengths[frame]
        block_bytes = frame_block_size(
            source_bytes, offsets[frame], length, start, frame_bytes, pixel_bytes
        )
        code = -block_bytes
        if block_bytes > 0:
            needed = max(needed, min(block_bytes, frame_bytes))
            if needed <= room:
                end = start + length
                code = _decode_frame(
                    start, end, row, frame_bytes, pixel_bytes, block_bytes, memory, blank
                )
                if code == GOOD:
                    swap_bytes(row, frame_bytes, swap)
        status[frame] = code
    return needed
