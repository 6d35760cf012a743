"""Sums of bslz4 frames as they came: their bit planes are added up, no pixel is ever made.

The blocks of eight frames are decoded side by side and added at once, `kernels.plane_totals`; both
stay in the first cache. The format is told in `kernels.bslz4_blocks`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from framefold.codecs.base import NOT_TRIED, EncodedFrames
from framefold.codecs.scratch import scratch
from framefold.kernels.bitplanes import WORKSPACE
from framefold.kernels.bslz4_blocks import (
    HEADER_BYTES,
    USUAL_BLOCK_BYTES,
    block_length,
    copy_tail,
    decode_planes,
    frame_block_size,
)
from framefold.kernels.compiled import kernel
from framefold.kernels.damage import GOOD, LEFTOVER
from framefold.kernels.memory import SLACK, clear_bytes, load_u8
from framefold.kernels.plane_counts import WEIGHTS, add_moments, count_planes
from framefold.kernels.plane_totals import CARRIES, TOGETHER, add_planes, add_total
from framefold.kernels.plane_vectors import STEP

LARGEST_BLOCK_BYTES = 1 << 16
"""Frames with larger blocks are not added up here: eight of these would not stay in the cache."""

_ROOM_BYTES = TOGETHER * (LARGEST_BLOCK_BYTES + SLACK) + CARRIES + WORKSPACE
_MOST_FRAMES = (1 << 16) - TOGETHER  # then 16 more bits than a pixel has hold any sum


def add_frames(frames: EncodedFrames, total: NDArray[np.uint64]) -> None:
    """Add frames to a total; see `framefold.codecs.base.SummingCodec.add_frames`."""
    memory = scratch(_ROOM_BYTES)
    first = 0
    while first < len(frames.status):
        # blocks of another size, or so many frames that their total might not fit: starts afresh
        block_bytes = _next_block_size(*frames, first)
        kept = 32 if frames.pixel_bytes <= 2 else 64
        pixels = len(total) // 8 * 8
        planes = np.zeros(pixels // 8 * kept + SLACK, np.uint8)
        stop = min(len(frames.status), first + _MOST_FRAMES)
        first = _add_frames(
            *frames, first, stop, block_bytes, memory, planes.ctypes.data, kept, total
        )
        block_pixels = block_bytes // frames.pixel_bytes
        integers = np.empty(min(block_pixels, pixels), np.uint32)
        add_total(planes.ctypes.data, pixels, block_pixels, kept, integers, memory, total)


def frame_sums(
    frames: EncodedFrames, region: NDArray[np.uint8] | None = None
) -> NDArray[np.uint64]:
    """The sum of each frame; see `framefold.codecs.base.SummingCodec.frame_sums`."""
    sums = np.zeros(len(frames.status), np.uint64)
    _frame_sums(*frames, scratch(_ROOM_BYTES), 0 if region is None else region.ctypes.data, sums)
    return sums


PIXELS_SIDE_BY_SIDE = 64
"""Rows of pixels must be a multiple of that for `frame_moments`."""


def frame_moments(
    frames: EncodedFrames, sig_shape: tuple[int, int], region: NDArray[np.uint8]
) -> NDArray[np.int64] | None:
    """Sum and moments; see `framefold.codecs.base.SummingCodec.frame_moments`."""
    if sig_shape[1] % PIXELS_SIDE_BY_SIDE:
        return None
    rows, columns = _places(sig_shape)
    moments = np.zeros((len(frames.status), 3), np.int64)
    _frame_moments(
        *frames, scratch(_ROOM_BYTES), region.ctypes.data, rows.ctypes.data, columns.ctypes.data,
        np.zeros(WEIGHTS // 8, np.int64), moments,
    )  # fmt: skip
    return moments


@lru_cache(maxsize=8)
def _places(sig_shape: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and first column of each 64 pixels of a frame; seven more behind."""
    height, width = sig_shape
    first = np.arange(0, height * width, PIXELS_SIDE_BY_SIDE, dtype=np.int64)
    rows, columns = (np.append(x, np.zeros(7, np.int64)) for x in divmod(first, width))
    return rows, columns


@kernel
def _next_block_size(
    source: int,
    source_bytes: int,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    frame_bytes: int,
    pixel_bytes: int,
    status: NDArray[np.int32],
    _blank: int,
    first: int,
) -> int:
    """The block size of the first frame that can be added [bytes]; the usual one, if none can."""
    for frame in range(first, len(status)):
        found = frame_block_size(
            source_bytes, offsets[frame], lengths[frame], source + offsets[frame],
            frame_bytes, pixel_bytes,
        )  # fmt: skip
        if 0 < found <= LARGEST_BLOCK_BYTES:
            return found
    return USUAL_BLOCK_BYTES


@kernel
def _tail_pixel(place: int, number: int, pixel_bytes: int) -> int:
    """One of the pixels behind the last block."""
    value = 0
    for byte in range(pixel_bytes):
        value |= load_u8(place + number * pixel_bytes + byte) << 8 * byte
    return value


@kernel
def _add_frames(
    source: int,
    source_bytes: int,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    frame_bytes: int,
    pixel_bytes: int,
    status: NDArray[np.int32],
    blank: int,
    first: int,
    stop: int,
    block_bytes: int,
    memory: int,
    planes: int,
    kept: int,
    total: NDArray[np.uint64],
) -> int:
    """Add frames to a total in planes, eight at a time; see `add_frames`."""
    apart = block_bytes + SLACK
    carries = memory + TOGETHER * apart
    places = np.empty(TOGETHER, np.int64)
    while first < stop:
        count = 0
        while count < TOGETHER and first + count < stop:
            frame = first + count
            start = source + offsets[frame]
            found = frame_block_size(
                source_bytes, offsets[frame], lengths[frame], start, frame_bytes, pixel_bytes
            )
            if found > LARGEST_BLOCK_BYTES:
                status[frame] = NOT_TRIED
            elif found > 0 and found != block_bytes:
                stop = frame
                break
            else:
                status[frame] = GOOD if found > 0 else -found
            places[count] = start + HEADER_BYTES
            count += 1
        done = 0
        place = planes
        while frame_bytes - done >= 8 * pixel_bytes:
            wanted = block_length(frame_bytes - done, block_bytes, pixel_bytes)
            for i in range(TOGETHER):
                target = memory + i * apart
                good = i < count and status[first + i] == GOOD
                if good:
                    end = source + offsets[first + i] + lengths[first + i]
                    places[i] = decode_planes(places[i], end, target, wanted, pixel_bytes, blank)
                    if places[i] < 0:
                        status[first + i] = -places[i]
                        good = False
                if not good:
                    clear_bytes(target, wanted)
            stride = wanted // pixel_bytes // 8
            add_planes(memory, apart, stride, 8 * pixel_bytes, place, carries)
            place += kept * stride
            done += wanted
        rest = frame_bytes - done
        for i in range(count):
            if status[first + i] == GOOD:
                end = source + offsets[first + i] + lengths[first + i]
                status[first + i] = copy_tail(places[i], end, rest, pixel_bytes, blank, memory)
                for number in range(rest // pixel_bytes):
                    value = _tail_pixel(memory, number, pixel_bytes)
                    total[done // pixel_bytes + number] += np.uint64(value)
        first += count
    return first


@kernel
def _frame_sums(
    source: int,
    source_bytes: int,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    frame_bytes: int,
    pixel_bytes: int,
    status: NDArray[np.int32],
    blank: int,
    memory: int,
    region: int,
    sums: NDArray[np.uint64],
) -> None:
    """The sum of each frame, of the pixels of a region unless that is 0; see `frame_sums`."""
    for frame in range(len(status)):
        start = source + offsets[frame]
        block_bytes = frame_block_size(
            source_bytes, offsets[frame], lengths[frame], start, frame_bytes, pixel_bytes
        )
        if block_bytes <= 0 or block_bytes > LARGEST_BLOCK_BYTES:
            status[frame] = -block_bytes if block_bytes <= 0 else NOT_TRIED
            continue
        end = start + lengths[frame]
        place = start + HEADER_BYTES
        chosen = region
        found = 0
        done = 0
        while frame_bytes - done >= 8 * pixel_bytes:
            wanted = block_length(frame_bytes - done, block_bytes, pixel_bytes)
            place = decode_planes(place, end, memory, wanted, pixel_bytes, blank)
            if place < 0:
                break
            stride = wanted // pixel_bytes // 8
            found += count_planes(memory, stride, 8 * pixel_bytes, chosen)
            done += wanted
            if region != 0:
                chosen += stride
        if place < 0:
            status[frame] = -place
            continue
        rest = frame_bytes - done
        status[frame] = copy_tail(place, end, rest, pixel_bytes, blank, memory)
        for number in range(rest // pixel_bytes):
            if region == 0 or load_u8(chosen) >> number & 1:
                found += _tail_pixel(memory, number, pixel_bytes)
        sums[frame] = np.uint64(found)


@kernel
def _frame_moments(
    source: int,
    source_bytes: int,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    frame_bytes: int,
    pixel_bytes: int,
    status: NDArray[np.int32],
    blank: int,
    memory: int,
    region: int,
    rows: int,
    columns: int,
    weights: NDArray[np.int64],
    moments: NDArray[np.int64],
) -> None:
    """Sum and moments of each frame of whole 64 pixels; see `frame_moments`."""
    for frame in range(len(status)):
        start = source + offsets[frame]
        block_bytes = frame_block_size(
            source_bytes, offsets[frame], lengths[frame], start, frame_bytes, pixel_bytes
        )
        # planes of whole 64 bytes: what is read behind the last of them is in no region
        whole = block_bytes % (8 * STEP * pixel_bytes) == 0 or block_bytes >= frame_bytes
        if block_bytes <= 0 or block_bytes > LARGEST_BLOCK_BYTES or not whole:
            status[frame] = -block_bytes if block_bytes <= 0 else NOT_TRIED
            continue
        end = start + lengths[frame]
        place = start + HEADER_BYTES
        weights[:] = 0
        done = 0
        while done < frame_bytes:
            wanted = block_length(frame_bytes - done, block_bytes, pixel_bytes)
            place = decode_planes(place, end, memory, wanted, pixel_bytes, blank)
            if place < 0:
                break
            before = done // pixel_bytes // 8
            add_moments(
                memory, wanted // pixel_bytes // 8, 8 * pixel_bytes, region + before,
                rows + before, columns + before, weights.ctypes.data,
            )  # fmt: skip
            done += wanted
        if place < 0:
            status[frame] = -place
            continue
        status[frame] = GOOD if place == end else LEFTOVER
        for lane in range(8):
            for number in range(3):
                moments[frame, number] += weights[8 * number + lane]
