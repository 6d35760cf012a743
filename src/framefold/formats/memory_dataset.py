"""MemoryDataSet: an array as a data set, by the keywords that LiberTEM users know."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from framefold.errors import ParameterError, ShapeError
from framefold.formats.memory import ArrayDataSet, ArrayFrames, OpenArrayFrames
from framefold.formats.request import ScanOptions


@dataclass(frozen=True, slots=True, eq=False)
class SlowFrames(ArrayFrames):
    """Frames in memory that take their time, as those on a slow disk do.

    Parameters
    ----------
    data : ndarray, shape (frames, pixels)
        The pixels.
    delay : float
        What each reading waits [s].
    """

    delay: float = 0.0

    def piece(self, first: int, stop: int) -> SlowFrames:
        """The frames ``[first, stop)``."""
        return SlowFrames(self.data[first:stop], self.delay)

    def open(self) -> OpenSlowFrames:
        """The frames, ready to be handed out."""
        return OpenSlowFrames(self.data, self.delay)


class OpenSlowFrames(OpenArrayFrames):
    """Frames in memory, handed out after a while; parameters as in `SlowFrames`."""

    def __init__(self, data: NDArray[Any], delay: float) -> None:
        super().__init__(data)
        self._delay = delay

    def read(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """See `OpenArrayFrames.read`."""
        time.sleep(self._delay)
        return super().read(rows, out)


class MemoryDataSet(ArrayDataSet):
    """An array as a data set, by the keywords that LiberTEM users know.

    Parameters
    ----------
    data : array-like, optional
        Scan axes first, detector axes last; sparse arrays are made dense.
    sig_dims : int, optional
        How many axes the detector has: the last of ``data``, or those of ``sig_shape``. When left
        out: as many as go with
        ``sig_shape``, or as ``nav_shape`` of two axes and more leaves, or 2.
    tileshape : sequence of int, optional
        Shape of tiles, ``(depth,)`` and the lengths along the detector's axes, whatever the UDFs
        of a run ask for; UDFs that work on frames or partitions still get whole ones.
    num_partitions : int, optional
        How many partitions; as many as suit the workers when left out.
    datashape : sequence of int, optional
        Shape to take ``data`` in; without data, the shape of float32 zeros.
    nav_shape, sig_shape, sync_offset
        As for `ArrayDataSet`.
    check_cast : bool
        Accepted and without effect: the pixel type of a run holds every recorded value anyway.
    tiledelay : float, optional
        Wait before each reading of frames [s], as a slow disk would.
    base_shape : sequence of int, optional
        Accepted and without effect: tiles of any shape can be cut out of an array.
    force_need_decode : bool
        Accepted and without effect: tiles are as large with decoding as without.
    array_backends : sequence of str, optional
        Array libraries that frames count as cheap in, when those of a run are chosen; numpy when
        left out.
    io_backend : object, optional
        Accepted and without effect.
    **scan
        As for `ArrayDataSet`.

    Raises
    ------
    ParameterError
        If there is neither ``data`` nor ``datashape``, or a parameter is of the wrong kind.
    ShapeError
        If the shapes do not fit.
    """

    def __init__(
        self,
        data: Any = None,
        sig_dims: int | None = None,
        tileshape: Sequence[int] | None = None,
        num_partitions: int | None = None,
        datashape: Sequence[int] | None = None,
        nav_shape: Sequence[int] | int | None = None,
        sig_shape: Sequence[int] | int | None = None,
        sync_offset: int = 0,
        check_cast: bool = True,  # noqa: ARG002
        tiledelay: float | None = None,
        base_shape: Sequence[int] | None = None,  # noqa: ARG002
        force_need_decode: bool = False,  # noqa: ARG002
        array_backends: Sequence[str] | None = None,
        io_backend: object = None,  # noqa: ARG002
        **scan: Unpack[ScanOptions],
    ) -> None:
        self.tile_shape = None if tileshape is None else tuple(int(n) for n in tileshape)
        """Shape of tiles; None for what suits the UDFs."""
        self._array_backends = tuple(array_backends or ("numpy",))
        array = _array(data, datashape)
        self.data = array
        """The array."""
        if sig_dims is None:
            sig_dims = _sig_dims(array.shape, nav_shape, sig_shape)
        elif sig_shape is not None:
            if sig_dims != len(_axes(sig_shape)):
                raise ShapeError(f"sig_shape={sig_shape} has not sig_dims={sig_dims} axes")
            # sig_dims axes of the frames to come; of the array as many as hold these pixels
            pixels = math.prod(_axes(sig_shape))
            if math.prod(array.shape[len(array.shape) - sig_dims :]) != pixels:
                sig_dims = _sig_dims(array.shape, nav_shape, sig_shape)
        super().__init__(array, sig_dims, nav_shape, sig_shape, sync_offset, num_partitions, **scan)
        if tiledelay:
            self.segments = tuple(
                replace(segment, storage=SlowFrames(segment.storage.data, float(tiledelay)))
                for segment in self.segments
                if isinstance(segment.storage, ArrayFrames)
            )

    @property
    def array_backends(self) -> tuple[str, ...]:
        """Array libraries that frames count as cheap in."""
        return self._array_backends


def _array(data: Any, datashape: Sequence[int] | None) -> NDArray[Any]:
    if data is None:
        if datashape is None:
            raise ParameterError("a data set in memory needs data=, or datashape= for zeros")
        return np.zeros(tuple(datashape), dtype=np.float32)
    if hasattr(data, "toarray") or hasattr(data, "todense"):
        data = data.toarray() if hasattr(data, "toarray") else data.todense()
    array: NDArray[Any] = np.asarray(data)
    return array if datashape is None else array.reshape(tuple(datashape))


def _axes(shape: Sequence[int] | int) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _sig_dims(
    shape: tuple[int, ...],
    nav_shape: Sequence[int] | int | None,
    sig_shape: Sequence[int] | int | None,
) -> int:
    """How many axes are the detector's, judged by what is said of shapes; two if nothing is."""
    usual = min(2, len(shape))
    if sig_shape is None:
        left = 0 if nav_shape is None else len(shape) - len(_axes(nav_shape))
        # a flat scan shape may stand for several axes of the array
        return left if left >= 1 and len(_axes(nav_shape or ())) > 1 else usual
    pixels = math.prod(_axes(sig_shape))
    fitting = [dims for dims in range(1, len(shape) + 1) if math.prod(shape[-dims:]) == pixels]
    return usual if usual in fitting or not fitting else fitting[0]
