"""Dask arrays as data sets: blocks carry the part of the graph that a worker computes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from framefold.core.block import UndecodableFrames
from framefold.errors import ParameterError
from framefold.formats.extras import extra
from framefold.formats.facts import FileFacts
from framefold.formats.files import FileDataSet, Segment, acquisition_of
from framefold.formats.library import slabs
from framefold.formats.pieces import runs
from framefold.formats.request import Request, ScanOptions, is_pixel_type
from framefold.formats.shapes import split_axes

_count = itertools.count()  # tells the arrays of this process apart


def is_dask(data: object) -> bool:
    """Whether something is a Dask array; without importing Dask."""
    return type(data).__module__.startswith("dask.array") and hasattr(data, "dask")


class DaskDataSet(FileDataSet):
    """A Dask array as a data set; it is computed in the workers, a partition at a time.

    Parameters
    ----------
    data : dask.array.Array
        Scan axes first, detector axes last. Chunks that hold few whole frames suit best.
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
        As for `framefold.formats.memory.ArrayDataSet`.

    Raises
    ------
    ParameterError
        If it is no Dask array, its shape is not known, or it holds no numbers.
    ShapeError
        If the shapes do not fit.
    """

    def __init__(
        self,
        data: Any,
        sig_dims: int = 2,
        nav_shape: Sequence[int] | int | None = None,
        sig_shape: Sequence[int] | int | None = None,
        sync_offset: int = 0,
        num_partitions: int | None = None,
        **scan: Unpack[ScanOptions],
    ) -> None:
        if not is_dask(data):
            raise ParameterError(f"{type(data).__name__} is not a Dask array")
        if any(math.isnan(n) for n in data.shape):
            raise ParameterError("the Dask array does not know its shape; compute_chunk_sizes() it")
        if not is_pixel_type(data.dtype):
            raise ParameterError(f"an array of {data.dtype} holds no pixels; give numbers")
        request = Request.of(nav_shape, sig_shape, None, sync_offset, num_partitions, **scan)
        nav, sig = split_axes(tuple(int(n) for n in data.shape), sig_dims, "the array")
        storage = DaskFrames(data, nav, sig, 0, math.prod(nav))
        facts = FileFacts(
            "dask", "a Dask array", "the axes of the array", "lazy", storage.frames, storage.frames
        )
        acquisition = acquisition_of(
            f"dask-{next(_count)}",
            f"Dask array {data.shape} {data.dtype}",
            request.scan(storage.frames, nav),
            request.frame_shape(sig, "the array"),
            np.dtype(data.dtype),
            facts,
            {},
        )
        super().__init__(
            acquisition,
            (Segment(0, storage, 0, storage.frames),),
            facts,
            num_partitions=num_partitions,
            step=storage.step,
        )


@dataclass(frozen=True, slots=True, eq=False)
class DaskFrames:
    """Frames of a Dask array; storage on the main side.

    Parameters
    ----------
    data : dask.array.Array
        The array.
    nav_shape, sig_shape : tuple of int
        Its axes.
    first, frames : int
        Which of its frames, in C order.
    """

    data: Any
    nav_shape: tuple[int, ...]
    sig_shape: tuple[int, ...]
    first: int
    frames: int

    @property
    def step(self) -> int:
        """Frames that are computed together."""
        leading = self.data.chunks[: self.data.ndim - len(self.sig_shape)]
        axis = next((a for a, lengths in enumerate(leading) if max(lengths) > 1), len(leading) - 1)
        return int(max(leading[axis])) * math.prod(self.nav_shape[axis + 1 :]) if leading else 1

    def piece(self, first: int, stop: int) -> PickledFrames:
        """The frames ``[first, stop)``: the boxes of the array that they fill."""
        axes = self.nav_shape if self.data.ndim > len(self.sig_shape) else ()
        boxes = [
            self.data[(*slab, ...)].reshape(-1, math.prod(self.sig_shape))
            for slab in slabs(axes, self.first + first, stop - first)
        ]
        # slicing leaves the tasks of the other chunks in the graph
        dask = extra("dask", "dask", "the array")
        return PickledFrames(cloudpickle.dumps(list(dask.optimize(*boxes))), stop - first)


@dataclass(frozen=True, slots=True)
class PickledFrames:
    """Frames of a Dask array on their way to a worker.

    Parameters
    ----------
    boxes : bytes
        The arrays, pickled with their graphs: the workers' own pipe carries them.
    frames : int
        How many frames they hold together.
    """

    boxes: bytes
    frames: int

    def open(self) -> OpenDaskFrames:
        """The arrays, ready to be computed."""
        return OpenDaskFrames(cloudpickle.loads(self.boxes))


class OpenDaskFrames:
    """Computes boxes when a frame in them is wanted, and keeps the last one.

    Parameters
    ----------
    boxes : list of dask.array.Array, each of shape (frames, pixels)
        One after another, all frames of the piece.
    """

    def __init__(self, boxes: list[Any]) -> None:
        self._boxes = boxes
        self._starts = np.cumsum([0, *(int(box.shape[0]) for box in boxes)])
        self._kept: tuple[int, NDArray[Any]] | None = None

    def close(self) -> None:
        """Forget what was computed."""
        self._kept = None

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `framefold.formats.pieces.OpenPiece.read`."""
        for at, row, count in runs(rows):
            done = 0
            while done < count:
                box = int(np.searchsorted(self._starts, row + done, side="right")) - 1
                start = row + done - int(self._starts[box])
                taken = min(count - done, int(self._starts[box + 1]) - row - done)
                pixels = self._computed(box, rows)
                out[at + done : at + done + taken] = pixels[start : start + taken]
                done += taken
        return out

    def _computed(self, box: int, rows: NDArray[np.int64]) -> NDArray[Any]:
        if self._kept is None or self._kept[0] != box:
            try:
                # one thread: the workers are the parallelism
                made = np.asarray(self._boxes[box].compute(scheduler="synchronous"))
            except Exception as error:
                # the graph is the user's: whatever it raises, these frames cannot be had
                raise UndecodableFrames(rows, f"{type(error).__name__}: {error}") from error
            self._kept = (box, made)
        return self._kept[1]
