"""Arrays in memory as a data set: for tests, notebooks, and data read by other means."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framefold.errors import ParameterError
from framefold.formats.facts import FileFacts
from framefold.formats.files import FileDataSet, Segment, acquisition_of
from framefold.formats.pieces import runs
from framefold.formats.request import Request, ScanOptions, is_pixel_type
from framefold.formats.shapes import split_axes

_count = itertools.count()  # tells the arrays of this process apart


@dataclass(frozen=True, slots=True, eq=False)
class ArrayFrames:
    """Frames in memory; a block carries only its own part of the array.

    Parameters
    ----------
    data : ndarray, shape (frames, pixels)
        The pixels, machine byte order.
    """

    data: NDArray[Any]

    @property
    def frames(self) -> int:
        """How many frames."""
        return len(self.data)

    def piece(self, first: int, stop: int) -> ArrayFrames:
        """The frames ``[first, stop)``."""
        return ArrayFrames(self.data[first:stop])

    def open(self) -> OpenArrayFrames:
        """The frames, ready to be handed out."""
        return OpenArrayFrames(self.data)


class OpenArrayFrames:
    """Frames in memory, handed out as read-only views.

    Parameters
    ----------
    data : ndarray, shape (frames, pixels)
        The pixels.
    """

    def __init__(self, data: NDArray[Any]) -> None:
        self._view = data.view()
        self._view.setflags(write=False)

    def close(self) -> None:
        """Nothing to do."""

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`; consecutive rows are not copied."""
        if rows[-1] - rows[0] + 1 == len(rows) and self._view.flags.c_contiguous:
            return self._view[rows[0] : rows[-1] + 1]
        for at, first, count in runs(rows):
            np.copyto(out[at : at + count], self._view[first : first + count])
        return out


class ArrayDataSet(FileDataSet):
    """An array as a data set.

    Parameters
    ----------
    data : array-like
        Scan axes first, detector axes last. Not copied where its layout and byte order allow.
    sig_dims : int
        How many of the last axes belong to the detector.
    nav_shape : sequence of int or None
        Another scan shape; surplus frames are ignored, positions without a frame stay missing.
    sig_shape : sequence of int or None
        Another frame shape with as many pixels.
    sync_offset : int
        Frames to skip at the start, or minus the positions to leave blank there.
    num_partitions : int or None
        How many partitions; None for as many as suit the workers.
    **scan
        How the scan ran, as for `framefold.formats.open_dataset`: ``scan_order``, ``flyback``,
        ``lead_in``, ``frames_per_position``, ``repeats``, ``positions``.

    Raises
    ------
    ParameterError
        If the array holds no numbers, or a parameter is of the wrong kind.
    ShapeError
        If the shapes do not fit.
    """

    def __init__(
        self,
        data: ArrayLike,
        sig_dims: int = 2,
        nav_shape: Sequence[int] | int | None = None,
        sig_shape: Sequence[int] | int | None = None,
        sync_offset: int = 0,
        num_partitions: int | None = None,
        **scan: Unpack[ScanOptions],
    ) -> None:
        array: NDArray[Any] = np.asarray(data)
        if not is_pixel_type(array.dtype):
            raise ParameterError(f"an array of {array.dtype} holds no pixels; give numbers")
        request = Request.of(nav_shape, sig_shape, None, sync_offset, num_partitions, **scan)
        nav, sig = split_axes(array.shape, sig_dims, "the array")
        frames = math.prod(nav)
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        storage = ArrayFrames(native.reshape(frames, math.prod(sig)))
        facts = FileFacts("memory", "an array", "the axes of the array", "raw", frames, frames)
        acquisition = acquisition_of(
            f"array-{next(_count)}",
            f"array {array.shape} {array.dtype} in memory",
            request.scan(frames, nav),
            request.frame_shape(sig, "the array"),
            native.dtype,
            facts,
            {},
        )
        super().__init__(
            acquisition, (Segment(0, storage, 0, frames),), facts, num_partitions=num_partitions
        )
