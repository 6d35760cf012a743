"""The frames of any data set, encoded as they are stored wherever that can be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.core.encoding import Encoding
from framefold.formats.chunks import ChunkedFrames
from framefold.formats.dataset import RecordedDataSet
from framefold.formats.files import FileDataSet
from framefold.formats.gathering import Segment
from framefold.formats.opened import held_open

_AT_ONCE_BYTES = 8 << 20  # decoded frames that are read together


@dataclass(frozen=True, slots=True)
class PlainFrame:
    """One frame on its way out.

    Parameters
    ----------
    number : int
        Its number, as the detector counted; where the data set does not tell, its position.
    payload : bytes
        The encoded pixels.
    encoding : Encoding
    """

    number: int
    payload: bytes
    encoding: Encoding


def plain_frames(data: RecordedDataSet) -> Iterator[PlainFrame]:
    """All frames that there are, in the order of their numbers.

    Parameters
    ----------
    data : RecordedDataSet
        Frames that are summed come as they are stored.

    Yields
    ------
    PlainFrame
        With the very bytes of the file where each frame is a chunk of its own; else with raw
        pixels, little-endian. Frames that cannot be decoded for that are left out.
    """
    if isinstance(data, FileDataSet):
        sig_shape = data.acquisition.sig_shape
        for segment in data.segments:
            if isinstance(segment.storage, ChunkedFrames):
                yield from _stored(segment, segment.storage)
            else:
                yield from _decoded(segment, sig_shape, data.stored_dtype)
        return
    for ident, (start, stop) in enumerate(pairwise(data.cuts().tolist())):
        block = data.block(ident, start, stop)
        if block is None:
            continue
        with block.open() as frames:
            yield from _read(frames, frames.positions, data.acquisition.sig_shape, data.dtype)


def _stored(segment: Segment, storage: ChunkedFrames) -> Iterator[PlainFrame]:
    file = held_open(storage.identity)
    encoding = Encoding(storage.codec, not storage.dtype.isnative)
    for i in range(segment.count):
        row = segment.first + i
        buffer = np.empty(int(storage.lengths[row]), np.uint8)
        got = file.read_into(buffer, int(storage.offsets[row]))
        yield PlainFrame(segment.number + i, buffer[:got].tobytes(), encoding)


def _decoded(
    segment: Segment, sig_shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[PlainFrame]:
    pixels = int(np.prod(sig_shape, dtype=np.int64))
    step = max(1, _AT_ONCE_BYTES // (pixels * dtype.itemsize))
    for start in range(0, segment.count, step):
        count = min(step, segment.count - start)
        first = segment.first + start
        piece = segment.storage.piece(first, first + count).open()
        try:
            numbers = np.arange(count, dtype=np.int64) + segment.number + start
            yield from _read(piece, numbers, (pixels,), dtype)
        finally:
            piece.close()


def _read(
    frames: Any, numbers: NDArray[np.int64], sig_shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[PlainFrame]:
    native = dtype.newbyteorder("=")
    out = np.empty((len(numbers), *sig_shape), native)
    rows = np.arange(len(numbers), dtype=np.int64)
    while len(rows):
        try:
            pixels = frames.read(rows, out)
        except UndecodableFrames as finding:
            rows = np.setdiff1d(rows, finding.rows)
            continue
        for row, frame in zip(rows.tolist(), pixels, strict=True):
            data = np.ascontiguousarray(frame, native.newbyteorder("<")).tobytes()
            yield PlainFrame(int(numbers[row]), data, Encoding("raw"))
        return
