"""Partitions, tiles and facts of a data set, for those who want the frames themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from framefold.core.acquisition import Acquisition
from framefold.core.block import Block
from framefold.core.shape import Shape, Slice
from framefold.udf.blanker import Blanker
from framefold.udf.tiling import DEFAULT_DEPTH, TilingScheme


class Cuttable(Protocol):
    """A data set whose frames can be had by position."""

    @property
    def acquisition(self) -> Acquisition:
        """What was measured."""

    @property
    def meta(self) -> DataSetMeta:
        """Its facts."""

    def block(self, ident: int, start: int, stop: int) -> Block | None:
        """The frames at the flat scan positions ``[start, stop)``; None if there are none."""


@dataclass(frozen=True, slots=True)
class DataSetMeta:
    """Facts of a data set.

    Parameters
    ----------
    shape : Shape
        Scan and detector.
    raw_dtype : numpy.dtype
        Pixel type as recorded.
    sync_offset : int
        Frames skipped at the start, or minus the positions left blank there.
    image_count : int
        Frames there are [frames].
    array_backends : tuple of str
        Array libraries frames come in.
    """

    shape: Shape
    raw_dtype: np.dtype[Any]
    sync_offset: int
    image_count: int
    array_backends: tuple[str, ...] = ("numpy",)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type as recorded; nothing is converted on the way to a UDF that wants it so."""
        return self.raw_dtype


@dataclass(frozen=True, slots=True, eq=False)
class DataTile:
    """Some frames, or one region of them, and their place; numpy takes it for the array.

    Parameters
    ----------
    data : ndarray, shape (frames,) + cell
        The pixels.
    tile_slice : Slice
        Their place: over the flat navigation axis, compressed by the selection.
    scheme_idx : int
        Number of the cell in the tiling scheme.
    """

    data: NDArray[Any]
    tile_slice: Slice
    scheme_idx: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of ``data``."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of ``data``."""
        return self.data.dtype

    @property
    def flat_data(self) -> NDArray[Any]:
        """One row a frame: shape (frames, pixels)."""
        return self.data.reshape(len(self.data), -1)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.data, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> Any:
        return self.data[index]


class Partition:
    """Consecutive scan positions of a data set, whole frames.

    Parameters
    ----------
    data_set : Cuttable
        Where they come from.
    number : int
        Which of its partitions this is.
    start, stop : int
        Flat scan positions ``[start, stop)``.
    """

    def __init__(self, data_set: Cuttable, number: int, start: int, stop: int) -> None:
        self._data_set = data_set
        self._number = number
        self._start = start
        self._stop = stop

    @property
    def slice(self) -> Slice:
        """The partition over the flat navigation axis, not compressed by any selection."""
        sig = self._data_set.acquisition.sig_shape
        shape = Shape((self._stop - self._start, *sig), len(sig))
        return Slice((self._start, *(0 for _ in sig)), shape)

    @property
    def shape(self) -> Shape:
        """``(positions,)`` and the detector axes."""
        return self.slice.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Pixel type as recorded."""
        return self._data_set.acquisition.dtype

    @property
    def meta(self) -> DataSetMeta:
        """Facts of the data set."""
        return self._data_set.meta

    def get_ident(self) -> str:
        """What it is called."""
        return f"partition-{self._number}"

    def get_locations(self) -> None:
        """No place is better than another."""

    def get_frame_count(self, roi: ArrayLike | None = None) -> int:
        """How many positions it has, or how many of them are selected."""
        return self.slice.adjust_for_roi(_flat(roi)).shape[0]

    def get_tiles(
        self,
        tiling_scheme: TilingScheme | None = None,
        dest_dtype: DTypeLike = "float32",
        roi: ArrayLike | None = None,
        array_backend: str | None = None,  # noqa: ARG002 - frames come as numpy arrays
    ) -> Iterator[DataTile]:
        """The frames, cut by a scheme; positions without a frame are left out.

        Parameters
        ----------
        tiling_scheme : TilingScheme, optional
            How to cut; as the data set was told to, or a few whole frames at a time, when left out.
        dest_dtype : dtype-like
            Pixel type of the tiles.
        roi : array-like of bool, optional
            Selected positions of the scan.
        array_backend : str, optional
            Accepted; tiles are numpy arrays.

        Yields
        ------
        DataTile
        """
        block = self._data_set.block(self._number, self._start, self._stop)
        if block is None:
            return
        flat = _flat(roi)
        sig = self._data_set.acquisition.sig_shape
        if tiling_scheme is None:
            asked = getattr(self._data_set, "tile_shape", None)
            few = Shape(asked or (DEFAULT_DEPTH, *sig), len(sig))
            tiling_scheme = TilingScheme.make_for_shape(few, self._data_set.meta.shape)
        depth = max(1, tiling_scheme.depth)
        with block.open() as frames:
            positions = frames.positions
            rows = np.arange(len(positions)) if flat is None else np.flatnonzero(flat[positions])
            counted = positions[rows] if flat is None else (np.cumsum(flat) - 1)[positions[rows]]
            mask = self._data_set.acquisition.mask
            blanker = Blanker(mask, np.dtype(self.dtype), sig) if mask.blanks else None
            for part in _contiguous(counted, depth):
                scratch = np.empty((part.stop - part.start, *sig), dtype=self.dtype)
                stack = frames.read(rows[part], scratch)
                if not np.may_share_memory(stack, scratch):
                    stack = stack.copy()  # tiles outlive the block, whose memory is lent on
                if blanker is not None:
                    stack = blanker.apply(stack)
                stack = stack.astype(dest_dtype, copy=False)
                for number, cell in tiling_scheme.slices:
                    tile = cell.get(stack, sig_only=True)
                    origin = (int(counted[part.start]), *cell.origin)
                    shape = Shape((len(tile), *cell.shape), len(sig))
                    yield DataTile(tile, Slice(origin, shape), number)

    def get_macrotile(
        self, dest_dtype: DTypeLike = "float32", roi: ArrayLike | None = None
    ) -> DataTile:
        """All selected frames in one piece; positions without a frame are zero."""
        box = self.slice.adjust_for_roi(_flat(roi))
        data = np.zeros(tuple(box.shape), dtype=dest_dtype)
        scheme = TilingScheme.make_for_shape(
            Shape((max(1, box.shape[0]), *box.shape.sig), box.shape.sig_dims), box.shape
        )
        for tile in self.get_tiles(scheme, dest_dtype, roi):
            first = tile.tile_slice.origin[0] - box.origin[0]
            data[first : first + len(tile)] = tile.data
        return DataTile(data, box)


def _flat(roi: ArrayLike | None) -> NDArray[np.bool_] | None:
    return None if roi is None else np.asarray(roi, dtype=bool).reshape(-1)


def _contiguous(numbers: NDArray[np.int64], depth: int) -> Iterator[slice]:
    """Stretches without a gap, none longer than ``depth``."""
    first = 0
    for at in range(1, len(numbers) + 1):
        at_end = at == len(numbers) or numbers[at] != numbers[at - 1] + 1
        if at_end or at - first == depth:
            yield slice(first, at)
            first = at
