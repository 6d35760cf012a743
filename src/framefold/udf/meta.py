"""UDFMeta: what a UDF may know about the run and about where it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from framefold.core.corrections import CorrectionSet, corrected_dtype
from framefold.core.shape import Shape, Slice
from framefold.udf.dtype import machine_order
from framefold.udf.tiling import TilingScheme


class UDFMeta:
    """Facts of the run, and the place in it; one object is shared by the UDFs of a partition.

    The place is kept as plain integers: `move` is called for every frame, while `slice` and
    `coordinates` are made only for those who ask.

    Parameters
    ----------
    partition_slice : Slice or None
        The partition over the flat navigation axis, not yet compressed by the selection;
        None on the main side.
    dataset_shape : Shape
        Navigation and signal axes, whatever is selected.
    roi : ndarray of bool, or None
        Selected positions, nav-shaped or flat.
    dataset_dtype, input_dtype : dtype-like
        Pixel type as recorded, and as UDFs get it.
    tiling_scheme : TilingScheme, optional
        How tiles are cut; None on the main side.
    tiling_index : int
        Number of the current cell.
    corrections : CorrectionSet, optional
        What was done to the pixels.
    device_class : str, optional
        ``"cpu"`` when left out.
    threads_per_worker : int, optional
        How many threads a UDF may start.
    array_backend : str, optional
        Array library of the frames; None on the main side.
    valid_nav_mask : ndarray of bool, optional
        Flat, compressed by the selection: positions that are merged.
    """

    def __init__(
        self,
        partition_slice: Slice | None,
        dataset_shape: Shape,
        roi: NDArray[np.bool_] | None,
        dataset_dtype: DTypeLike,
        input_dtype: DTypeLike,
        tiling_scheme: TilingScheme | None = None,
        tiling_index: int = 0,
        corrections: CorrectionSet | None = None,
        device_class: str | None = None,
        threads_per_worker: int | None = None,
        array_backend: str | None = None,
        valid_nav_mask: NDArray[np.bool_] | None = None,
    ) -> None:
        self._dataset_shape = dataset_shape
        nav = dataset_shape.nav.to_tuple()
        self._roi = None if roi is None else _read_only(np.asarray(roi, bool).reshape(nav))
        self._dataset_dtype = machine_order(dataset_dtype)
        self._input_dtype = machine_order(input_dtype)
        self._scheme = tiling_scheme
        self._index = tiling_index
        self._corrections = corrections or CorrectionSet()
        self._device_class = device_class or "cpu"
        self._threads = threads_per_worker
        self._backend = array_backend
        self._valid = valid_nav_mask
        # the place: frames [start + first, start + first + count) of the compressed axis
        self._positions: NDArray[np.int64] | None = None
        self._coordinates: NDArray[np.int64] | None = None
        self._start = 0
        self._first = 0
        self._count = 0
        self._placed = False
        self._in_cell = False
        if partition_slice is not None:
            self._enter_slice(partition_slice)
            self._index = tiling_index

    def _enter_slice(self, partition: Slice) -> None:
        first, count = partition.origin[0], partition.shape[0]
        positions = np.arange(first, first + count, dtype=np.int64)
        if self._roi is not None:
            positions = positions[self._roi.reshape(-1)[first : first + count]]
        self.enter(partition.adjust_for_roi(self._roi).origin[0], positions)
        self.place()

    def for_partition(self, start: int, positions: NDArray[np.int64]) -> UDFMeta:
        """A copy of these facts that stands before a partition; `slice` is still None.

        Parameters
        ----------
        start : int
            Number of its first frame among the selected ones.
        positions : ndarray of int64, shape (frames,)
            Flat scan position of each of its frames.
        """
        meta = UDFMeta.__new__(UDFMeta)
        meta.__dict__.update(self.__dict__)
        meta.enter(start, positions)
        return meta

    def enter(self, start: int, positions: NDArray[np.int64]) -> None:
        """Stand before a partition; parameters as in `for_partition`."""
        self._positions = positions
        self._coordinates = None
        self._start = start
        self._placed = False
        if self._scheme is not None:
            self._scheme = self._scheme.adjust_for_partition(len(positions))

    def place(self) -> None:
        """Stand on the whole partition."""
        assert self._positions is not None
        self._placed = True
        self._first = 0
        self._count = len(self._positions)
        self._index = 0
        self._in_cell = False

    def move(self, first: int, count: int) -> None:
        """Stand on frames ``[first, first + count)`` of the partition."""
        self._first = first
        self._count = count

    def enter_cell(self, index: int) -> None:
        """Stand on a cell of the tiling scheme."""
        self._index = index
        self._in_cell = True

    @property
    def dataset_shape(self) -> Shape:
        """Navigation and signal axes, whatever is selected."""
        return self._dataset_shape

    @property
    def dataset_dtype(self) -> np.dtype[Any]:
        """Pixel type as recorded."""
        return self._dataset_dtype

    @property
    def tile_dtype(self) -> np.dtype[Any]:
        """Pixel type of native tiles: as recorded, or float32 and wider if corrected."""
        corrected = self._corrections.have_corrections()
        return corrected_dtype(self._dataset_dtype) if corrected else self._dataset_dtype

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """Pixel type as UDFs get it."""
        return self._input_dtype

    @property
    def roi(self) -> NDArray[np.bool_] | None:
        """Selected positions: read-only, nav-shaped; None when all are."""
        return self._roi

    @property
    def partition_shape(self) -> Shape:
        """``(frames,)`` and the signal axes; selected frames only.

        Raises
        ------
        ValueError
            On the main side, where there is no partition.
        """
        return self.partition_slice.shape

    @property
    def partition_slice(self) -> Slice:
        """The partition over the compressed axis of selected frames.

        Raises
        ------
        ValueError
            On the main side, where there is no partition.
        """
        if self._positions is None:
            raise ValueError("there is no partition on the main side; use meta.dataset_shape")
        return self._box(self._start, len(self._positions), self._whole_sig())

    @property
    def slice(self) -> Slice | None:
        """Where we stand: partition, tile or frame, over the compressed navigation axis."""
        if not self._placed:
            return None
        if self._scheme is None or not self._in_cell:
            sig = self._whole_sig()
        else:
            sig = self._scheme[self._index]
        return self._box(self._start + self._first, self._count, sig)

    @property
    def sig_slice(self) -> Slice:
        """The part of the detector the current tile shows.

        Raises
        ------
        AssertionError
            On the main side, where there is no tile.
        """
        assert self._scheme is not None, "there is no tile on the main side"
        return self._scheme[self._index]

    @property
    def tiling_scheme(self) -> TilingScheme | None:
        """How tiles are cut; None on the main side."""
        return self._scheme

    @property
    def tiling_scheme_idx(self) -> int:
        """Number of the current cell; 0 while frames or partitions are processed."""
        return self._index

    @property
    def coordinates(self) -> NDArray[np.int64]:
        """Scan coordinates of the frames we stand on: shape (frames, nav axes).

        Raises
        ------
        AssertionError
            On the main side, and before the partition is entered.
        """
        assert self._placed, "there are no frames here"
        assert self._positions is not None
        if self._coordinates is None:
            nav = self._dataset_shape.nav.to_tuple()
            self._coordinates = np.stack(np.unravel_index(self._positions, nav), axis=1)
        return self._coordinates[self._first : self._first + self._count].copy()

    @property
    def corrections(self) -> CorrectionSet:
        """What was done to the pixels; an empty set when nothing was."""
        return self._corrections

    @property
    def device_class(self) -> str:
        """``"cpu"``."""
        return self._device_class

    @property
    def array_backend(self) -> str | None:
        """Array library of the frames; None on the main side."""
        return self._backend

    @property
    def threads_per_worker(self) -> int | None:
        """How many threads a UDF may start; None on the main side and when nobody said."""
        return self._threads

    def get_valid_nav_mask(self, full_nav: bool = False) -> NDArray[np.bool_] | None:
        """Which positions are merged so far; read-only.

        Parameters
        ----------
        full_nav : bool
            Whether positions that are not selected are part of the mask (as False).

        Returns
        -------
        ndarray of bool, or None
            Flat, one element a selected position (or a position); None in workers.
        """
        if self._valid is None or not full_nav or self._roi is None:
            return self._valid
        full = np.zeros(self._roi.size, dtype=bool)
        full[self._roi.reshape(-1)] = self._valid
        return full

    def set_valid_nav_mask(self, mask: NDArray[np.bool_] | None) -> None:
        """Say which positions are merged; for those who drive UDFs."""
        self._valid = mask

    def _whole_sig(self) -> Slice:
        sig = self._dataset_shape.sig
        return Slice((0,) * len(sig), sig)

    def _box(self, start: int, count: int, sig: Slice) -> Slice:
        return Slice((start, *sig.origin), Shape((count, *sig.shape), self._dataset_shape.sig_dims))


def _read_only(array: NDArray[np.bool_]) -> NDArray[np.bool_]:
    view = array.view()
    view.setflags(write=False)
    return view
